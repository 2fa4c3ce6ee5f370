// Package gqlhttp serves GraphQL to clients of every make over any gqlgen executor: by HTTP, by WebSocket, by
// Server-Sent Events and by multipart responses, each to the letter of its specification:
//
//   - GraphQL over HTTP (https://graphql.github.io/graphql-over-http/draft/)
//   - graphql-transport-ws (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md)
//   - GraphQL over Server-Sent Events, distinct connections (https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md)
//   - Apollo's multipart subscriptions over HTTP (https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol)
//
// The invariants:
//
//   - Nothing that a client sends, or fails to send or to read, holds anything for longer than the limits of [Config]:
//     all writes, messages, operations and connections are bounded, and all reads but those of a request's header and
//     body, whose time is http.Server's ReadTimeout.
//   - What ends an operation frees its resolver: its context ends.
//   - A response is on its way before the next one is asked for, so an executor may use its buffers again.
//   - What is sent to several is made for none of them in particular ([Config.Audience]), and nobody waits for another's client.
//   - Errors are made known through the executor's presenter alone; this package shows no text but its own.
//
// It knows no schema, no viewer and no rule of the program around it; those come in as functions of [Config].
package gqlhttp
