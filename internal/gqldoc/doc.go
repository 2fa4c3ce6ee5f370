// Package gqldoc is gqlgen's executor behind limits: what a GraphQL document may cost, and whether its values are of
// their types. [Executor] is a graphql.GraphExecutor, so any transport can sit on it.
//
// A document goes through these, and the first that refuses it ends its way:
//
//  1. Its bytes, then one pass over its tokens, without memory: their number, how deep it nests, aliases, directives at
//     one place, operations and fragments, and text that is no text (NUL, halves of surrogate pairs).
//  2. The parser, which recurses, and so comes after the nesting is known.
//  3. Its shape without the schema: fragment cycles, depth, root fields and fields once fragments are spread out, each
//     fragment looked at once, and how many steps the validator would take, some of whose rules are quadratic.
//  4. The validator's rules, until there are maxErrors errors, and the values of literals.
//  5. A plan of each operation's variables and cost, kept with the document in a bounded cache.
//
// On each request the variables are coerced strictly by the plan, and the cost is computed with them.
//
// It knows nothing of what the fields mean, of who asks, or of rates.
package gqldoc
