package gqlhttp

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
)

// asksForWebSocket reports whether a request would open a WebSocket. Other upgrades (h2c) are for others, and ignored.
func asksForWebSocket(r *http.Request) bool {
	for _, value := range r.Header.Values("Upgrade") {
		for token := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(token), "websocket") {
				return true
			}
		}
	}
	return false
}

// upgrade opens a WebSocket, which goes on when this has returned.
func (t *Transport) upgrade(w http.ResponseWriter, r *http.Request, executor graphql.GraphExecutor) {
	if r.Header.Get("Origin") != "" && !t.config.CheckOrigin(r) {
		t.writeRefusal(r.Context(), w, executor, typeJSON, refusef(http.StatusForbidden, "Pages of this origin may not open a WebSocket here.").list())
		return
	}
	if t.isEnding() {
		t.writeRefusal(r.Context(), w, executor, typeJSON, refuseEnding().list())
		return
	}
	answer := &upgradeWriter{ResponseWriter: w, timeout: t.config.WriteTimeout}
	conn, err := websocket.Accept(answer, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}, InsecureSkipVerify: true})
	if err != nil {
		if answer.refused != 0 {
			refused := refusef(answer.refused, "This is no upgrade to a WebSocket of version 13.")
			if answer.refused == http.StatusMethodNotAllowed {
				refused.Allow = http.MethodGet
			}
			t.writeRefusal(r.Context(), w, executor, typeJSON, refused.list())
		}
		return
	}
	conn.SetReadLimit(t.config.MaxBodyBytes)
	s := newSocket(t.config.SocketContext(r), t, executor, conn, answer.wire)
	if err := t.enter(s, WebSocket); err != nil { // it went away meanwhile
		go s.close(&CloseError{CloseRestart, shutdownReason})
		return
	}
	go s.run(conn.Subprotocol() == subprotocol)
}

// upgradeWriter keeps back the answer to an upgrade that is refused, but for its headers, and hands over a connection
// that bounds each write.
type upgradeWriter struct {
	http.ResponseWriter
	timeout time.Duration
	refused int   // the status; 0: it is not
	wire    *wire // after the upgrade
}

func (w *upgradeWriter) WriteHeader(status int) {
	if status == http.StatusSwitchingProtocols {
		w.ResponseWriter.WriteHeader(status)
	} else if w.refused == 0 {
		w.refused = status
	}
}

func (w *upgradeWriter) Write(text []byte) (int, error) { return len(text), nil }

// Sizes of a socket's buffers, which it has as long as it lives. Reading passes over its own for what is larger; what is
// written through the other is control frames, of at most 127 bytes.
const (
	readBufferBytes  = 256
	writeBufferBytes = 128
)

// Hijack implements [http.Hijacker]. What the server has read already is kept; the server's own buffers are let go of.
func (w *upgradeWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w.wire = newWire(conn, w.timeout)
	reader := bufio.NewReaderSize(conn, readBufferBytes)
	if early := buffered.Reader.Buffered(); early > 0 {
		text, _ := buffered.Peek(early)
		w.wire.Conn = &earlyConn{conn, append([]byte(nil), text...)}
		reader = bufio.NewReaderSize(w.wire, readBufferBytes)
	}
	return w.wire, bufio.NewReadWriter(reader, bufio.NewWriterSize(w.wire, writeBufferBytes)), nil
}

// pieceBytes is how much is written at once: as much as any client takes in WriteTimeout that reads at all.
const pieceBytes = 32 << 10

// writePieces gives each piece of a text its time: who reads slowly gets it all, who does not read is cut off.
func writePieces(w io.Writer, text []byte, bound func() error) (written int, err error) {
	for len(text) > 0 && err == nil {
		if err = bound(); err != nil {
			return written, err
		}
		var n int
		n, err = w.Write(text[:min(len(text), pieceBytes)])
		written, text = written+n, text[n:]
	}
	return written, err
}

// earlyConn is a connection of which some was read too early.
type earlyConn struct {
	net.Conn
	early []byte
}

func (c *earlyConn) Read(into []byte) (int, error) {
	if len(c.early) == 0 {
		return c.Conn.Read(into)
	}
	n := copy(into, c.early)
	c.early = c.early[n:]
	return n, nil
}
