package shardrouter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// errSilent says that the server did not answer in time.
var errSilent = errors.New("the server does not answer")

// sslRequest asks a server whether it speaks TLS. Every server, and every pooler, answers with one byte,
// before it asks who we are and before it knows which database we want.
//
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
var sslRequest = []byte{0, 0, 0, 8, 4, 210, 22, 47}

// ping finds out whether any of the cluster's hosts answers at all, within half of AttemptTimeout. That
// costs the server next to nothing, so that it can tell one that hangs from one that is overloaded, where
// a connection may take seconds.
func (d *Database) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, d.config.AttemptTimeout/2)
	defer cancel()
	own := newDialer(ctx.Err)
	defer own.cut()
	hosts := targets(hostsOf(d.probing))
	answers := pingHosts(ctx, own, hosts)
	var failed []error
	for range hosts {
		answer := <-answers
		if answer.err == nil {
			return nil // the others end with the context
		}
		failed = append(failed, answer.err)
	}
	err := errors.Join(failed...)
	if ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", errSilent, err)
	}
	return &notServingError{err}
}

func pingHost(ctx context.Context, by *dialer, host *pgconn.FallbackConfig) error {
	network, address := pgconn.NetworkAddress(host.Host, host.Port)
	conn, err := by.dial(ctx, network, address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })() // ends what waits below
	if _, err := conn.Write(sslRequest); err != nil {
		return err
	}
	_, err = io.ReadFull(conn, make([]byte, 1))
	return err
}

// probe makes a new connection, lets the cluster prove its identity, and closes it. ConnectTimeout is the
// limit for each host of the DSN.
func (d *Database) probe(ctx context.Context) error {
	config := d.probing.Copy()
	ctx, cancel := context.WithTimeout(ctx, config.ConnectTimeout*time.Duration(1+len(config.Fallbacks)))
	defer cancel()
	own := newDialer(ctx.Err)
	defer own.cut()
	config.DialFunc = own.dial
	d.withoutSilent(ctx, own, config)

	conn, err := pgx.ConnectConfig(ctx, config)
	if err == nil {
		err = d.identity.verify(ctx, conn)
		_ = conn.Close(ctx)
	}
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &notServingError{fmt.Errorf("%w: %w", errSilent, err)}
	}
	return err
}
