package load

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"
)

// EndToEndConfig says how a server is put under load by posts that are read.
type EndToEndConfig struct {
	Post        Call // with {{mark}} in what subscribers read; all to one channel, to everybody
	Connections int  // that post, one message each at a time
	PerSecond   float64
	Subscribers Subscribers // the sides take turns, by their tokens
	Slow        Slow        // beside them
	WarmUp, For time.Duration
	Grace       time.Duration // how long after the last answer messages may take to be read
	Processes   Processes
}

// EndToEndResult is what posts took until they were read. Those of the warm-up are in none of its numbers but the errors and
// faults.
type EndToEndResult struct {
	Posts       int     `json:"posts"` // with a good answer
	Errors      int     `json:"errors"`
	FirstError  string  `json:"firstError,omitempty"`
	PerSecond   float64 `json:"perSecond"`
	PostP50     float64 `json:"postP50Ms"` // until the answer
	PostP99     float64 `json:"postP99Ms"`
	Deliveries  int     `json:"deliveries"`
	DelayP50    float64 `json:"delayP50Ms"` // from sending the post until a subscriber has read it
	DelayP99    float64 `json:"delayP99Ms"`
	ServerCPU   float64 `json:"serverCpuMicros"` // a post
	PostgresCPU float64 `json:"postgresCpuMicros"`
	Usage
	Faults
}

// EndToEnd posts, at a rate or (PerSecond 0) in a closed loop, and has subscribers read. It ends WarmUp + For after the
// subscribers are there, the slow ones too, and at most 10 s and Grace later where something is late. The error is that it could not be measured.
func EndToEnd(ctx context.Context, config EndToEndConfig) (result EndToEndResult, err error) {
	prepared, err := config.Post.prepare()
	if err != nil {
		return result, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ledger := newLedger(config.Subscribers.Count, config.Connections)
	readers, err := config.Subscribers.open(ctx, func(subscriber int, m mark, at time.Time) { ledger.take(subscriber, m, at) })
	if err != nil {
		return result, err
	}
	if err := ledger.probe(ctx, &prepared, readers); err != nil {
		return result, errors.Join(err, readers.close())
	}
	slow, err := config.Slow.open(ctx, ledger)
	if err != nil {
		return result, errors.Join(err, readers.close())
	}
	defer slow.close()
	from := time.Now().Add(config.WarmUp)
	ledger.from.Store(from.UnixNano())
	measured := measureFrom(ctx, config.Processes, from)
	all, err := writers{
		calls: &prepared, connections: config.Connections, perSecond: config.PerSecond, from: from, until: from.Add(config.For),
	}.run(ctx)
	usage, meterErr := measured()
	ledger.await(ctx, all, config.Grace)
	ended := readers.close()
	result.judge(ledger, all, usage)
	if result.Ended = int(readers.lost.Load()); result.Ended > 0 {
		err = errors.Join(err, ended)
	}
	return result, errors.Join(err, meterErr, ctx.Err())
}

// await waits until every subscriber has read every message with a good answer, or the grace is over.
func (l *ledger) await(ctx context.Context, all []written, grace time.Duration) {
	answered := 0
	for _, done := range all {
		answered += done.sent - len(done.failed)
	}
	for late := time.Now().Add(grace); int(l.read.Load()) < answered*len(l.accounts) && time.Now().Before(late); {
		if wait(ctx, 5*time.Millisecond) != nil {
			return
		}
	}
}

func (r *EndToEndResult) judge(l *ledger, all []written, usage Usage) {
	var posts HTTPResult
	answers := posts.count(all)
	r.Errors, r.FirstError, r.Usage, r.Faults = posts.Errors, posts.FirstError, usage, l.faults(all)
	r.Posts, r.PerSecond = len(answers), float64(len(answers))/usage.Seconds
	r.PostP50, r.PostP99 = quantileMS(answers, 0.5), quantileMS(answers, 0.99)
	r.ServerCPU, r.PostgresCPU = micros(usage.ServerSeconds, len(answers)), micros(usage.PostgresSeconds, len(answers))
	each := make([][]time.Duration, len(l.accounts))
	for i := range l.accounts {
		each[i] = l.accounts[i].delays
	}
	delays := slices.Concat(each...)
	r.Deliveries, r.DelayP50, r.DelayP99 = len(delays), quantileMS(delays, 0.5), quantileMS(delays, 0.99)
}

// Check returns what is wrong with the run: answers that were not good, messages that did not arrive as they should.
func (r EndToEndResult) Check() error {
	return errors.Join(checkAnswers(r.Errors, r.FirstError), r.Faults.Check())
}

// Table is the result as rows of a table, the heads first.
func (r EndToEndResult) Table() [][]string {
	return [][]string{
		{"posts", "errors", "a second", "answer p50 ms", "p99 ms", "read p50 ms", "p99 ms", "server CPU µs", "Postgres CPU µs",
			"lost", "doubled", "unordered", "disagreeing"},
		{strconv.Itoa(r.Posts), strconv.Itoa(r.Errors), decimals(r.PerSecond, 0), decimals(r.PostP50, 2), decimals(r.PostP99, 2),
			decimals(r.DelayP50, 2), decimals(r.DelayP99, 2), decimals(r.ServerCPU, 0), decimals(r.PostgresCPU, 0),
			strconv.Itoa(r.Lost), strconv.Itoa(r.Doubled), strconv.Itoa(r.Unordered), strconv.Itoa(r.Disagreeing)},
	}
}
