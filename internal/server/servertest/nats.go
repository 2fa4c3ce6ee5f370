package servertest

import (
	"sync"
	"testing"

	natsserver "github.com/nats-io/nats-server/v2/server"
)

// NATS runs a NATS server that replicas share, on loopback, until stop or until the test ends.
func NATS(t testing.TB) (url string, stop func()) {
	t.Helper()
	s, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	stop = sync.OnceFunc(func() { s.Shutdown(); s.WaitForShutdown() })
	t.Cleanup(stop)
	if !s.ReadyForConnections(Patience) {
		t.Fatal("no NATS server")
	}
	return s.ClientURL(), stop
}
