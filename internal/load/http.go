package load

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"
)

// HTTPConfig says how a server is put under load by requests.
type HTTPConfig struct {
	Call        Call
	Connections int
	WarmUp, For time.Duration
	Processes   Processes
}

// HTTPResult is what requests took. Those of the warm-up are in none of its numbers but Errors.
type HTTPResult struct {
	Connections int     `json:"connections"`
	Requests    int     `json:"requests"` // with a good answer
	Errors      int     `json:"errors"`
	FirstError  string  `json:"firstError,omitempty"`
	PerSecond   float64 `json:"perSecond"`
	P50         float64 `json:"p50Ms"`
	P99         float64 `json:"p99Ms"`
	ServerCPU   float64 `json:"serverCpuMicros"` // a request
	PostgresCPU float64 `json:"postgresCpuMicros"`
	Usage
}

// HTTP sends requests in a closed loop: each connection has one under way at a time. It ends WarmUp + For after its begin, and
// at most 10 seconds later where answers are late. A bad answer is counted; the error is that it could not be measured.
func HTTP(ctx context.Context, config HTTPConfig) (HTTPResult, error) {
	result := HTTPResult{Connections: config.Connections}
	prepared, err := config.Call.prepare()
	if err != nil {
		return result, err
	}
	from := time.Now().Add(config.WarmUp)
	measured := measureFrom(ctx, config.Processes, from)
	all, err := writers{calls: &prepared, connections: config.Connections, from: from, until: from.Add(config.For)}.run(ctx)
	usage, meterErr := measured()
	if err := errors.Join(err, meterErr, ctx.Err()); err != nil {
		return result, err
	}
	result.Usage = usage
	delays := result.count(all)
	result.Requests = len(delays)
	result.PerSecond = float64(len(delays)) / usage.Seconds
	result.P50, result.P99 = quantileMS(delays, 0.5), quantileMS(delays, 0.99)
	result.ServerCPU, result.PostgresCPU = micros(usage.ServerSeconds, len(delays)), micros(usage.PostgresSeconds, len(delays))
	return result, nil
}

// count adds up what went wrong and returns the delays of all writers.
func (r *HTTPResult) count(all []written) []time.Duration {
	each := make([][]time.Duration, len(all))
	for i, one := range all {
		each[i] = one.delays
		r.Errors += len(one.failed)
		if one.first != nil && r.FirstError == "" {
			r.FirstError = one.first.Error()
		}
	}
	return slices.Concat(each...)
}

// Check returns what is wrong with the run: answers that were not good.
func (r HTTPResult) Check() error { return checkAnswers(r.Errors, r.FirstError) }

// Table is the result as rows of a table, the heads first.
func (r HTTPResult) Table() [][]string {
	return [][]string{
		{"connections", "requests", "errors", "a second", "p50 ms", "p99 ms", "server CPU µs", "Postgres CPU µs", "own CPU s"},
		{strconv.Itoa(r.Connections), strconv.Itoa(r.Requests), strconv.Itoa(r.Errors), decimals(r.PerSecond, 0), decimals(r.P50, 2),
			decimals(r.P99, 2), decimals(r.ServerCPU, 0), decimals(r.PostgresCPU, 0), decimals(r.OwnSeconds, 2)},
	}
}

// decimals writes a number with so many digits behind the point.
func decimals(n float64, digits int) string { return strconv.FormatFloat(n, 'f', digits, 64) }

// checkAnswers is the error of answers that were not good.
func checkAnswers(count int, first string) error {
	if count == 0 {
		return nil
	}
	return errors.New(strconv.Itoa(count) + " requests got no good answer; the first: " + first)
}

// measureFrom reads the meters at a time; what it returns waits for that and reads them again.
func measureFrom(ctx context.Context, processes Processes, from time.Time) func() (Usage, error) {
	type read struct {
		reading
		err error
	}
	begin := make(chan read, 1)
	go func() {
		err := wait(ctx, time.Until(from))
		r, readErr := processes.read()
		begin <- read{r, errors.Join(err, readErr)}
	}()
	return func() (Usage, error) {
		before := <-begin
		now, err := processes.read()
		return now.since(before.reading), errors.Join(before.err, err)
	}
}
