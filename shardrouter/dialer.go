package shardrouter

import (
	"context"
	"net"
	"sync"
	"time"
)

// dialer makes a cluster's network connections and can cut all of them at once, those under way too.
// Without that, connections to a server that has gone silent would hold their places in the pool for as
// long as pgx is polite to it: 15 s.
type dialer struct {
	gate func() error // refuses to dial with this error, unless nil

	mu   sync.Mutex
	open map[*trackedConn]struct{}
	life context.Context // ends with the next cut
	end  context.CancelFunc
}

func newDialer(gate func() error) *dialer {
	d := &dialer{gate: gate, open: make(map[*trackedConn]struct{})}
	d.life, d.end = context.WithCancel(context.Background())
	return d
}

// keepAlive finds a peer that vanished from the network while nobody waits for it.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	life := d.life
	d.mu.Unlock()
	// In this order: who closes the gate cuts afterwards, and so reaches those who were let through.
	if err := d.gate(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(life, cancel)()

	conn, err := (&net.Dialer{KeepAliveConfig: keepAlive}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	tracked := &trackedConn{Conn: conn, dialer: d}
	d.mu.Lock()
	defer d.mu.Unlock()
	if life.Err() != nil {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	d.open[tracked] = struct{}{}
	return tracked, nil
}

// cut closes every connection. Whoever waits on one gets an error at once. It can dial again.
func (d *dialer) cut() {
	d.mu.Lock()
	d.end()
	d.life, d.end = context.WithCancel(context.Background())
	open := d.open
	d.open = make(map[*trackedConn]struct{})
	d.mu.Unlock()
	for conn := range open {
		_ = conn.Conn.Close()
	}
}

type trackedConn struct {
	net.Conn
	dialer *dialer
}

func (c *trackedConn) Close() error {
	c.dialer.mu.Lock()
	delete(c.dialer.open, c)
	c.dialer.mu.Unlock()
	return c.Conn.Close()
}
