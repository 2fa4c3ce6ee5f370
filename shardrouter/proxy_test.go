package shardrouter

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"linkspan/internal/localpg/localpgtest"
)

// proxy stands between the router and a server, and breaks connections at COMMIT.
type proxy struct {
	listener net.Listener
	target   string
	accepted atomic.Int64
	open     sync.WaitGroup
	life     context.Context
	end      context.CancelFunc

	mu   sync.Mutex
	left int           // how many COMMITs still to break
	pass bool          // whether the server gets them first
	held chan struct{} // unless nil, what clients send waits for it, but pings are answered
}

// commits tells whether a message asks for a COMMIT: as the text that pgx sends, or by the name under which a Tx has
// prepared it, or the statement that commits by itself.
func commits(message []byte) bool {
	return bytes.Equal(message, append([]byte{'Q', 0, 0, 0, 11}, "commit\x00"...)) ||
		message[0] == 'B' && (bytes.Contains(message, preparedName(commitText)) || bytes.Contains(message, preparedName(writeAtOnce)))
}

// preparedName is the name that pgx gives to a statement with that text.
func preparedName(text string) []byte {
	digest := sha256.Sum256([]byte(text))
	return []byte("stmt_" + hex.EncodeToString(digest[:24]))
}

// newProxy returns a proxy and the DSN that leads through it.
func newProxy(t *testing.T, dsn string) (*proxy, string) {
	t.Helper()
	at := localpgtest.NewDetour(t, dsn)
	listener, err := net.Listen("unix", at.Listen)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, target: at.Target}
	p.life, p.end = context.WithCancel(context.Background())
	p.open.Go(p.accept)
	t.Cleanup(p.stop)
	return p, at.DSN
}

// stop makes the server unreachable: connections break, and new ones are refused.
func (p *proxy) stop() {
	_ = p.listener.Close()
	p.end()
	p.open.Wait()
}

// breakCommits breaks the next n COMMITs: before the server gets them, or before its answer is passed on.
func (p *proxy) breakCommits(n int, pass bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left, p.pass = n, pass
}

// hold makes a server that accepts connections and does not serve them until it is released.
func (p *proxy) hold() (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	held := make(chan struct{})
	p.held = held
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.held = nil
		close(held)
	}
}

// wait waits while the proxy holds; false for a ping, which it has answered.
func (p *proxy) wait(client net.Conn, message []byte) bool {
	p.mu.Lock()
	held := p.held
	p.mu.Unlock()
	if held == nil {
		return true
	}
	if bytes.Equal(message, sslRequest) {
		_, _ = client.Write([]byte{'N'})
		return false
	}
	select {
	case <-held:
	case <-p.life.Done():
	}
	return true
}

// atCommit tells whether to break the COMMIT that has come.
func (p *proxy) atCommit() (broken, pass bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left == 0 {
		return false, false
	}
	p.left--
	return true, p.pass
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.accepted.Add(1)
		server, err := net.Dial("unix", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.open.Go(func() { p.serve(client, server) })
	}
}

func (p *proxy) serve(client, server net.Conn) {
	defer context.AfterFunc(p.life, func() {
		_ = client.Close()
		_ = server.Close()
	})()
	var muted atomic.Bool // the server's answers go nowhere
	var answers sync.WaitGroup
	answers.Go(func() {
		defer client.Close()
		buffer := make([]byte, 32<<10)
		for {
			n, err := server.Read(buffer)
			if err != nil || muted.Load() {
				return // the answer to COMMIT is there: it has happened
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	})
	defer answers.Wait()
	defer server.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if !p.wait(client, buffer[:n]) {
			return
		}
		if commits(buffer[:n]) {
			if broken, pass := p.atCommit(); broken {
				if !pass {
					_ = client.Close()
					return
				}
				muted.Store(true)
				if _, err := server.Write(buffer[:n]); err == nil {
					answers.Wait()
				}
				_, _ = io.Copy(io.Discard, client)
				return
			}
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}
