package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// TestNextGroup takes what one commit may have, in order, and leaves the rest.
func TestNextGroup(t *testing.T) {
	t.Parallel()
	here, there, twice := ids.NewChannel(time.Now(), 1), ids.NewChannel(time.Now(), 2), ids.NewOp()
	made := func(id ids.Channel, op ids.Op, bytes int) *post {
		return &post{change: &channel.Change{Message: ids.Message{Channel: id}, Op: channel.Operation{ID: op}, Body: strings.Repeat("x", bytes)}}
	}
	small := func() *post { return made(here, ids.NewOp(), 10) }
	large := func() *post { return made(here, ids.NewOp(), maxPostBytes/2+1) }
	many := make([]*post, maxPosts+3)
	for i := range many {
		many[i] = small()
	}
	first, second, same := made(here, twice, 10), made(here, twice, 10), made(there, twice, 10)
	huge, left := large(), small()
	left.state.Store(gone)
	half, other := large(), large()
	for name, c := range map[string]struct{ queue, group, rest []*post }{
		"nothing":                         {nil, nil, nil},
		"many":                            {many, many[:maxPosts], many[maxPosts:]},
		"two of one operation":            {[]*post{first, second}, []*post{first}, []*post{second}},
		"one operation in two channels":   {[]*post{first, same}, []*post{first, same}, nil},
		"one whose caller has gone":       {[]*post{left, first}, []*post{first}, nil},
		"more bytes than go in one":       {[]*post{half, other, first}, []*post{half, first}, []*post{other}},
		"one alone, whatever its size is": {[]*post{huge}, []*post{huge}, nil},
	} {
		for _, p := range c.queue {
			p.state.CompareAndSwap(goes, waits)
		}
		queue := slices.Clone(c.queue)
		if group := nextGroup(&queue); !slices.Equal(group, c.group) || !slices.Equal(queue, c.rest) {
			t.Errorf("%s: %d go and %d wait, want %d and %d", name, len(group), len(queue), len(c.group), len(c.rest))
		}
	}
}

// TestWaitsOn has a post whose channel was taken out wait until its caller has gone or it has waited for long, and then tells it so, once.
func TestWaitsOn(t *testing.T) {
	t.Parallel()
	gone, leave := context.WithCancel(t.Context())
	leave()
	busy := func(err error) bool {
		var fault *channel.Fault
		return errors.As(err, &fault) && fault.Code == channel.ShardUnavailable && fault.Retryable
	}
	for name, c := range map[string]struct {
		ctx   context.Context
		out   time.Time
		waits bool
		err   func(error) bool
	}{
		"the first time":       {t.Context(), time.Now(), true, nil},
		"a while later":        {t.Context(), time.Now().Add(-busyFor / 2), true, nil},
		"long after that":      {t.Context(), time.Now().Add(-busyFor - time.Second), false, busy},
		"when its caller left": {gone, time.Now(), false, func(err error) bool { return errors.Is(err, context.Canceled) }},
	} {
		p := &post{ctx: c.ctx, out: c.out, done: make(chan struct{})}
		if got := p.waitsOn(); got != c.waits {
			t.Errorf("%s: waits on: %v", name, got)
			continue
		}
		if c.waits {
			if !p.waits() {
				t.Errorf("%s: in state %d", name, p.state.Load())
			}
			continue
		}
		<-p.done
		if !c.err(p.err) {
			t.Errorf("%s: told %v", name, p.err)
		}
	}
}
