package gqlclienttest

import (
	"context"
	"encoding/json"

	"github.com/coder/websocket"
)

// Message is a message of graphql-transport-ws.
type Message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// Peer is the server's side of one socket. Its methods may be used by one goroutine; what fails because the client is
// gone fails silently, and Receive reports false from then on.
type Peer struct {
	ctx  context.Context
	conn *websocket.Conn
}

// Open takes connection_init, acknowledges it, and returns its payload.
func (p *Peer) Open() json.RawMessage {
	m, _ := p.Receive()
	p.Send(Message{Type: "connection_ack"})
	return m.Payload
}

// Receive waits for the client's next message; false when the client, or the test, is gone.
func (p *Peer) Receive() (m Message, ok bool) {
	_, text, err := p.conn.Read(p.ctx)
	if err != nil || json.Unmarshal(text, &m) != nil {
		return Message{}, false
	}
	return m, true
}

// Subscribed waits for the client's next subscription; false when the client is gone.
func (p *Peer) Subscribed() (id string, op Operation, ok bool) {
	for {
		m, ok := p.Receive()
		if !ok {
			return "", op, false
		}
		if m.Type == "subscribe" && json.Unmarshal(m.Payload, &op) == nil {
			return m.ID, op, true
		}
	}
}

// Gone waits until the client is gone, and drops what it sends until then.
func (p *Peer) Gone() {
	for {
		if _, ok := p.Receive(); !ok {
			return
		}
	}
}

// Hang reads nothing and says nothing until the test ends.
func (p *Peer) Hang() { <-p.ctx.Done() }

// Send sends a message.
func (p *Peer) Send(m Message) {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	p.SendText(string(text))
}

// SendText sends any text.
func (p *Peer) SendText(text string) {
	_ = p.conn.Write(p.ctx, websocket.MessageText, []byte(text)) // the client may be gone
}

// Next sends a result of a subscription; the data is JSON.
func (p *Peer) Next(id, data string) { p.NextPayload(id, `{"data":`+data+`}`) }

// NextPayload sends the payload, which is JSON, as a result of a subscription.
func (p *Peer) NextPayload(id, payload string) {
	p.Send(Message{Type: "next", ID: id, Payload: json.RawMessage(payload)})
}

// Complete ends a subscription.
func (p *Peer) Complete(id string) { p.Send(Message{Type: "complete", ID: id}) }

// Fail ends a subscription with an error of that code.
func (p *Peer) Fail(id, code, text string) {
	payload, err := json.Marshal([]any{Fault(code, text, false)})
	if err != nil {
		panic(err)
	}
	p.Send(Message{Type: "error", ID: id, Payload: payload})
}

// Close ends the socket with a close frame, and waits for the client's.
func (p *Peer) Close(code int, reason string) {
	_ = p.conn.Close(websocket.StatusCode(code), reason) // the client may be gone
}

// Fault is a top-level error, as an answer has it.
func Fault(code, text string, retryable bool) map[string]any {
	return map[string]any{
		"message":    text,
		"extensions": map[string]any{"code": code, "retryable": retryable, "requestId": "request-1"},
	}
}

// Faults is an answer that is nothing but one error.
func Faults(code, text string, retryable bool) map[string]any {
	return map[string]any{"data": nil, "errors": []any{Fault(code, text, retryable)}}
}
