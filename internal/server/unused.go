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
type unused struct{ conns sync.Map }

// note is a [http.Server.ConnState].
func (u *unused) note(conn net.Conn, state http.ConnState) {
	if state == http.StateNew {
		u.conns.Store(conn, nil)
	} else {
		u.conns.Delete(conn)
	}
}

func (u *unused) close() {
	for conn := range u.conns.Range {
		_ = conn.(net.Conn).Close() // its client may have been first
	}
}
