package server

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// unusedGrace is how long a connection that has asked nothing is left open once the server ends: longer than a request
// that is already sent takes to be read.
const unusedGrace = time.Second

// unused are the connections on which nothing has been asked yet: browsers and pools open some ahead of need.
// [http.Server.Shutdown] waits 5 seconds for each as for a request (https://go.dev/issue/22682).
type unused struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// note is a [http.Server.ConnState].
func (u *unused) note(conn net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if state == http.StateNew {
		u.conns[conn] = struct{}{}
	} else {
		delete(u.conns, conn)
	}
}

func (u *unused) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for conn := range u.conns {
		_ = conn.Close() // its client may have been first
	}
}
