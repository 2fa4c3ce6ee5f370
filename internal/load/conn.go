package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// answerBuffer is how much of an answer one read may take.
const answerBuffer = 16 << 10

// Call is a request that is sent again and again. Path and body are templates: {{mark}}, {{n}}, {{writer}} and {{channel}}
// are filled anew each time.
type Call struct {
	URL      string // http, on loopback
	Method   string // "": POST
	Body     string // JSON, or empty
	Want     string // what a good answer has in its body, beside a status of 2xx; "": anything
	Channels []string
	Tokens   []string // connection i bears number i modulo their count; none: it bears none
}

// calls are requests to be sent on any number of connections.
type calls struct {
	Call
	address    string
	head       []byte // of a request, behind its first line
	path, body template
}

func (c Call) prepare() (calls, error) {
	// Braces are no part of a URL: what has them is cut off before it is parsed.
	origin, rest := c.URL, ""
	if scheme, behind, ok := strings.Cut(c.URL, "://"); ok {
		host, path, _ := strings.Cut(behind, "/")
		origin, rest = scheme+"://"+host, "/"+path
	}
	u, err := Loopback(origin, "http")
	if err != nil {
		return calls{}, err
	}
	if c.Method == "" {
		c.Method = http.MethodPost
	}
	prepared := calls{Call: c, address: u.Host, head: fmt.Appendf(nil, " HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\n", u.Host)}
	if c.Body != "" {
		prepared.head = append(prepared.head, "Content-Type: application/json\r\n"...)
	}
	if prepared.path, err = parseTemplate(rest, c.Channels); err != nil {
		return calls{}, err
	}
	prepared.body, err = parseTemplate(c.Body, c.Channels)
	return prepared, err
}

// conn is a connection that has one request under way at a time. It is for one goroutine.
type conn struct {
	calls  *calls
	bearer string // a header's line, or nothing
	net    net.Conn
	reader *bufio.Reader

	request, path, payload []byte
	answer                 bytes.Buffer
}

// dial opens the connection of that writer (from 1). It is closed when ctx ends.
func (c *calls) dial(ctx context.Context, writer int) (*conn, error) {
	var dialer net.Dialer
	opened, err := dialer.DialContext(ctx, "tcp", c.address)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	k := &conn{calls: c, net: opened, reader: bufio.NewReaderSize(opened, answerBuffer)}
	if len(c.Tokens) > 0 {
		k.bearer = "Authorization: Bearer " + c.Tokens[(writer-1)%len(c.Tokens)] + "\r\n"
	}
	context.AfterFunc(ctx, func() { opened.Close() })
	return k, nil
}

// badAnswer is an answer that is not as it should be. The connection can be used further.
type badAnswer struct {
	status int
	body   string // its beginning
}

func (e *badAnswer) Error() string { return fmt.Sprintf("status %d: %s", e.status, e.body) }

// send sends the request for a message and waits for the answer, which is good unless there is an error: a [*badAnswer],
// else what broke the connection.
func (k *conn) send(m mark) error {
	k.path = k.calls.path.append(k.path[:0], m)
	k.payload = k.calls.body.append(k.payload[:0], m)
	return k.exchange(k.calls.Want)
}

// exchange is send of what path and payload hold; a good answer has want in it.
func (k *conn) exchange(want string) error {
	b := k.request[:0]
	b = append(append(b, k.calls.Method...), ' ')
	b = append(b, k.path...)
	b = append(append(b, k.calls.head...), k.bearer...)
	if k.calls.Method != http.MethodGet {
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), int64(len(k.payload)), 10), "\r\n"...)
	}
	b = append(append(b, "\r\n"...), k.payload...)
	k.request = b
	if _, err := k.net.Write(b); err != nil {
		return err
	}
	response, err := http.ReadResponse(k.reader, nil)
	if err != nil {
		return err
	}
	k.answer.Reset()
	_, err = k.answer.ReadFrom(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.Close {
		return io.ErrUnexpectedEOF
	}
	text := k.answer.Bytes()
	if response.StatusCode/100 != 2 || !bytes.Contains(text, []byte(want)) {
		return &badAnswer{response.StatusCode, string(text[:min(len(text), 300)])}
	}
	return nil
}
