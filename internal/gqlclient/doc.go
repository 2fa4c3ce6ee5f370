// Package gqlclient is a small client of a GraphQL server, for our own commands, tests and benchmarks: requests over
// HTTP, and subscriptions over one WebSocket with the graphql-transport-ws protocol
// (https://github.com/graphql/graphql-over-http and https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md).
//
// What it promises:
//
//   - Whatever goes wrong is told by type: what the server said of the request ([Errors], of [*Error] with its code), an
//     answer that is not GraphQL ([*StatusError]), the end of a socket ([*CloseError]). Tokens are in no error's text.
//   - A subscription delivers what the server sent, in order, without loss and without repetition, until it ends; then
//     its Next says why. Results that came before the end are delivered before the error.
//   - Memory is bounded. A socket is read only as fast as the slowest of its subscribers takes results: who must not
//     wait for another dials a socket of its own.
//   - The loss of a socket is noticed also when nothing arrives any more, by pings.
//
// It does not reconnect and does not repeat requests: only the caller knows its cursor and its idempotency keys. It knows
// the server by its contract alone.
package gqlclient
