package shardrouter

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// MainName is the name of the main database in errors, logs and [Router.Health]. No shard may have it.
const MainName = "main"

// Config says which databases there are and how long to wait for them. A zero value means the default.
type Config struct {
	// MainDSN leads to the main database: a URL or key=value string, as libpq reads it. Several hosts
	// are tried in order; if the first is silent for half of AttemptTimeout, those that answer come first.
	MainDSN string
	// Shards are the shard clusters; at least one, each with its own name.
	Shards []Shard

	// PoolSize is the most connections that this process holds to each cluster; default 8. Each costs the
	// server tens of milliseconds of CPU before its first answer, and its caches for good.
	PoolSize int
	// ConnectTimeout limits the making of one connection to one host; default 3 s. It is generous, for a
	// server under load: one that does not answer at all is found out by AttemptTimeout.
	ConnectTimeout time.Duration
	// AttemptTimeout is how long a cluster may give no sign of life to somebody who waits before it
	// counts as down; default 800 ms. It is not a limit on slow statements: half way through, a ping
	// asks whether the cluster lives. A server that lacks connections, memory or disk is asked again for
	// half of it at most.
	AttemptTimeout time.Duration
	// IdleProbe is how long a cluster may give no sign of life while nobody asks it for anything; then it is asked
	// whether it serves, so that one that is down counts as down without anybody's error; default 10 s.
	IdleProbe time.Duration
	// StatementTimeout is the server's limit on one statement, and on idling inside a transaction;
	// default 10 s. An attempt ends by itself AttemptTimeout later.
	StatementTimeout time.Duration
	// Settings are run-time parameters of every connection, such as plan_cache_mode; what a DSN says of one comes before
	// them. Poolers refuse them: with DisablePreparing they are left out.
	Settings map[string]string
	// RetryBudget is how long an operation goes on looking for a slot that is being moved; default 1 s.
	// Serialization failures and deadlocks are repeated by count instead.
	RetryBudget time.Duration

	// Logger hears when a cluster goes down or comes back; default slog.Default().
	Logger *slog.Logger
	// Statements is told of each statement that callers send. Nil: nobody is.
	Statements StatementTracer
	// DisablePreparing is for a pooler in transaction mode, such as pgbouncer: no prepared statements,
	// and no timeouts in the startup packet, which poolers refuse. Set statement_timeout and
	// idle_in_transaction_session_timeout on the role instead.
	DisablePreparing bool

	tracer pgx.QueryTracer // tests count and interrupt statements with it
}

// Shard is one shard cluster.
type Shard struct {
	Name string // 1 to 63 characters, kept in the database: it cannot be changed later
	DSN  string // may change at any time, as long as it leads to the same cluster
}

const (
	maxNameLength   = 63
	conflictRetries = 10
	minTimeout      = 10 * time.Millisecond
)

// checked returns the configuration with its defaults, or what is wrong with it.
func (c Config) checked() (Config, error) {
	c.PoolSize = cmp.Or(c.PoolSize, 8)
	c.ConnectTimeout = cmp.Or(c.ConnectTimeout, 3*time.Second)
	c.AttemptTimeout = cmp.Or(c.AttemptTimeout, 800*time.Millisecond)
	c.IdleProbe = cmp.Or(c.IdleProbe, 10*time.Second)
	c.StatementTimeout = cmp.Or(c.StatementTimeout, 10*time.Second)
	c.RetryBudget = cmp.Or(c.RetryBudget, time.Second)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	switch {
	case c.PoolSize < 1:
		return c, fmt.Errorf("pool size %d: want at least 1", c.PoolSize)
	case min(c.ConnectTimeout, c.AttemptTimeout, c.IdleProbe, c.StatementTimeout) < minTimeout:
		return c, fmt.Errorf("a timeout is under %v", minTimeout)
	case c.RetryBudget < 0:
		return c, errors.New("the retry budget is negative")
	case len(c.Shards) == 0:
		return c, errors.New("no shard is configured: want at least one")
	}
	return c, c.checkTargets()
}

// checkTargets refuses names that do not serve and two shards with the same database, before anything is
// written there.
func (c Config) checkTargets() error {
	if _, err := parseDSN(MainName, c.MainDSN); err != nil {
		return err
	}
	names := make(map[string]bool)
	targets := make(map[string]string)
	for _, shard := range c.Shards {
		switch n := utf8.RuneCountInString(shard.Name); {
		case n == 0 || n > maxNameLength:
			return fmt.Errorf("cluster name %q: want 1 to %d characters", shard.Name, maxNameLength)
		case shard.Name == MainName:
			return fmt.Errorf("cluster name %q is the main database's", shard.Name)
		case names[shard.Name]:
			return fmt.Errorf("cluster %q is configured twice", shard.Name)
		}
		names[shard.Name] = true
		parsed, err := parseDSN(shard.Name, shard.DSN)
		if err != nil {
			return err
		}
		target := fmt.Sprintf("%s:%d/%s", parsed.ConnConfig.Host, parsed.ConnConfig.Port, parsed.ConnConfig.Database)
		if other, taken := targets[target]; taken {
			return fmt.Errorf("the DSNs of clusters %q and %q lead to the same database", other, shard.Name)
		}
		targets[target] = shard.Name
	}
	return nil
}

// parseDSN reads a DSN. The error never repeats any of it: it holds a password.
func parseDSN(cluster, dsn string) (*pgxpool.Config, error) {
	if dsn == "" {
		return nil, fmt.Errorf("cluster %q has no DSN", cluster)
	}
	parsed, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("the DSN of cluster %q does not parse: want postgres://user@host:port/database or key=value pairs", cluster)
	}
	return parsed, nil
}
