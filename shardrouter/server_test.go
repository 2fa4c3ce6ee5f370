package shardrouter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"
	"golang.org/x/sync/errgroup"
)

// Whoever is slow is not dead: neither a statement nor a wait for a lock makes an outage.
func TestSlowIsNotDown(t *testing.T) {
	t.Parallel()
	config := installed(t, "a")
	config.AttemptTimeout = 2 * time.Second
	config.PoolSize = 1 // the second waits for the connection
	r := openRouter(t, config)
	slot := slotOn(t, r, "a", 0)
	var group errgroup.Group
	for range 2 {
		group.Go(func() error {
			return r.Read(t.Context(), slot, func(ctx context.Context, db bun.IDB) error {
				_, err := db.ExecContext(ctx, "SELECT pg_sleep(2.2)")
				return err
			})
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if err := r.shards["a"].down(); err != nil {
		t.Errorf("slow statements made an outage: %v", err)
	}
}

// A server under load takes its time for a connection, and is not down as long as it answers a ping. One
// that never gets further is.
func TestServerThatAnswersButDoesNotServe(t *testing.T) {
	t.Parallel()
	for _, released := range []bool{true, false} {
		t.Run(fmt.Sprintf("released %v", released), func(t *testing.T) {
			t.Parallel()
			config := installed(t, "a")
			config.StatementTimeout, config.ConnectTimeout = time.Hour, time.Hour
			if !released {
				config.ConnectTimeout = 200 * time.Millisecond
			}
			var p *proxy
			p, config.Shards[0].DSN = newProxy(t, config.Shards[0].DSN)
			r := openRouter(t, config)
			slot := slotOn(t, r, "a", 0)
			wantUp(t, r, slot) // so that the next has a connection
			before := p.accepted.Load()
			release := p.hold()
			ended := make(chan error, 1)
			go func() { ended <- noteWays[0].write(t.Context(), r, slot, 1, "x") }()
			eventually(t, "it is pinged and probed", func() bool { return p.accepted.Load() >= before+2 })
			if !released {
				var unavailable *UnavailableError
				if err := <-ended; !errors.As(err, &unavailable) {
					t.Errorf("%v, want a to be unavailable", err)
				}
				release()
				wantBack(t, r, slot)
				return
			}
			release()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if err := r.shards["a"].down(); err != nil {
				t.Errorf("a slow connection made an outage: %v", err)
			}
		})
	}
}

// The server's own limits, and ours behind them, end what takes too long.
func TestStatementTimeout(t *testing.T) {
	t.Parallel()
	config := installed(t, "a")
	config.StatementTimeout, config.AttemptTimeout = 200*time.Millisecond, 400*time.Millisecond
	r := openRouter(t, config)
	slot := slotOn(t, r, "a", 0)
	for name, statement := range map[string]string{
		"by the server": "SELECT pg_sleep(600)",
		"by the router": "SET LOCAL statement_timeout = 0; SELECT pg_sleep(600)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs := 0
			err := r.Write(t.Context(), slot, func(ctx context.Context, tx bun.Tx) error {
				runs++
				_, err := tx.ExecContext(ctx, statement)
				return err
			})
			var unavailable *UnavailableError
			if !errors.As(err, &unavailable) || runs != 1 {
				t.Errorf("%v after %d runs, want unavailable after 1", err, runs)
			}
			if err := r.shards["a"].down(); err != nil {
				t.Errorf("it made an outage: %v", err)
			}
		})
	}
}

// A server without a free connection turns the caller away, and goes on serving those that it has.
func TestFullServer(t *testing.T) {
	t.Parallel()
	config := installed(t, "a")
	role := newRole(t, config.dsn("a"), 1)
	config.Shards[0].DSN = withUser(config.Shards[0].DSN, role)
	r := openRouter(t, config)
	slot := slotOn(t, r, "a", 0)
	err := r.ReadPgx(t.Context(), slot, func(ctx context.Context, conn Conn) error {
		other := openRouter(t, config)
		_, err := noteWays[0].read(t.Context(), other, slot, 1)
		var unavailable *UnavailableError
		if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), "53300") {
			t.Errorf("%v, want unavailable because of 53300", err)
		}
		if err := other.shards["a"].down(); err != nil {
			t.Errorf("a full server made an outage: %v", err)
		}
		_, err = conn.Exec(ctx, "SELECT 1")
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A full server is asked again for half of AttemptTimeout from when it first said so, and no longer.
func TestFullServerIsGivenUp(t *testing.T) {
	t.Parallel()
	config, err := Config{MainDSN: "dbname=x", Shards: []Shard{{"a", "dbname=y"}}}.checked()
	if err != nil {
		t.Fatal(err)
	}
	config.AttemptTimeout = time.Hour // so that a busy machine is on the same side of it
	full := &pgconn.PgError{Code: "53300"}
	for since, want := range map[time.Duration]bool{
		0: true, config.AttemptTimeout/2 - time.Minute: true, config.AttemptTimeout/2 + time.Millisecond: false,
	} {
		op := operation{database: &Database{config: config}}
		if since > 0 {
			op.full = time.Now().Add(-since)
		}
		again, err := op.judge(t.Context(), &attempt{}, full, nil)
		var unavailable *UnavailableError
		if again != want || !errors.Is(err, full) || errors.As(err, &unavailable) == want {
			t.Errorf("full for %v: again %v, %v", since, again, err)
		}
	}
}

// newRole makes a user who may have so many connections.
func newRole(t *testing.T, dsn string, limit int) string {
	t.Helper()
	role := fmt.Sprintf("limited_%d", time.Now().UnixNano())
	execute(t, dsn, fmt.Sprintf(`CREATE ROLE %s LOGIN CONNECTION LIMIT %d;
		GRANT USAGE ON SCHEMA linkspan_shard TO %[1]s;
		GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA linkspan_shard TO %[1]s`, role, limit))
	t.Cleanup(func() { execute(t, dsn, fmt.Sprintf("DROP OWNED BY %s; DROP ROLE %[1]s", role)) })
	return role
}

func withUser(dsn, user string) string {
	var parts []string
	for part := range strings.FieldsSeq(dsn) {
		if !strings.HasPrefix(part, "user=") {
			parts = append(parts, part)
		}
	}
	return strings.Join(append(parts, "user="+user), " ")
}
