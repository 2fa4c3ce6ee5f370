package localpg

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// startPatience is how long one cluster may take to accept connections, recovery after a crash included.
const startPatience = time.Minute

// heldPatience is how long the children of a postmaster that was killed may keep its data where they cannot be found and
// stopped (orphansAreCertain).
const heldPatience = 10 * time.Second

// node is one cluster: at most one postmaster at a time.
type node struct {
	name      string
	dataDir   string
	socketDir string
	logPath   string

	// turn is held by whoever starts or stops the postmaster.
	turn    sync.Mutex
	stopped bool // for good; under turn

	mu      sync.Mutex
	current *postmaster // the last one that got ready; nil before
}

// running is the postmaster that runs, or nil.
func (n *node) running() *postmaster {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.current == nil || !n.current.alive() {
		return nil
	}
	return n.current
}

// Stop shuts all clusters down at the same time, gives up the data root and returns when all of it is done, in 12 seconds
// at most. A cluster that has not shut down after 10 seconds, or when ctx ends, is ended at once: the error says so; its
// data is safe and is recovered at the next start. Further calls do nothing and return the same.
func (c *Clusters) Stop(ctx context.Context) error {
	c.stopOnce.Do(func() {
		c.endLife()
		errs := make([]error, 0, len(c.nodes)+1)
		var mu sync.Mutex
		var group sync.WaitGroup
		for _, n := range c.nodes {
			group.Go(func() {
				n.turn.Lock()
				defer n.turn.Unlock()
				n.stopped = true
				if pm := n.running(); pm != nil {
					if err := pm.stop(ctx); err != nil {
						mu.Lock()
						defer mu.Unlock()
						errs = append(errs, err)
					}
				}
			})
		}
		group.Wait()
		c.watchers.Wait()
		close(c.exited)
		c.root.removeShortRunDir()
		c.stopErr = errors.Join(append(errs, c.root.unlock())...)
	})
	return c.stopErr
}

// Kill ends a cluster's postgres with SIGKILL, as a crash would, and returns when it is dead. Its children notice by
// themselves a moment later. For crash tests; Restart brings the cluster back.
func (c *Clusters) Kill(name string) {
	n := c.node(name)
	n.turn.Lock()
	defer n.turn.Unlock()
	if pm := n.running(); pm != nil {
		pm.kill()
	}
}

// Restart starts a cluster that does not run, after a shutdown if it does, on the same data and the same socket. It
// returns when the cluster accepts connections.
func (c *Clusters) Restart(ctx context.Context, name string) error {
	return c.start(ctx, c.node(name))
}

// start stops what runs of a cluster, starts it and waits until it accepts connections.
func (c *Clusters) start(ctx context.Context, n *node) error {
	n.turn.Lock()
	defer n.turn.Unlock()
	if n.stopped {
		return fmt.Errorf("localpg: start %s: %w", n.name, ErrStopped)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.life, func() { cancel(ErrStopped) })()
	if pm := n.running(); pm != nil {
		if err := pm.stop(ctx); err != nil {
			c.cfg.Logger.Warn("localpg: restart", "cluster", n.name, "err", err)
		}
	}
	if err := rotateLog(n.logPath); err != nil {
		return err
	}
	ctx, cancelPatience := context.WithTimeoutCause(ctx, startPatience,
		fmt.Errorf("localpg: %s did not accept connections within %s; see its log %s", n.name, startPatience, n.logPath))
	defer cancelPatience()
	began := time.Now()
	return await(ctx, func() (bool, error) {
		pm, err := c.launchReady(ctx, n)
		if stillHeld(err) && time.Since(began) < heldPatience {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("localpg: start %s: %w", n.name, err)
		}
		n.mu.Lock()
		n.current = pm
		n.mu.Unlock()
		c.watchers.Go(func() { c.watch(pm) })
		return true, nil
	})
}

// launchReady starts a cluster's postgres once. It leaves none behind if it fails.
func (c *Clusters) launchReady(ctx context.Context, n *node) (*postmaster, error) {
	if err := stopOrphans(ctx, c.cfg.Logger, []string{n.dataDir}); err != nil {
		return nil, err
	}
	if err := removeStalePidFile(c.cfg.Logger, n.dataDir); err != nil {
		return nil, err
	}
	pm, err := launch(c.cfg, c.account, c.postgres, n)
	if err != nil {
		return nil, err
	}
	if err := pm.ready(ctx); err != nil {
		return nil, errors.Join(err, pm.stop(context.WithoutCancel(ctx)))
	}
	return pm, nil
}

// watch reports a postmaster that ends unexpectedly.
func (c *Clusters) watch(pm *postmaster) {
	<-pm.gone
	if pm.expected.Load() {
		return
	}
	err := pm.failure()
	c.cfg.Logger.Error("localpg: PostgreSQL ended", "cluster", pm.name, "pid", pm.pid, "err", err)
	select {
	case c.exited <- Exit{Name: pm.name, PID: pm.pid, Err: err}:
	default:
	}
}
