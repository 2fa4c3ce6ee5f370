package shardrouter

import (
	"context"
	"errors"
	"sync"
)

// ClusterHealth tells an operator how a cluster is.
type ClusterHealth struct {
	Name       string
	Main       bool
	Reachable  bool  // it answered
	Identified bool  // and is the cluster and installation that it should be
	Err        error // what is wrong, for an operator; nil when all is well. Holds no password
}

// Health asks main (first) and each shard (sorted) at once whether it serves, in at most AttemptTimeout or
// until ctx ends. A cluster known to be down is not asked again: its prober's last error is the answer.
// It says nothing about migrations.
func (r *Router) Health(ctx context.Context) []ClusterHealth {
	health := make([]ClusterHealth, 1+len(r.names))
	var asking sync.WaitGroup
	asking.Go(func() { health[0] = r.main.health(ctx) })
	for i, name := range r.names {
		asking.Go(func() { health[1+i] = r.shards[name].health(ctx) })
	}
	asking.Wait()
	health[0].Main = true
	return health
}

func (d *Database) health(ctx context.Context) ClusterHealth {
	ctx, cancel := context.WithTimeoutCause(ctx, d.config.AttemptTimeout, errSilent)
	defer cancel()
	err := d.run(ctx, true, false, func(a *attempt) error {
		conn, err := d.pool.Acquire(a.ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		return d.identity.verify(a.ctx, conn.Conn())
	})
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	var wrong *IdentityError
	mistaken := errors.As(err, &wrong)
	return ClusterHealth{Name: d.name, Reachable: err == nil || mistaken, Identified: err == nil, Err: err}
}
