package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	dialTimeout   = 2 * time.Second
	writeTimeout  = 5 * time.Second // also the longest that a peer that takes nothing holds Close up
	reconnectWait = 500 * time.Millisecond
	pingInterval  = 10 * time.Second // a peer that is silently gone is noticed after three
)

// Connect connects to the NATS cluster at urls: one or more, comma separated, with credentials in them if need be, which
// are never logged nor part of an error. A cluster that is down is no error: the connection is tried for ever, and while
// it is down hints reach this process alone. ctx bounds the first try only; the caller ends the connection with Close.
func Connect(ctx context.Context, urls string, logger *slog.Logger) (*Hints, error) {
	if !wellFormed(urls) {
		return nil, errors.New("live: this is no list of NATS URLs (nats://host:port, tls://host:port)")
	}
	dial, hangUp := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, hangUp)
	h, err := connect(urls, logger, hangUp, nats.SetCustomDialer(dialer{dial}), nats.RetryOnFailedConnect(true))
	if err != nil {
		hangUp()
		return nil, err
	}
	if !stop() {
		h.Close()
		return nil, ctx.Err()
	}
	return h, nil
}

// wellFormed is stricter than the client. What url.Parse says of a malformed URL quotes it, so that must not be reached;
// and a password with a slash in it must not pass for a host, which errors name.
func wellFormed(urls string) bool {
	for each := range strings.SplitSeq(urls, ",") {
		each = strings.TrimSpace(each)
		if !strings.Contains(each, "://") {
			each = "nats://" + each
		}
		u, err := url.Parse(each)
		if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
			return false
		}
		if u.Scheme != "nats" && u.Scheme != "tls" {
			return false
		}
	}
	return true
}

// dialer gives up when its ctx ends, so that Close does not wait for a host that does not answer.
type dialer struct{ ctx context.Context }

func (d dialer) Dial(network, address string) (net.Conn, error) {
	return (&net.Dialer{Timeout: dialTimeout}).DialContext(d.ctx, network, address)
}

// connect makes hints over a connection that never gives up; stop is called when it is closed.
func connect(urls string, logger *slog.Logger, stop func(), options ...nats.Option) (*Hints, error) {
	h := newHints(logger)
	closed := make(chan struct{})
	conn, err := nats.Connect(urls, append(options,
		nats.Name("linkspan"),
		nats.Timeout(dialTimeout),
		nats.FlusherTimeout(writeTimeout),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectBufSize(-1), // what can't leave now is left to the polls
		nats.PingInterval(pingInterval),
		nats.ConnectHandler(h.connected),
		nats.ReconnectHandler(h.connected),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { h.disconnected(err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { h.link.warn("no connection to NATS yet", "error", err) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { h.link.warn("trouble with NATS", "error", err) }),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }),
	)...)
	if err != nil {
		return nil, fmt.Errorf("live: connect to NATS: %w", err)
	}
	h.conn = conn
	h.stop = func() {
		stop()
		conn.Close()
		<-closed
	}
	if conn.IsConnected() {
		h.up.Store(true)
	}
	h.sent.Go(h.send)
	for subject, receive := range map[string]nats.MsgHandler{hintSubject: h.receive, markSubject: h.receiveMark} {
		if _, err := conn.Subscribe(subject, receive); err != nil {
			h.Close()
			return nil, fmt.Errorf("live: subscribe to hints: %w", err)
		}
	}
	return h, nil
}

// connected logs the address alone: a URL's user may be a token.
func (h *Hints) connected(conn *nats.Conn) {
	h.up.Store(true)
	h.logger.Info("connected to NATS", "address", conn.ConnectedAddr())
}

func (h *Hints) disconnected(err error) {
	h.up.Store(false)
	if err != nil { // not by Close
		h.logger.Warn("lost the connection to NATS; hints reach this process alone", "error", err)
	}
}
