package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"
	"time"

	"github.com/gobwas/ws"
)

const (
	// socketBuffer is what is held for each of ten thousand subscribers: a frame of an event.
	socketBuffer = 2 << 10
	// openTimeout is how long a socket may take until it is subscribed.
	openTimeout = 30 * time.Second
	// maxMessage is the greatest message that is read.
	maxMessage = 1 << 20
)

// socket is the client's end of a WebSocket. One goroutine reads; answers to pings are written by it too.
type socket struct {
	net     net.Conn
	reader  *bufio.Reader
	message []byte // one that does not fit into the reader's buffer
}

// socketControl sets what a socket is to be like before it connects: see [net.Dialer.Control].
type socketControl func(network, address string, raw syscall.RawConn) error

// openSocket opens a WebSocket, which is closed when ctx ends. Until the caller sets another deadline, it ends after
// openTimeout.
func openSocket(ctx context.Context, url, subprotocol string, control socketControl) (*socket, error) {
	below := net.Dialer{Control: control}
	dialer := ws.Dialer{ReadBufferSize: 512, WriteBufferSize: 512, Timeout: openTimeout, NetDial: below.DialContext}
	if subprotocol != "" {
		dialer.Protocols = []string{subprotocol}
	}
	opened, early, shaken, err := dialer.Dial(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("load: %s: %w", url, err)
	}
	context.AfterFunc(ctx, func() { opened.Close() })
	k := &socket{net: opened}
	if early == nil {
		k.reader = bufio.NewReaderSize(opened, socketBuffer)
	} else { // what came right behind the upgrade is in it
		k.reader = bufio.NewReaderSize(io.MultiReader(io.LimitReader(early, int64(early.Buffered())), opened), socketBuffer)
	}
	if shaken.Protocol != subprotocol {
		return nil, errors.Join(fmt.Errorf("load: %s does not speak %s", url, subprotocol), opened.Close())
	}
	return k, opened.SetDeadline(time.Now().Add(openTimeout))
}

// closedError is the end of a socket by the server.
type closedError struct {
	code   ws.StatusCode
	reason string
}

func (e *closedError) Error() string { return fmt.Sprintf("closed with %d %s", e.code, e.reason) }

// next returns the next message, which is good until the one after it. Pings are answered. The error is a [*closedError], or
// what broke the socket.
func (k *socket) next() ([]byte, error) {
	for {
		header, err := ws.ReadHeader(k.reader)
		if err != nil {
			return nil, err
		}
		payload, err := k.payload(header)
		if err != nil {
			return nil, err
		}
		switch header.OpCode {
		case ws.OpText:
			return payload, nil
		case ws.OpPing:
			if err := k.send(ws.NewPongFrame(payload)); err != nil {
				return nil, err
			}
		case ws.OpPong:
		case ws.OpClose:
			code, reason := ws.ParseCloseFrameData(payload)
			return nil, &closedError{code, reason}
		default:
			return nil, fmt.Errorf("load: a frame of kind %d came", header.OpCode)
		}
	}
}

// payload reads what is behind a header. It stays in the reader's buffer if it fits there.
func (k *socket) payload(header ws.Header) (payload []byte, err error) {
	switch size := int(header.Length); {
	case !header.Fin || size > maxMessage:
		return nil, fmt.Errorf("load: a message in several frames, or of more than %d bytes, is not read", maxMessage)
	case size <= k.reader.Size():
		if payload, err = k.reader.Peek(size); err == nil {
			_, err = k.reader.Discard(size) // the bytes stay until the next read
		}
		return payload, err
	default:
		k.message = slices.Grow(k.message[:0], size)[:size]
		_, err = io.ReadFull(k.reader, k.message)
		return k.message, err
	}
}

// text sends a message.
func (k *socket) text(message string) error { return k.send(ws.NewTextFrame([]byte(message))) }

// send sends a frame with a payload of its own: the mask is laid over a copy.
func (k *socket) send(frame ws.Frame) error { return ws.WriteFrame(k.net, ws.MaskFrame(frame)) }
