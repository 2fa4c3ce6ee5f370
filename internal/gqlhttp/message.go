package gqlhttp

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The types of messages.
const (
	messageInit      = "connection_init"
	messageAck       = "connection_ack"
	messagePing      = "ping"
	messagePong      = "pong"
	messageSubscribe = "subscribe"
	messageNext      = "next"
	messageError     = "error"
	messageComplete  = "complete"
)

// maxIDBytes is the greatest length of an operation's id. Clients take UUIDs or numbers; the server keeps it and repeats it.
const maxIDBytes = 256

// message is a message as it comes.
type message struct {
	ID      *string        `json:"id"`
	Type    string         `json:"type"`
	Payload jsontext.Value `json:"payload"`
}

// halfPairs leaves halves of surrogate pairs to who reads the payload: they end one operation and not the socket.
var halfPairs = jsontext.AllowInvalidUTF8(true)

// readMessage reads a message and checks its form; PROTOCOL.md, "Message types". The error closes the socket.
func readMessage(text []byte) (message, *CloseError) {
	var m *message
	if !utf8.Valid(text) || json.Unmarshal(text, &m, halfPairs) != nil || m == nil {
		return message{}, &CloseError{CloseInvalidMessage, "A message must be a JSON object in UTF-8 with a type"}
	}
	hasID := m.ID != nil && *m.ID != "" && !strings.ContainsRune(*m.ID, utf8.RuneError) // which half a pair becomes
	switch m.Type {
	case messageInit, messagePing, messagePong:
		if !isObjectOrAbsent(m.Payload) {
			return message{}, &CloseError{CloseInvalidMessage, "The payload of " + m.Type + " must be an object"}
		}
	case messageSubscribe:
		if !hasID || len(*m.ID) > maxIDBytes || len(m.Payload) == 0 {
			return message{}, &CloseError{CloseInvalidMessage, "subscribe needs an id of 1 to 256 bytes and a payload"}
		}
	case messageComplete:
		if !hasID {
			return message{}, &CloseError{CloseInvalidMessage, "complete needs an id"}
		}
	case messageAck, messageNext, messageError:
		return message{}, &CloseError{CloseInvalidMessage, "Only the server sends " + m.Type}
	default:
		return message{}, &CloseError{CloseInvalidMessage, "The type of a message is none of graphql-transport-ws's"}
	}
	return *m, nil
}

func isObjectOrAbsent(payload jsontext.Value) bool {
	return len(payload) == 0 || payload[0] == '{' || string(payload) == "null"
}

// writeMessage writes the beginning of a message with an id; a payload and '}' follow.
func writeMessage(b *bytes.Buffer, messageType, id string) {
	b.WriteString(`{"id":`)
	writeJSON(b, id)
	b.WriteString(`,"type":"`)
	b.WriteString(messageType)
	b.WriteByte('"')
}

// beginningOf is how messages with a payload begin.
func beginningOf(messageType, id string) []byte {
	var b bytes.Buffer
	writeMessage(&b, messageType, id)
	b.WriteString(`,"payload":`)
	return b.Bytes()
}

func writeNext(b *bytes.Buffer, beginning []byte, a answer) {
	b.Write(beginning)
	a.write(b)
	b.WriteByte('}')
}

func writeError(b *bytes.Buffer, id string, errs gqlerror.List) {
	writeMessage(b, messageError, id)
	b.WriteString(`,"payload":`)
	writeJSON(b, errs)
	b.WriteByte('}')
}

func writeComplete(b *bytes.Buffer, id string) {
	writeMessage(b, messageComplete, id)
	b.WriteByte('}')
}

// writePong answers a ping with its payload.
func writePong(b *bytes.Buffer, payload jsontext.Value) {
	b.WriteString(`{"type":"pong"`)
	if len(payload) > 0 {
		b.WriteString(`,"payload":`)
		b.Write(payload)
	}
	b.WriteByte('}')
}
