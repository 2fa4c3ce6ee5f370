package proof_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// walk reads all messages of a side's list, one page after the other, from its beginning or from its end, and lets
// others make changes between two pages. It returns them in the order of the list.
func (k *talk) walk(ctx context.Context, side int, backward bool) (all []ids.Message, err error) {
	size := int32(3)
	args := channel.PageArgs{First: &size}
	if backward {
		args = channel.PageArgs{Last: &size}
	}
	for n := 0; ; n++ {
		page, err := k.processes[n%len(k.processes)].ChannelMessages(ctx, k.viewer(side, "reader"), k.id, args)
		if err != nil {
			return nil, err
		}
		var here []ids.Message
		for _, edge := range page.Edges() {
			here = append(here, edge.Value.ID)
		}
		if backward {
			all = append(here, all...)
		} else {
			all = append(all, here...)
		}
		switch {
		case backward && page.PageInfo().HasPreviousPage:
			args.Before = page.PageInfo().StartCursor
		case !backward && page.PageInfo().HasNextPage:
			args.After = page.PageInfo().EndCursor
		default:
			return all, nil
		}
		if n < 20 { // else who walks on may never reach an end that moves on as fast
			k.changes(2)
		}
	}
}

// TestPagesWhileTalking walks through the messages both ways while both sides post for both audiences: each walk has every message
// up to its last, once, in the order in which they were posted.
func TestPagesWhileTalking(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	in := newInstallation(t)
	in.config.PoolSize = 8
	processes := []*process{in.open(t), in.open(t)}
	k := newTalk(t, newWorld(t, in, processes[0], 2), processes...)
	var writing, walking sync.WaitGroup
	for n := range 8 {
		writing.Go(func() {
			if err := k.write(ctx, n%2, n); err != nil {
				t.Errorf("writer %d: %v", n, err)
				for waiting := range k.tokens {
					waiting.Done()
				}
			}
		})
	}
	k.changes(60)
	var walks [2][][]ids.Message
	var mu sync.Mutex
	for n := range 4 {
		walking.Go(func() {
			side := n % 2
			for range number(2, 40) {
				all, err := k.walk(ctx, side, n < 2)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				walks[side] = append(walks[side], all)
				mu.Unlock()
			}
		})
	}
	walking.Wait()
	close(k.tokens)
	writing.Wait()
	const end = "the end"
	for side := range walks {
		if _, err := k.post(ctx, processes[0].Service, k.viewer(side, "ana"), true, end, nil); err != nil {
			t.Fatal(err)
		}
		var posted []ids.Message
		for _, event := range k.whole(t, side, end) {
			if event.kind == "MessagePosted" {
				posted = append(posted, event.message)
			}
		}
		for _, all := range walks[side] {
			if len(all) < 15 || len(all) > len(posted) || !slices.Equal(all, posted[:len(all)]) {
				t.Errorf("side %d: a walk through %d of %d messages skips one, or has one twice: %v", side, len(all), len(posted), all)
			}
		}
	}
}
