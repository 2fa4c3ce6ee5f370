package gqlhttp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// wire is the connection below a WebSocket. The library reads from it, and writes control frames to it, each in one write;
// messages are written past the library, which would take three locks, a copy and a second system call for each.
type wire struct {
	net.Conn
	timeout time.Duration
	raw     syscall.RawConn // nil: there is no way to write without waiting

	mu      sync.Mutex // held while a frame is written
	closing bool       // a close frame was written, which nothing may follow (RFC 6455, 5.5.1)
	now     struct {   // what sendNow writes, and what came of it: here, so that it costs no memory each time
		frame   []byte
		written int
		err     error
		write   func(fd uintptr) bool
	}
}

func newWire(conn net.Conn, timeout time.Duration) *wire {
	w := &wire{Conn: conn, timeout: timeout}
	if below, ok := conn.(syscall.Conn); ok {
		w.raw, _ = below.SyscallConn() // without it writes wait
	}
	w.now.write = func(fd uintptr) bool {
		w.now.written, w.now.err = syscall.Write(int(fd), w.now.frame)
		return true
	}
	return w
}

// The parts of a frame's header (RFC 6455, 5.2).
const (
	finalText      = 0x81
	opcodeMask     = 0x0f
	closeOpcode    = 0x8
	maxHeaderBytes = 10
	short, medium  = 125, 1<<16 - 1 // the longest payloads with a header of 2 and of 4 bytes
)

// Write implements [net.Conn], for the library: a control frame.
func (w *wire) Write(frame []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(frame) > 0 && frame[0]&opcodeMask == closeOpcode {
		w.closing = true
	}
	return w.patiently(frame)
}

// patiently gives each piece its time, and lifts the last deadline, which would end sendNow. It needs mu.
func (w *wire) patiently(text []byte) (int, error) {
	defer func() { _ = w.SetWriteDeadline(time.Time{}) }() // where it is closed, nothing is written
	return writePieces(w.Conn, text, func() error { return w.SetWriteDeadline(time.Now().Add(w.timeout)) })
}

// newMessage has a buffer begin with the room of a header.
func newMessage(b *bytes.Buffer) {
	var header [maxHeaderBytes]byte
	b.Write(header[:])
}

// frameOf makes the text behind the room of a header one frame.
func frameOf(b *bytes.Buffer) []byte {
	text := b.Bytes()
	n := len(text) - maxHeaderBytes
	switch {
	case n <= short:
		frame := text[maxHeaderBytes-2:]
		frame[0], frame[1] = finalText, byte(n)
		return frame
	case n <= medium:
		frame := text[maxHeaderBytes-4:]
		frame[0], frame[1] = finalText, 126
		binary.BigEndian.PutUint16(frame[2:], uint16(n))
		return frame
	}
	text[0], text[1] = finalText, 127
	binary.BigEndian.PutUint64(text[2:], uint64(n))
	return text
}

// send writes a frame.
func (w *wire) send(frame []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closing {
		return net.ErrClosed
	}
	_, err := w.patiently(frame)
	return err
}

// sendNow writes as much of a frame as goes without waiting. If that is not all it returns the rest; then sendRest must follow,
// from whichever goroutine, and nothing else is written before.
func (w *wire) sendNow(frame []byte) (rest []byte, err error) {
	w.mu.Lock()
	if w.closing {
		w.mu.Unlock()
		return nil, net.ErrClosed
	}
	if w.raw != nil {
		w.now.frame, w.now.written, w.now.err = frame, 0, nil
		err = w.raw.Write(w.now.write)
		if failed := w.now.err; err == nil && failed != nil && !errors.Is(failed, syscall.EAGAIN) && !errors.Is(failed, syscall.EINTR) {
			err = failed
		}
		frame, w.now.frame = frame[max(w.now.written, 0):], nil
	}
	if len(frame) == 0 || err != nil {
		w.mu.Unlock()
		return nil, err
	}
	return frame, nil
}

// sendRest writes what sendNow has left.
func (w *wire) sendRest(rest []byte) error {
	defer w.mu.Unlock()
	_, err := w.patiently(rest)
	return err
}
