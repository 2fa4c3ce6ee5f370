package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"
)

// MixedConfig says how a server is put under load by everything at once.
type MixedConfig struct {
	URL         string // http, on loopback
	Channels    []string
	Tokens      []string // of connections and visitors in turn
	Deeds       []Deed   // the first makes a message
	Connections int
	PerSecond   float64 // deeds, of all connections together

	Visitors Subscribers   // come and go; {{channel}} in their variables is one of the channels
	Slow     int           // every such one of them does not read; 0: all do
	Stay     time.Duration // how long one stays at most

	For, Every time.Duration // how long it goes on, and between two samples
	Meters     Meters
	Told       func(Sample) // hears of each sample. It may be nil
}

// MixedResult is what a server looked like meanwhile.
type MixedResult struct {
	Seconds    float64        `json:"seconds"`
	Deeds      map[string]int `json:"deeds"` // with a good answer, by their names
	Errors     int            `json:"errors"`
	FirstError string         `json:"firstError,omitempty"`
	Visits     int            `json:"visits"`     // of subscribers that ended in their time
	Deliveries int            `json:"deliveries"` // of what had {{mark}} in it
	Lost       int            `json:"lostVisits"` // of those that read, before their time
	FirstLost  string         `json:"firstLost,omitempty"`
	Samples    []Sample       `json:"samples"`
	Verdicts   []Verdict      `json:"verdicts"`
}

// Mixed does everything at once, and looks at the server at intervals. It ends after For, and some 10 s later where answers are
// late. When ctx ends before, which is an error, the result is that of the time until then.
func Mixed(ctx context.Context, config MixedConfig) (result MixedResult, err error) {
	doing, err := newDoers(config)
	if err != nil {
		return result, err
	}
	meters, err := config.Meters.open(ctx)
	if err != nil {
		return result, err
	}
	defer meters.close()
	began := time.Now()
	running, stop := context.WithDeadline(ctx, began.Add(config.For))
	defer stop()
	visits := &visitors{config: config}
	var working sync.WaitGroup
	working.Go(func() { doing.run(running) })
	working.Go(func() { visits.run(running) })
	err = each(running, config.Every, func() error {
		sample, err := meters.sample(running, began)
		if err != nil {
			return err
		}
		sample.Deeds = int(doing.done.Load())
		result.Samples = append(result.Samples, sample)
		if config.Told != nil {
			config.Told(sample)
		}
		return nil
	})
	stop()
	working.Wait()
	result.Seconds = time.Since(began).Seconds()
	doing.tell(&result)
	visits.tell(&result)
	result.Verdicts = judge(result.Samples)
	return result, errors.Join(err, ctx.Err())
}

// each calls do at intervals until ctx ends. An error ends it, unless it came with the end of ctx.
func each(ctx context.Context, every time.Duration, do func() error) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := do(); err != nil && ctx.Err() == nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// Check returns what is wrong with the run: answers, subscribers that ended, and what was not flat.
func (r MixedResult) Check() error {
	all := []error{checkAnswers(r.Errors, r.FirstError)}
	if r.Lost > 0 {
		all = append(all, fmt.Errorf("%d subscribers ended before their time; the first: %s", r.Lost, r.FirstLost))
	}
	if r.Visits > 0 && r.Deliveries == 0 {
		all = append(all, errors.New("no subscriber read anything of what was posted"))
	}
	for _, v := range r.Verdicts {
		if !v.Flat {
			all = append(all, fmt.Errorf("%s is not flat: %.0f, then %.0f", v.What, v.Middle, v.Last))
		}
	}
	return errors.Join(all...)
}

// Table is the samples as rows of a table, the heads first.
func (r MixedResult) Table() [][]string {
	head := []string{"after", "deeds"}
	for _, m := range measures {
		head = append(head, m.what)
	}
	rows := [][]string{head}
	for _, s := range r.Samples {
		row := []string{(time.Duration(s.Seconds) * time.Second).String(), strconv.Itoa(s.Deeds)}
		for _, m := range measures {
			if m.known(s) {
				row = append(row, decimals(m.of(s), 0))
			} else {
				row = append(row, "")
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// VerdictTable is what became of each measure as rows of a table, the heads first.
func (r MixedResult) VerdictTable() [][]string {
	rows := [][]string{{"flat?", "middle third", "last third", "verdict"}}
	for _, v := range r.Verdicts {
		rows = append(rows, []string{v.What, decimals(v.Middle, 0), decimals(v.Last, 0), map[bool]string{true: "flat", false: "grows"}[v.Flat]})
	}
	return rows
}

// DeedTable is how often each deed got a good answer as rows of a table, the heads and then the most frequent first.
func (r MixedResult) DeedTable() [][]string {
	names := slices.SortedFunc(maps.Keys(r.Deeds), func(a, b string) int {
		return cmp.Or(r.Deeds[b]-r.Deeds[a], cmp.Compare(a, b))
	})
	rows := [][]string{{"deed", "done"}}
	for _, name := range names {
		rows = append(rows, []string{name, strconv.Itoa(r.Deeds[name])})
	}
	return rows
}
