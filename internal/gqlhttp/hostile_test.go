package gqlhttp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"linkspan/internal/gqlhttp"
)

// TestSlowClients stop reading. They are cut off soon, and what ran for them ends.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{WriteTimeout: 100 * time.Millisecond})
	k := s.connect()
	k.send(subscribe("1", "subscription { endless }"))
	for _, accept := range []string{acceptSSE, acceptMultipart} {
		response := s.begin(t.Context(), http.MethodPost, "", quote("subscription { endless }"), asked(accept)...)
		defer response.Body.Close()
	}
	eventually(t, "all have begun", func() bool {
		return s.watch.count(gqlhttp.WebSocket)+s.watch.count(gqlhttp.SSE)+s.watch.count(gqlhttp.Multipart) == 3 || s.running.Load() == 0
	})
	eventually(t, "all are cut off", func() bool {
		return s.watch.count(gqlhttp.WebSocket)+s.watch.count(gqlhttp.SSE)+s.watch.count(gqlhttp.Multipart) == 0 && s.running.Load() == 0
	})
}

// TestSlowReaders get all, however long it takes, as long as they read.
func TestSlowReaders(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{WriteTimeout: 5 * time.Second})
	response := s.begin(t.Context(), http.MethodPost, "", quote("{ big }"), "Content-Type", "application/json")
	defer response.Body.Close()
	length, buffer := 0, make([]byte, 1<<20)
	for began := time.Now(); ; {
		n, err := io.ReadFull(response.Body, buffer)
		length += n
		if err != nil {
			break
		}
		if time.Since(began) < 7*time.Second { // longer than the timeout
			<-time.After(200 * time.Millisecond)
		}
	}
	if length < 32<<20 {
		t.Errorf("it got %d bytes", length)
	}
}

// TestUnreadAnswers let go of what answers them.
func TestUnreadAnswers(t *testing.T) {
	t.Parallel()
	s := newService()
	transport := gqlhttp.New(gqlhttp.Config{WriteTimeout: 100 * time.Millisecond})
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		transport.Do(w, r, s.executor())
	}))
	defer server.Close()
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(quote("{ big }")), quote("{ big }"))
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("the handler still writes")
	}
}

// TestFloods ask faster than they read. They are read no faster than they read themselves.
func TestFloods(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{MaxOperations: 2, WriteTimeout: 300 * time.Millisecond})
	for name, flood := range map[string]func(i int) []string{
		"new ids":       func(i int) []string { return []string{subscribe(fmt.Sprint(i), "subscription { silent }")} },
		"completed ids": func(int) []string { return []string{subscribe("x", "{"), `{"type":"complete","id":"x"}`} },
	} {
		k := s.connect()
		k.send(subscribe("e", "subscription { endless }"))
		most := 0
	flooding:
		for i := 0; ; i++ {
			for _, message := range flood(i) {
				if k.conn.Write(k.ctx, websocket.MessageText, []byte(message)) != nil {
					break flooding
				}
			}
			most = max(most, runtime.NumGoroutine())
		}
		if most > 2000 { // other tests run too; a flood without a bound makes tens of thousands
			t.Errorf("%s: %d goroutines", name, most)
		}
	}
}

