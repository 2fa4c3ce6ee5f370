package shardrouter

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// Database is one cluster, or the main database: its pool, and the closures that run on it. All methods
// may be called at once. The errors they return are described with the package.
type Database struct {
	name     string
	config   Config
	identity identity
	probing  *pgx.ConnConfig
	dialer   *dialer
	pool     *pgxpool.Pool
	sql      *sql.DB
	bun      *bun.DB
	prepared pgx.QueryExecMode // of statements that go through Conn

	born     time.Time // what the durations below count from
	lastSign atomic.Int64
	outage   atomic.Pointer[outage]
	asking   atomic.Bool  // suspect is at work
	resets   atomic.Int64 // of the pool, by lost attempts
	counts   counts

	life     context.Context // of the workers
	endLife  context.CancelFunc
	mu       sync.Mutex // guards closing against the two below
	closing  atomic.Bool
	workers  sync.WaitGroup // the prober and the like
	attempts sync.WaitGroup
	closed   sync.Once
}

func newDatabase(config Config, id identity, dsn string) (*Database, error) {
	d := &Database{name: id.cluster, config: config, identity: id, born: time.Now(), prepared: pgx.QueryExecModeCacheStatement}
	if config.DisablePreparing {
		d.prepared = pgx.QueryExecModeExec
	}
	pool, err := config.connConfig(id.cluster, dsn)
	if err != nil {
		return nil, err
	}
	d.life, d.endLife = context.WithCancel(context.Background())
	d.probing = pool.ConnConfig.Copy()
	d.dialer = newDialer(d.refusal)
	if d.pool, err = d.newPool(pool); err != nil {
		d.endLife()
		return nil, err
	}
	d.sql = stdlib.OpenDBFromPool(d.pool)
	d.sql.SetMaxIdleConns(0) // the pool keeps the idle ones
	d.bun = bun.NewDB(d.sql, pgdialect.New())
	return d, nil
}

// Name is the cluster's name; MainName for the main database.
func (d *Database) Name() string { return d.name }

// Pool is the pool underneath, for its statistics. What goes through it directly has no retries and no
// breaker; see [Database.ReadPgx] for hot statements.
func (d *Database) Pool() *pgxpool.Pool { return d.pool }

// closeGrace is how long closures may go on after close.
const closeGrace = 3 * time.Second

// close waits for the closures that run, and cuts their connections after a while. The pool is closed when
// nobody uses it any more.
func (d *Database) close() {
	d.closed.Do(func() {
		d.mu.Lock()
		d.closing.Store(true)
		d.mu.Unlock()
		d.endLife()
		d.workers.Wait()
		force := time.AfterFunc(closeGrace, d.dialer.cut)
		d.attempts.Wait()
		force.Stop()
		_ = d.bun.Close() // the pool has the connections: this closes none
		d.dialer.cut()    // nothing is under way, so closing needs no politeness
		d.pool.Close()
	})
}

// spawn runs work of the database's own in the background; false when it is closing.
func (d *Database) spawn(work func(ctx context.Context)) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closing.Load() {
		return false
	}
	d.workers.Go(func() { work(d.life) })
	return true
}

// refusal is why nobody is served now, or nil.
func (d *Database) refusal() error {
	if d.closing.Load() {
		return ErrClosed
	}
	return d.down()
}
