// Package server is the HTTP edge: who is signed in, how GraphQL is reached and how its errors look, health, request
// ids and logs. It knows the domain and the resolvers; where data lives it does not know.
//
// The invariants:
//
//   - No resolver runs without a verified viewer in the context; without one only introspection answers.
//   - A client sees the text of errors that were written for clients, and of no other. All errors of /graphql carry a
//     code, what refuses a request before there is an operation too; unknown errors are INTERNAL_SERVER_ERROR with the
//     request id under which the log tells more. A socket that breaks the protocol itself is closed.
//   - No token, no variable and no body is ever logged.
package server