// TestBadSockets come and go in all ways that a client can behave badly; nothing of them stays.
func TestBadSockets(t *testing.T) { // not parallel: it counts goroutines
	s := serve(t, gqlhttp.Config{InitTimeout: time.Second, WriteTimeout: 200 * time.Millisecond})
	ways := []func(k *socket){
		func(*socket) {},
		func(k *socket) { k.send("{") },
		func(k *socket) { k.send(`{"type":"connection_init"}`); k.send(`{"type":"connection_init"}`) },
		func(k *socket) { k.send(subscribe("1", "{ name }")) },
		func(k *socket) {
			k.send(`{"type":"connection_init"}`)
			k.send(subscribe("1", "subscription { silent }"))
		},
		func(k *socket) {
			k.send(`{"type":"connection_init"}`)
			k.send(subscribe("1", "subscription { endless }"))
		},
		func(k *socket) {
			k.send(`{"type":"connection_init"}`)
			k.send(subscribe("1", "subscription { panics }"))
		},
		func(k *socket) {
			k.send(`{"type":"connection_init"}`)
			for i := range 20 {
				k.send(subscribe(fmt.Sprint(i), "subscription { silent }"))
			}
		},
		func(k *socket) { _ = k.conn.Close(websocket.StatusNormalClosure, "") },
	}
	before := runtime.NumGoroutine()
	for batch := range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		var open []*socket
		for i := range 50 {
			conn, _, err := websocket.Dial(ctx, s.url, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
			if err != nil {
				t.Fatal(err)
			}
			k := &socket{t, ctx, conn}
			if i == 0 && batch%5 == 0 { // few: it fills the kernel's buffers
				k.send(`{"type":"connection_init"}`)
				k.send(subscribe("1", "subscription { endless }"))
			} else {
				ways[(batch+i)%len(ways)](k)
			}
			open = append(open, k)
		}
		for _, k := range open {
			_ = k.conn.CloseNow() // without a word
		}
		cancel()
	}
	eventually(t, "all sockets have gone", func() bool { return s.watch.count(gqlhttp.WebSocket) == 0 && s.running.Load() == 0 })
	http.DefaultClient.CloseIdleConnections()
	eventually(t, "the goroutines are back to their number", func() bool { return runtime.NumGoroutine() <= before })
	if n := len(s.watch.codes); n != 1000 {
		t.Errorf("%d sockets came and went, want 1000", n)
	}
}

// TestRawSockets sends frames that no client library would: early ones, halves, unmasked ones and rubbish.
func TestRawSockets(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{WriteTimeout: 100 * time.Millisecond, InitTimeout: 200 * time.Millisecond})
	handshake := "GET / HTTP/1.1\r\nHost: " + strings.TrimPrefix(s.url, "http://") + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
	random := rand.New(rand.NewPCG(1, 2))
	rubbish := make([]byte, 4000)
	for i := range rubbish {
		rubbish[i] = byte(random.Uint32())
	}
	init := masked(0x81, `{"type":"connection_init"}`)
	for name, c := range map[string]struct{ after, want string }{
		"init with the handshake": {init, "connection_ack"},
		"init in two fragments":   {masked(0x01, `{"type":"connec`) + masked(0x80, `tion_init"}`), "connection_ack"},
		"a ping frame between":    {masked(0x01, `{"type":"connec`) + masked(0x89, "x") + masked(0x80, `tion_init"}`), "connection_ack"},
		"unmasked":                {"\x81\x02{}", ""},
		"reserved bits":           {masked(0xf1, "{}"), ""},
		"an unknown opcode":       {masked(0x83, "{}"), ""},
		"half a frame":            {init[:9], ""},
		"a length of 2^63":        {"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", ""},
		"a close frame of a byte": {masked(0x88, "x"), ""},
		"rubbish":                 {string(rubbish), ""},
		"HTTP":                    {handshake, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.SetDeadline(time.Now().Add(patience))
			_, _ = io.WriteString(conn, handshake+c.after)
			reader := bufio.NewReader(conn)
			response, err := http.ReadResponse(reader, nil)
			if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("%s: %v %v", name, response, err)
			}
			if c.want != "" {
				frame := make([]byte, 2+len(`{"type":"connection_ack"}`))
				for {
					if _, err := io.ReadFull(reader, frame[:2]); err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					payload := make([]byte, frame[1])
					if _, err := io.ReadFull(reader, payload); err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					if frame[0] == 0x81 {
						if !strings.Contains(string(payload), c.want) {
							t.Errorf("%s: %s", name, payload)
						}
						break
					}
				}
			} else if _, err := io.Copy(io.Discard, reader); err != nil && !strings.Contains(err.Error(), "reset") {
				t.Errorf("%s: the socket stays: %v", name, err)
			}
			conn.Close()
		})
	}
}

// masked is a client's frame of less than 126 bytes.
func masked(first byte, payload string) string {
	frame := []byte{first, 0x80 | byte(len(payload)), 1, 2, 3, 4}
	for i := range len(payload) {
		frame = append(frame, payload[i]^frame[2+i%4])
	}
	return string(frame)
}
