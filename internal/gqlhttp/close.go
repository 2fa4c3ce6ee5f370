package gqlhttp

import (
	"fmt"
	"unicode/utf8"
)

// CloseCode is the code that a WebSocket is closed with. What is below 4000 is RFC 6455's or IANA's; the rest is
// graphql-transport-ws's. Clients come back after those that say that it helps, and give up at the others.
type CloseCode int

// The codes. CloseNormal is the client's alone: no refusal has it.
const (
	CloseNormal            CloseCode = 1000
	CloseGoingAway         CloseCode = 1001
	CloseLost              CloseCode = 1006 // never sent: the connection ended without a code
	CloseTooBig            CloseCode = 1009 // a message is larger than MaxBodyBytes
	CloseRestart           CloseCode = 1012 // the server goes away: come back, to another
	CloseTryLater          CloseCode = 1013 // too many connections of one party, or Init can't tell now who it is: come back later
	CloseInvalidMessage    CloseCode = 4400
	CloseUnauthorized      CloseCode = 4401 // subscribe before the acknowledgement; credentials that are no good
	CloseForbidden         CloseCode = 4403 // the credentials have expired: come back with others
	CloseBadSubprotocol    CloseCode = 4406
	CloseTimeout           CloseCode = 4408 // connection_init, or the answer to a ping, did not come in time
	CloseDuplicateID       CloseCode = 4409
	CloseTooManyInits      CloseCode = 4429
	CloseInternal          CloseCode = 4500
	maxReasonBytes                   = 123 // RFC 6455, 5.5, less the code
	shutdownReason                   = "Service restart"
	subprotocol                      = "graphql-transport-ws"
	tooManyConnectionsText           = "Too many sockets and streams are open: at most %d at once."
)

// CloseError closes a WebSocket. Reason is fit for clients; it is cut to 123 bytes.
type CloseError struct {
	Code   CloseCode
	Reason string
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("gqlhttp: closed with %d: %s", e.Code, e.Reason)
}

// reason is what can be sent.
func (e *CloseError) reason() string {
	text := e.Reason
	for len(text) > maxReasonBytes {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}
