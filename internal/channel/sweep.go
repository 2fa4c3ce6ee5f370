package channel

import (
	"context"
	"sync"
	"time"
)

const (
	// OperationsKept is how long a mutation can be repeated with its key: twice the 24 hours that the contract promises.
	OperationsKept = 48 * time.Hour

	expireEvery = time.Second
	auditEvery  = time.Second
	// auditsLate is how old what has no entries may be before the log tells so, once in lookAtAudits.
	auditsLate   = 5 * time.Minute
	lookAtAudits = time.Minute
	deleteEvery  = 10 * time.Second
	forgetEvery  = time.Hour
	forgetBatch  = 1000
	forgetLogs   = 100 // at a time
	// forgetEvents is how many events of a log go in one transaction: that long its writers wait. It takes as many as it needs.
	forgetEvents = 500
	deleteSides  = 100 // at a time
	// deleteBatch is how many messages for everyone, and for a group alone, go in one transaction.
	deleteBatch = 100
)

// Sweep does what is due by time until ctx ends: it tells of invitations that expired, writes audits, deletes messages that their groups keep no
// longer, forgets old operations, and old events of logs. Any number of processes may run it. Nothing depends on it but that news of
// expiry arrive, audits are up to date, what is old goes, and tables stay small.
func (s *Service) Sweep(ctx context.Context) {
	var beside sync.WaitGroup
	beside.Go(func() { s.keepAudits(ctx) })
	beside.Go(func() { s.watchAudits(ctx) })
	for _, cluster := range s.Shards.ShardClusters() {
		beside.Go(func() { s.keepOutdated(ctx, cluster) })
	}
	defer beside.Wait()
	expire, forget := time.NewTicker(expireEvery), time.NewTicker(forgetEvery)
	defer expire.Stop()
	defer forget.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-expire.C:
			s.repeat(ctx, "expire invitations", expireBatch, func() (int, error) { return s.ExpireDue(ctx) })
		case <-forget.C:
			s.Forget(ctx)
		}
	}
}

// keepAudits writes audits until ctx ends. What there is to write, after an upgrade all that was ever decided, holds nothing else up.
func (s *Service) keepAudits(ctx context.Context) {
	every(ctx, auditEvery, func() {
		s.repeat(ctx, "write audits", auditBatch, func() (int, error) { return s.WriteAudit(ctx) })
	})
}

// watchAudits tells the log until ctx ends when audits are late: nobody writes them, whoever should and for whatever reason, or there is much to write, as
// after an upgrade.
func (s *Service) watchAudits(ctx context.Context) {
	every(ctx, lookAtAudits, func() {
		switch oldest, err := s.Main.OldestUnaudited(ctx); {
		case ctx.Err() != nil:
		case err != nil:
			s.Logger.WarnContext(ctx, "sweep: look at audits", "err", err)
		case oldest > auditsLate:
			s.Logger.WarnContext(ctx, "audits are late", "oldest", oldest.Round(time.Second))
		}
	})
}

// every does something again and again until ctx ends, the first time after that long. What takes longer is not caught up with.
func every(ctx context.Context, period time.Duration, do func()) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			do()
		}
	}
}

// Forget removes what has been kept for long enough. A cluster out of reach is left for the next time.
func (s *Service) Forget(ctx context.Context) {
	s.repeat(ctx, "forget operations", forgetBatch, func() (int, error) {
		return s.Main.ForgetOperations(ctx, OperationsKept, forgetBatch)
	})
	for _, cluster := range s.Shards.ShardClusters() {
		s.repeat(ctx, "forget operations of "+cluster, forgetBatch, func() (int, error) {
			return s.Shards.ForgetChannelOperations(ctx, cluster, OperationsKept, forgetBatch)
		})
		if s.LogRetention > 0 {
			began := time.Now() // what gets old after that is left for the next time, so that this one ends
			s.repeat(ctx, "forget events of "+cluster, 1, func() (int, error) {
				return s.Shards.ForgetEvents(ctx, cluster, s.LogRetention+time.Since(began), forgetLogs, forgetEvents)
			})
		}
	}
}

// repeat runs a batch until one is not full. A failure waits for the next turn.
func (s *Service) repeat(ctx context.Context, what string, full int, batch func() (int, error)) {
	for ctx.Err() == nil {
		n, err := batch()
		if err != nil && ctx.Err() == nil {
			s.Logger.WarnContext(ctx, "sweep: "+what, "err", err)
		}
		if err != nil || n < full {
			return
		}
	}
}
