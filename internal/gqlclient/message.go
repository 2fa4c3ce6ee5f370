package gqlclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/coder/websocket"
)

const writeTimeout = 10 * time.Second

// The kinds of messages of graphql-transport-ws.
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

// message is what goes over the socket, either way.
type message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// receive waits for a message.
func (s *Socket) receive(ctx context.Context) (m message, err error) {
	_, text, err := s.conn.Read(ctx)
	if err != nil {
		return m, closeError(err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, &CloseError{Code: CloseLost, Err: fmt.Errorf("unexpected message: %w", err)}
	}
	return m, nil
}

// write sends a message. A context that ends meanwhile breaks the socket, so it must not be a subscriber's.
func (s *Socket) write(ctx context.Context, kind, id string, payload any) error {
	m := message{Type: kind, ID: id}
	var err error
	if payload != nil {
		if m.Payload, err = json.Marshal(payload); err != nil {
			return fmt.Errorf("gqlclient: %w", err)
		}
	}
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("gqlclient: %w", err)
	}
	ctx, done := context.WithTimeout(ctx, writeTimeout)
	defer done()
	if err := s.conn.Write(ctx, websocket.MessageText, text); err != nil {
		return closeError(err)
	}
	return nil
}

func closeError(err error) error {
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		return &CloseError{Code: int(closed.Code), Reason: closed.Reason}
	}
	return &CloseError{Code: CloseLost, Err: err}
}
