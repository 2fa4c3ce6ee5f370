package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	// settleTimeout is how long a server's memory is watched until it grows no more.
	settleTimeout = 5 * time.Second
	settlePause   = 250 * time.Millisecond
)

// FanOutConfig says how a server is put under load by events for many.
type FanOutConfig struct {
	Post        Call // with {{mark}} in what subscribers read
	Subscribers Subscribers
	Events      int           // one at a time, behind one to warm up
	Pause       time.Duration // between an event that all have and the next
	Grace       time.Duration // how long an event may take to reach the last
	Processes   Processes
}

// FanOutResult is what events for many took.
type FanOutResult struct {
	Subscribers int     `json:"subscribers"`
	Events      int     `json:"events"`
	LastP50     float64 `json:"lastP50Ms"` // from sending the post until the last subscriber has the event: the median event
	LastP99     float64 `json:"lastP99Ms"`
	DelayP50    float64 `json:"delayP50Ms"` // until any subscriber has it
	ServerCPU   float64 `json:"serverCpuMicros"`
	OwnCPU      float64 `json:"ownCpuMicros"`        // a delivery
	OpenCPU     float64 `json:"openServerCpuMicros"` // of the server to open and subscribe a connection
	KB          float64 `json:"kilobytes"`           // growth of the server's RSS a subscribed connection, in 1,024 bytes
	OpenSeconds float64 `json:"openSeconds"`         // until all had read a first message
	Faults
}

// FanOut sends one event after the other to many subscribers. It ends when all events have arrived, or Grace after
// one that does not; opening takes at most some 30 s. The error is that it could not be measured; what did not
// arrive as it should is in the result.
func FanOut(ctx context.Context, config FanOutConfig) (result FanOutResult, err error) {
	result.Subscribers, result.Events = config.Subscribers.Count, config.Events
	prepared, err := config.Post.prepare()
	if err != nil {
		return result, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f := fanOut{config: config, calls: &prepared, result: &result, arrived: make(chan time.Time, 1)}
	f.ledger = newLedger(config.Subscribers.Count, 1)
	if err := f.open(ctx); err != nil {
		return result, err
	}
	runErr := f.run(ctx)
	ended := f.readers.close()
	result.Faults = f.ledger.faults([]written{f.sent})
	result.Ended = int(f.readers.lost.Load())
	if result.Ended > 0 {
		runErr = errors.Join(runErr, ended)
	}
	var delays []time.Duration
	for _, account := range f.ledger.accounts {
		delays = append(delays, account.delays...)
	}
	result.DelayP50 = quantileMS(delays, 0.5)
	return result, runErr
}

// fanOut is a run.
type fanOut struct {
	config  FanOutConfig
	calls   *calls
	ledger  *ledger
	readers *readers
	result  *FanOutResult

	sent    written
	missing atomic.Int64   // subscribers that lack the event that is under way
	arrived chan time.Time // when the last got it
}

// open opens the subscribers, waits until all listen, and measures what that took.
func (f *fanOut) open(ctx context.Context) error {
	memory := func() int64 { return 0 }
	var failed error
	if pid := f.config.Processes.Server; pid != 0 {
		memory = func() int64 {
			bytes, err := residentBytes(pid)
			failed = cmp.Or(failed, err)
			return bytes
		}
	}
	before := memory()
	began, err := f.config.Processes.read()
	if err != nil {
		return err
	}
	f.readers, err = f.config.Subscribers.open(ctx, func(subscriber int, m mark, at time.Time) {
		if f.ledger.take(subscriber, m, at) && f.missing.Add(-1) == 0 {
			f.arrived <- at
		}
	})
	if err != nil {
		return err
	}
	if err := f.ledger.probe(ctx, f.calls, f.readers); err != nil {
		return errors.Join(err, f.readers.close())
	}
	opened, err := f.config.Processes.read()
	after := settled(ctx, memory)
	if err = errors.Join(err, failed); err != nil {
		return errors.Join(err, f.readers.close())
	}
	usage := opened.since(began)
	f.result.OpenSeconds, f.result.OpenCPU = usage.Seconds, micros(usage.ServerSeconds, f.config.Subscribers.Count)
	f.result.KB = float64(after-before) / 1024 / float64(f.config.Subscribers.Count)
	return nil
}

// settled waits until memory grows no more, for a while.
func settled(ctx context.Context, memory func() int64) int64 {
	late := time.Now().Add(settleTimeout)
	for last := memory(); ; {
		if wait(ctx, settlePause) != nil || time.Now().After(late) {
			return last
		}
		now := memory()
		if now <= last+last/200 {
			return max(now, last)
		}
		last = now
	}
}

// run sends the events.
func (f *fanOut) run(ctx context.Context) error {
	k, err := f.calls.dial(ctx, 1)
	if err != nil {
		return err
	}
	defer k.net.Close()
	var last []time.Duration
	var began reading
	for event := range f.config.Events + 1 {
		if event == 1 { // the first warms up
			if began, err = f.config.Processes.read(); err != nil {
				return err
			}
		}
		took, err := f.one(ctx, k)
		if err != nil {
			return err
		}
		if event > 0 {
			last = append(last, took)
		}
		if err := wait(ctx, f.config.Pause); err != nil {
			return err
		}
	}
	ended, err := f.config.Processes.read()
	usage := ended.since(began)
	deliveries := f.config.Events * f.config.Subscribers.Count
	f.result.ServerCPU, f.result.OwnCPU = micros(usage.ServerSeconds, deliveries), micros(usage.OwnSeconds, deliveries)
	f.result.LastP50, f.result.LastP99 = quantileMS(last, 0.5), quantileMS(slices.Clone(last), 0.99)
	return err
}

// one sends an event and returns how long it took until the last subscriber had it.
func (f *fanOut) one(ctx context.Context, k *conn) (time.Duration, error) {
	f.missing.Store(int64(f.config.Subscribers.Count))
	m := mark{time.Now().UnixNano(), 1, f.sent.sent}
	f.sent.sent++
	if err := k.send(m); err != nil {
		return 0, fmt.Errorf("load: a post: %w", err)
	}
	late := time.NewTimer(f.config.Grace)
	defer late.Stop()
	select {
	case at := <-f.arrived:
		return m.delay(at), nil
	case <-late.C:
		return 0, fmt.Errorf("load: %d of %d subscribers had not got event %d after %v", f.missing.Load(), f.config.Subscribers.Count, m.number+1, f.config.Grace)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Table is the result as rows of a table, the heads first.
func (r FanOutResult) Table() [][]string {
	return [][]string{
		{"subscribers", "events", "last has it: p50 ms", "p99 ms", "a delivery: server CPU µs", "own CPU µs", "a connection: KB", "CPU µs", "lost", "doubled"},
		{strconv.Itoa(r.Subscribers), strconv.Itoa(r.Events), decimals(r.LastP50, 1), decimals(r.LastP99, 1), decimals(r.ServerCPU, 1),
			decimals(r.OwnCPU, 1), decimals(r.KB, 1), decimals(r.OpenCPU, 0), strconv.Itoa(r.Lost), strconv.Itoa(r.Doubled)},
	}
}
