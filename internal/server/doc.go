// Package server is the HTTP edge: who is signed in, how GraphQL is reached and how its errors look, health, request
// ids and logs. It knows the domain and the resolvers; where data lives it does not know.
//
// The invariants:
//
//   - No resolver runs without a verified viewer in the context; without one only introspection answers.
//   - A client sees the text of errors that were written for clients, and of no other. Whatever an operation answers
//     carries a code; unknown errors are INTERNAL_SERVER_ERROR with the request id under which the log tells more. What
//     the stock transports refuse before there is an operation (a mutation over GET, another content type) has a text
//     alone.
//   - No token, no variable and no body is ever logged.
package server
