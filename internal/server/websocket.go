package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"linkspan/internal/channel"
)

// errGoingAway is why the sockets of a server that ends are closed.
var errGoingAway = errors.New("the server is going away")

// upgrades ends sockets with the server, which http.Server.Shutdown does not, and answers upgrades that the stock
// transport refuses.
func (s *Server) upgrades(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			next.ServeHTTP(w, r)
			return
		}
		s.open.Add(1)
		defer s.open.Done()
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		defer context.AfterFunc(s.sockets, func() { cancel(errGoingAway) })()
		answer := &upgradeWriter{ResponseWriter: w}
		next.ServeHTTP(answer, r.WithContext(ctx))
		if answer.refused != 0 {
			answerUnformed(w, r, unformed{answer.refused, "This is no upgrade to a WebSocket of version 13 from this origin."})
		}
	})
}

// awaitSockets waits until those who were told to go have gone, or for as long as ctx.
func (s *Server) awaitSockets(ctx context.Context) {
	gone := make(chan struct{})
	go func() {
		s.open.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-ctx.Done(): // what does not answer is not waited for
	}
}

// upgradeWriter keeps back the answer to an upgrade that is refused, but for its headers.
type upgradeWriter struct {
	http.ResponseWriter
	refused int // the status; 0: it is not
}

func (w *upgradeWriter) WriteHeader(status int) {
	if status == http.StatusSwitchingProtocols {
		w.ResponseWriter.WriteHeader(status)
	} else if w.refused == 0 {
		w.refused = status
	}
}

func (w *upgradeWriter) Write(text []byte) (int, error) { return len(text), nil }

// Unwrap is how the connection is taken over.
func (w *upgradeWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// sockets accepts WebSockets as the stock transport does, and looks at what they send.
type sockets struct {
	transport.CoderWebsocketImplementation
}

// Accept implements transport.WebsocketImplementation.
func (s sockets) Accept(
	w http.ResponseWriter, r *http.Request, options transport.WebsocketAcceptOptions,
) (transport.WebsocketConn, error) {
	conn, err := s.CoderWebsocketImplementation.Accept(w, r, options)
	if err != nil {
		return nil, err
	}
	return &socket{conn.(stockSocket), r.Context()}, nil
}

// stockSocket is all that the stock transport can do with a socket.
type stockSocket interface {
	transport.WebsocketConn
	transport.WebsocketReadLimiter
	transport.WebsocketReadDeadliner
}

// socket refuses operations that are no requests, before the stock transport reads them.
type socket struct {
	stockSocket
	ctx context.Context
}

// WriteClose implements transport.WebsocketConn. The stock transport closes with 1000 whatever ends a socket; from a server
// that goes away that would tell clients that nothing more is to come. With 1001 (RFC 6455, 7.4.1) they come back, after
// a pause: graphql-ws does, with its back-off, and so do this project's own.
func (s *socket) WriteClose(code int, reason string) error {
	if code == transport.WebsocketCloseNormalClosure && errors.Is(context.Cause(s.ctx), errGoingAway) {
		code, reason = int(websocket.StatusGoingAway), errGoingAway.Error()
	}
	return s.stockSocket.WriteClose(code, reason)
}

// message is a message of graphql-transport-ws.
type message struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// NextReader implements transport.WebsocketConn.
func (s *socket) NextReader() (kind int, r io.Reader, err error) {
	for {
		kind, r, err = s.stockSocket.NextReader()
		if err != nil {
			return kind, r, err
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return kind, nil, err
		}
		id, unformed := unformedOperation(text)
		if !unformed {
			return kind, bytes.NewReader(text), nil
		}
		fault := channel.BadInput("The payload is not a GraphQL request: %s", requestForm)
		payload, err := json.Marshal(gqlerror.List{present(s.ctx, fault)})
		if err == nil {
			err = s.WriteJSON(message{ID: id, Type: "error", Payload: payload})
		}
		if err != nil {
			return kind, nil, err
		}
	}
}

// unformedOperation reports whether a message asks for an operation that is no request, and under which id.
func unformedOperation(text []byte) (id string, unformed bool) {
	var sent message
	if err := json.Unmarshal(text, &sent); err != nil || sent.Type != "subscribe" {
		return "", false
	}
	return sent.ID, !isText(text) || !isRequest(sent.Payload)
}
