// Package load puts a server under load and measures it: requests in a closed loop ([HTTP]), one event to many subscribers
// ([FanOut]), messages from their posting until subscribers read them, slow ones beside them too ([EndToEnd]), and everything at
// once for long ([Mixed]).
//
// What it promises:
//
//   - It ends by itself: every run has a time after which it is broken off, and what was not answered then is an error.
//   - It talks to this machine alone ([Loopback]).
//   - Nothing is lost unnoticed: each message carries a mark, and each subscriber keeps an account of the marks that it
//     read. What is missing, came twice, or in another order than elsewhere is counted.
//   - It costs little CPU, for it shares the machine with what it measures, and what it takes looks like the server's
//     slowness. So its requests are written as bytes over bare connections, net/http only reads the answers, and a
//     subscriber is a socket with one small buffer, whose frames gobwas/ws reads in place: coder/websocket, which the rest
//     of the program uses, takes a goroutine and some ten KB more for each of ten thousand.
//
// Absolute figures mean little: only ratios of servers that were measured in turns.
//
// It knows no server: operations, bodies and what a good answer looks like are given to it.
package load
