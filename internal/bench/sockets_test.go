package bench

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"linkspan/internal/server/servertest"
)

// BenchmarkSockets measures what a subscribed WebSocket costs the server's process after ten events: its share of Go's heap
// and stacks, after a collection. The clients are bare connections of the same process, without a goroutine or a buffer;
// what is left of them counts against the server.
func BenchmarkSockets(b *testing.B) {
	const sockets, events = 1000, 10
	s := servertest.New(b, servertest.Options{})
	asker, listener := servertest.Admin(b, "ana@acme"), servertest.Admin(b, "gil@globex")
	for b.Loop() {
		first := newBareSocket(b, s, listener) // what is made once and for all is made
		ask := func(i int, name string) {
			s.Must(asker, createDocument, map[string]any{"name": fmt.Sprintf("%s-%d-%d", name, b.N, i), "target": "globex"})
		}
		for i := range events {
			ask(i, "warm")
			first.read(b, 1)
		}
		before, goroutines := footprint(), runtime.NumGoroutine()
		all := make([]*bareSocket, sockets)
		for i := range all {
			// Each listens as a user of its own, as many clients do.
			all[i] = newBareSocket(b, s, servertest.Member(b, fmt.Sprintf("user%d@globex", i)))
		}
		for i := range events {
			ask(i, "counted")
			for _, socket := range append(all, first) {
				socket.read(b, 1)
			}
		}
		after := footprint()
		b.ReportMetric(float64(after.heap-before.heap)/sockets/1024, "heap-KB/socket")
		b.ReportMetric(float64(after.stack-before.stack)/sockets/1024, "stack-KB/socket")
		b.ReportMetric(float64(after.heap-before.heap+after.stack-before.stack)/sockets/1024, "KB/socket")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/sockets, "goroutines/socket")
		for _, socket := range append(all, first) {
			socket.conn.Close()
		}
	}
	b.ReportMetric(0, "ns/op")
}

type memory struct{ heap, stack int64 }

// footprint is what is in use behind two collections: the second takes what finalizers let go of.
func footprint() memory {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return memory{int64(stats.HeapAlloc), int64(stats.StackInuse)}
}

// bareSocket is a client of graphql-transport-ws that is hardly there.
type bareSocket struct{ conn net.Conn }

// newBareSocket opens a socket with a subscription of the inbox.
func newBareSocket(b *testing.B, s *servertest.Server, token string) *bareSocket {
	b.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	k := &bareSocket{conn}
	_, err = io.WriteString(conn, "GET /graphql HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0\r\n"+
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n")
	if err != nil {
		b.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), nil) // nothing comes unasked behind it
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		b.Fatal(response, err)
	}
	k.write(b, `{"type":"connection_init","payload":{"Authorization":"Bearer `+token+`"}}`)
	k.read(b, 1)
	k.write(b, `{"id":"e27b3c1c-6d27-4b2f-8f3e-0d3a5a6f9c11","type":"subscribe","payload":{"operationName":"Inbox","query":"subscription Inbox { inbox { __typename cursor at `+
		`... on InvitationReceived { invitation { id state note fromGroup { id handle name } proposedName expiresAt } } } }"}}`)
	k.read(b, 1)
	return k
}

func (k *bareSocket) write(b *testing.B, text string) {
	b.Helper()
	frame := []byte{0x81, 0x80 | 126}
	frame = binary.BigEndian.AppendUint16(frame, uint16(len(text)))
	frame = append(frame, 0, 0, 0, 0) // a mask that changes nothing
	if _, err := k.conn.Write(append(frame, text...)); err != nil {
		b.Fatal(err)
	}
}

// read takes so many messages that are no pings.
func (k *bareSocket) read(b *testing.B, count int) {
	b.Helper()
	_ = k.conn.SetReadDeadline(time.Now().Add(time.Minute))
	for count > 0 {
		header := make([]byte, 2, 4)
		if _, err := io.ReadFull(k.conn, header); err != nil {
			b.Fatal(err)
		}
		length := int(header[1])
		if length == 126 {
			header = header[:4]
			if _, err := io.ReadFull(k.conn, header[2:]); err != nil {
				b.Fatal(err)
			}
			length = int(binary.BigEndian.Uint16(header[2:]))
		}
		payload := make([]byte, length)
		if _, err := io.ReadFull(k.conn, payload); err != nil {
			b.Fatal(err)
		}
		switch text := string(payload); {
		case strings.Contains(text, `"type":"next"`), strings.Contains(text, `"type":"connection_ack"`):
			count--
		case strings.Contains(text, `"type":"ping"`):
			k.write(b, `{"type":"pong"}`)
		default:
			b.Fatalf("got %x %s", header, text)
		}
	}
}
