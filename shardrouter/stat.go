package shardrouter

import (
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Stat is how a database is doing. Numbers count from when the router was opened.
type Stat struct {
	Pool        *pgxpool.Stat
	Down        time.Duration // for how long it has counted as down; 0: it is up
	Outages     int64         // how often it began to count as down
	Reconnects  int64         // attempts that were repeated on a new connection, because theirs was lost
	Conflicts   int64         // attempts that lost to another transaction: serialization failures and deadlocks
	NotOwned    int64         // closures that were refused because the cluster did not own the slot: this router was stale
	HostChanges int64         // new connections that reached another address than the one before: failovers, and DSNs that spread
}

// counts are the numbers behind a Stat.
type counts struct {
	outages, reconnects, conflicts, notOwned, hostChanges atomic.Int64

	host atomic.Pointer[string] // that the newest connection reached
}

// Stat tells how the database is doing. It asks nobody, and does not wait.
func (d *Database) Stat() Stat {
	stat := Stat{
		Pool: d.pool.Stat(), Outages: d.counts.outages.Load(), Reconnects: d.counts.reconnects.Load(),
		Conflicts: d.counts.conflicts.Load(), NotOwned: d.counts.notOwned.Load(), HostChanges: d.counts.hostChanges.Load(),
	}
	if o := d.outage.Load(); o != nil {
		stat.Down = max(time.Since(o.since), 1)
	}
	return stat
}

// connected notes the address that a new connection reached.
func (c *counts) connected(address string) {
	if before := c.host.Swap(&address); before != nil && *before != address {
		c.hostChanges.Add(1)
	}
}

// Databases are main, and then the shards, sorted by name.
func (r *Router) Databases() []*Database {
	all := []*Database{r.main}
	for _, name := range r.names {
		all = append(all, r.shards[name])
	}
	return all
}
