package live

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

func connected(t testing.TB, url string, logger *slog.Logger) *Hints {
	t.Helper()
	h, err := Connect(t.Context(), url, logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// external runs a NATS server of its own, on that port or any (-1), until the test ends or until stop.
func external(t testing.TB, options server.Options) (url string, port int, stop func()) {
	t.Helper()
	options.Host, options.NoSigs, options.NoLog = "127.0.0.1", true, true
	s, err := server.NewServer(&options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		t.Fatal("no NATS server")
	}
	stop = func() { s.Shutdown(); s.WaitForShutdown() }
	t.Cleanup(stop)
	return "nats://" + s.Addr().String(), s.Addr().(*net.TCPAddr).Port, stop
}

// lines is a log that tests read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func TestHintsBetweenProcesses(t *testing.T) {
	t.Parallel()
	url, _, _ := external(t, server.Options{Port: -1})
	a, b := connected(t, url, nil), connected(t, url, nil)
	eventually(t, a, listen(t, b))
	eventually(t, b, listen(t, a))
	eventually(t, a, listen(t, a))
}

// hangUp takes that many calls at the port, and answers none.
func hangUp(t *testing.T, port, calls int) {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	listener.SetDeadline(time.Now().Add(patience))
	for i := range calls {
		conn, err := listener.Accept()
		if err != nil {
			t.Fatalf("after %d calls: %v", i, err)
		}
		conn.Close()
	}
}

func TestServerThatComesLateGoesAndComesBack(t *testing.T) {
	t.Parallel()
	var log lines
	url, port, stop := external(t, server.Options{Port: -1})
	stop()
	a, b := connected(t, url, log.logger()), connected(t, url, nil)
	toA, toB := listen(t, a), listen(t, b)
	for range 2 {
		eventually(t, a, toA) // alone
		hangUp(t, port, 8)
		_, _, stop = external(t, server.Options{Port: port})
		eventually(t, a, toB)
		eventually(t, b, toA)
		stop()
	}
	if a.Stats().Kept == 0 {
		t.Error("no hint was kept while the server was down")
	}
	if !strings.Contains(log.String(), "lost the connection") {
		t.Errorf("the loss is not in the log:\n%s", &log)
	}
}

func TestForeignMessagesAreDropped(t *testing.T) {
	t.Parallel()
	var log lines
	url, _, _ := external(t, server.Options{Port: -1})
	h := connected(t, url, log.logger())
	told := listen(t, h)
	eventually(t, h, told)
	stranger, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	good := encodeHint(newKey(), 5)
	bad := [][]byte{nil, []byte("hello"), good[:24], append(good[:], 0), make([]byte, hintSize), bytes.Repeat([]byte{0xff}, hintSize)}
	for _, payload := range append(bad, good[:]) {
		if err := stranger.Publish(hintSubject, payload); err != nil {
			t.Fatal(err)
		}
	}
	late := time.After(patience)
	for {
		select {
		case got := <-told:
			if got.reached == 7 {
				continue // of eventually
			}
			if want, _, _ := decodeHint(good[:]); got != (heard{want, 5}) {
				t.Fatalf("heard %v", got)
			}
			if s := h.Stats(); s.Malformed != uint64(len(bad)) {
				t.Errorf("%d of %d are counted", s.Malformed, len(bad))
			}
			if n := strings.Count(log.String(), "dropped a message"); n != 1 {
				t.Errorf("%d lines in the log", n)
			}
			return
		case <-late:
			t.Fatal("the good one was never heard")
		}
	}
}

func TestCredentialsStaySecret(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	_, port, _ := external(t, server.Options{Port: -1, Username: "linkspan", Password: secret})
	address := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}).String()
	_, _, stop := external(t, server.Options{Port: -1})
	stop()

	var right lines
	h := connected(t, "nats://linkspan:"+secret+"@"+address, right.logger())
	told := listen(t, h)
	for late := time.After(patience); h.Stats().Sent == 0; { // its first try may have been too slow
		eventually(t, h, told)
		select {
		case <-late:
			t.Fatal("the right password is not taken")
		case <-time.After(5 * time.Millisecond):
		}
	}
	var token lines
	tokenURL, _, stopToken := external(t, server.Options{Port: -1, Authorization: secret})
	withToken := connected(t, "nats://"+secret+"@"+strings.TrimPrefix(tokenURL, "nats://"), token.logger())
	eventually(t, withToken, listen(t, withToken))
	stopToken()
	var wrong lines
	wrongOne := connected(t, "nats://linkspan:wrong-"+secret+"@"+address, wrong.logger())
	until(t, func() bool { return strings.Contains(wrong.String(), "no connection to NATS yet") })
	until(t, func() bool { return strings.Contains(token.String(), "lost the connection") })
	if wrongOne.Stats().Sent != 0 {
		t.Error("the wrong password is taken")
	}
	for _, log := range []*lines{&right, &wrong, &token} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has the password:\n%s", log)
		}
	}

	for _, url := range []string{
		"", " , ", "nats://", "http://" + secret + "@host", "nats://u:" + secret + "%zz@host", "nats://u:12/" + secret + "@host",
		"nats://u:" + secret + "\x7f@host", "nats://host:4222?" + secret, "nats://host:port" + secret,
	} {
		_, err := Connect(t.Context(), url, nil)
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: got error %v", url, err)
		}
	}
}

// until waits for a condition.
func until(t testing.TB, condition func() bool) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	late := time.After(patience)
	for !condition() {
		select {
		case <-again.C:
		case <-late:
			t.Fatal("it never came about")
		}
	}
}

func TestConnectEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Connect(ctx, "nats://127.0.0.1:1", nil); err != context.Canceled {
		t.Errorf("Connect: got %v, want context.Canceled", err)
	}
}

// A server that says hello and then takes nothing must hold up nobody who publishes.
func TestPublishNeverWaits(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(serving.Wait)
	t.Cleanup(func() { listener.Close() })
	serving.Go(func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		listener.Close()
		serving.Go(func() { <-t.Context().Done(); conn.Close() })
		conn.Write([]byte("INFO {\"server_id\":\"deaf\",\"version\":\"2.15.2\",\"proto\":1,\"max_payload\":1048576}\r\n"))
		for received := ""; !strings.Contains(received, "PING"); {
			chunk := make([]byte, 1<<10)
			n, err := conn.Read(chunk)
			if err != nil {
				return
			}
			received += string(chunk[:n])
		}
		conn.Write([]byte("PONG\r\n"))
	})
	h := connected(t, "nats://"+listener.Addr().String(), nil)
	late := time.Now().Add(patience)
	for h.Stats().Lost == 0 {
		h.Publish(newKey(), 1)
		if time.Now().After(late) {
			t.Fatal("the server took everything")
		}
	}
	h.Close()
}

func TestHubHearsHints(t *testing.T) {
	t.Parallel()
	url, _, _ := external(t, server.Options{Port: -1})
	m := newMemory()
	key := m.newLog(2)
	here, there := connected(t, url, nil), connected(t, url, nil)
	h, _ := start(t, Config{Reader: m, Hints: there, Poll: time.Hour})
	s := follow(t, h, key, nil)
	expect(t, s, got{position: 2, checkpoint: true})
	eventually(t, here, listen(t, there)) // both are connected by now
	here.Publish(key, m.append(key, 1))
	expect(t, s, got{first: 3, last: 3, position: 3})
}
