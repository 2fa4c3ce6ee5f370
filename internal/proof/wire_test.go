//go:build long

package proof_test

import (
	"context"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"linkspan/internal/localpg/localpgtest"
)

// wire is the network between the program and a cluster: it can be slow, and it can be cut.
type wire struct {
	localpgtest.Detour
	delay   atomic.Int64 // of each answer of the cluster
	workers atomic.Int64 // goroutines that carry something
	serving sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener
	life     context.Context // of the connections
	cut      context.CancelFunc
}

// newWire lays a wire to a cluster; it is there until the test ends.
func newWire(t *testing.T, dsn string) *wire {
	t.Helper()
	w := &wire{Detour: localpgtest.NewDetour(t, dsn)}
	w.mend(t)
	t.Cleanup(w.refuse)
	return w
}

// mend lets the wire take connections.
func (w *wire) mend(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := os.Remove(w.Listen); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: w.Listen, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false) // what is connected to is refused then, not missing
	w.listener = listener
	w.life, w.cut = context.WithCancel(context.Background())
	w.serving.Go(func() { w.accept(w.life, listener) })
}

// refuse breaks all connections and refuses new ones.
func (w *wire) refuse() {
	w.mu.Lock()
	w.listener.Close()
	w.cut()
	w.mu.Unlock()
	w.serving.Wait()
}

func (w *wire) accept(life context.Context, listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", w.Target)
		if err != nil {
			client.Close()
			continue
		}
		w.serving.Go(func() { w.carry(life, client, server) })
	}
}

func (w *wire) carry(life context.Context, client, server net.Conn) {
	defer context.AfterFunc(life, func() {
		client.Close()
		server.Close()
	})()
	const each = 3 // this one and two below
	w.workers.Add(each)
	defer w.workers.Add(-each)
	var both sync.WaitGroup
	both.Go(func() { pump(life, client, server, &w.delay) })
	both.Go(func() { pump(life, server, client, new(atomic.Int64)) })
	both.Wait()
}

// pump carries what comes from one end to the other, each piece after the delay.
func pump(life context.Context, to, from net.Conn, delay *atomic.Int64) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if pause := time.Duration(delay.Load()); pause > 0 {
			pausing, done := context.WithTimeout(life, pause)
			<-pausing.Done()
			done()
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}
