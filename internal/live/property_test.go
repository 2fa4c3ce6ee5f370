package live

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"linkspan/internal/channel"
)

// story is what happens to a log and its subscribers.
type story struct {
	Seed           uint64
	Before         int // events before all
	Ring, PageSize int
	Chapters       []chapter
	Subscribers    []subscriber
}

type chapter struct {
	Append int
	Own    bool    // this process appends, and publishes the events themselves
	Hints  []int64 // how far each is off the truth
	Late   bool    // hints come a while after
	Outage time.Duration
	Pause  time.Duration
}

type subscriber struct {
	Comes  time.Duration
	Cursor bool
	Back   int // how far its cursor is behind the head
	Slow   time.Duration
}

func millis(most int) *rapid.Generator[time.Duration] {
	return rapid.Map(rapid.IntRange(0, most), func(n int) time.Duration { return time.Duration(n) * time.Millisecond })
}

var stories = rapid.Custom(func(t *rapid.T) story {
	return story{
		Seed:     rapid.Uint64().Draw(t, "seed"),
		Before:   rapid.IntRange(0, 30).Draw(t, "before"),
		Ring:     rapid.IntRange(1, 12).Draw(t, "ring"),
		PageSize: rapid.IntRange(1, 8).Draw(t, "page size"),
		Chapters: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) chapter {
			return chapter{
				Append: rapid.IntRange(0, 20).Draw(t, "append"),
				Own:    rapid.Bool().Draw(t, "own"),
				Hints:  rapid.SliceOfN(rapid.SampledFrom([]int64{0, 0, -1, 1, -7, 100, 1 << 40, -(1 << 40)}), 0, 4).Draw(t, "hints"),
				Late:   rapid.Bool().Draw(t, "late"),
				Outage: rapid.SampledFrom([]time.Duration{0, 0, 0, 10 * time.Millisecond, 3 * time.Second}).Draw(t, "outage"),
				Pause:  millis(3000).Draw(t, "pause"),
			}
		}), 1, 12).Draw(t, "chapters"),
		Subscribers: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) subscriber {
			return subscriber{
				Comes:  millis(20_000).Draw(t, "comes"),
				Cursor: rapid.Bool().Draw(t, "cursor"),
				Back:   rapid.IntRange(0, 60).Draw(t, "back"),
				Slow:   rapid.SampledFrom([]time.Duration{0, 0, time.Millisecond, 700 * time.Millisecond, 5 * time.Second}).Draw(t, "slow"),
			}
		}), 1, 8).Draw(t, "subscribers"),
	}
})

// Whatever happens to hints and databases, and however slow a subscriber is, it gets the log from its position on.
func TestEachSubscriberGetsTheLog(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := stories.Draw(rt, "story")
		var wrong []error
		synctest.Test(t, func(t *testing.T) { wrong = s.play(t) })
		for _, err := range wrong {
			rt.Error(err)
		}
	})
}

func (s story) play(t *testing.T) (wrong []error) {
	m := newMemory()
	random := rand.New(rand.NewPCG(s.Seed, 0))
	m.slow(func() (time.Duration, time.Duration) {
		return time.Duration(random.IntN(5)) * time.Millisecond, time.Duration(random.IntN(5)) * time.Millisecond
	})
	h, stop := start(t, Config{Reader: m, Ring: s.Ring, PageSize: s.PageSize, Idle: 24 * time.Hour})
	key := m.newLog(s.Before)

	var telling, reading sync.WaitGroup
	written := make(chan struct{})
	telling.Go(func() {
		for _, c := range s.Chapters {
			s.tell(c, m, h, key, &telling)
		}
		close(written)
		m.append(key, 1) // wakes who has all, so that it sees the end
	})
	results := make([]error, len(s.Subscribers))
	for i, reader := range s.Subscribers {
		reading.Go(func() {
			if err := reader.read(m, h, key, written); err != nil {
				results[i] = fmt.Errorf("subscriber %d: %w", i, err)
			}
		})
	}
	reading.Wait()
	telling.Wait()
	synctest.Wait()
	if len(h.logs) != 0 {
		wrong = append(wrong, fmt.Errorf("%d logs are kept that nobody follows", len(h.logs)))
	}
	stop()
	return append(wrong, slices.DeleteFunc(results, func(err error) bool { return err == nil })...)
}

func (s story) tell(c chapter, m *memory, h *Hub, key channel.LogKey, telling *sync.WaitGroup) {
	if c.Outage > 0 {
		m.fail(errDown)
		time.AfterFunc(c.Outage, func() { m.fail(nil) })
	}
	number := m.append(key, c.Append)
	own := m.appended(key, c.Append)
	if c.Late { // in any order
		slices.Reverse(own)
	}
	hint := func() {
		if c.Own {
			for _, a := range own {
				h.Publish(a)
			}
		}
		for _, off := range c.Hints {
			h.hint(key, number+off)
		}
	}
	if c.Late {
		telling.Go(func() {
			<-time.After(c.Pause + time.Second)
			hint()
		})
	} else {
		hint()
	}
	<-time.After(c.Pause)
}

// read follows the log until it has all, and returns what was wrong.
func (s subscriber) read(m *memory, h *Hub, key channel.LogKey, written <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	<-time.After(s.Comes)

	standing := int64(len(m.events(key)))
	from := m.cursor(key, max(0, standing-int64(s.Back)))
	position := from.Position
	if !s.Cursor {
		from = nil
	}
	subscription, err := h.Follow(ctx, key, from)
	for isUnavailable(err) {
		<-time.After(100 * time.Millisecond)
		subscription, err = h.Follow(ctx, key, from)
	}
	if err != nil {
		return err
	}
	defer subscription.Close()

	checkpoints := 0
	for deliveries := 0; ; deliveries++ {
		select {
		case <-written:
			if all := int64(len(m.events(key))); position == all && checkpoints > 0 {
				return nil
			}
		default:
		}
		d, err := subscription.Next(ctx)
		if err != nil {
			return fmt.Errorf("at %d of %d: %w", position, len(m.events(key)), err)
		}
		if deliveries == 0 && !s.Cursor {
			if !d.Checkpoint || len(d.Events) > 0 || d.Position.Number < standing {
				return fmt.Errorf("without a cursor, at %d: first came %+v", standing, short(d))
			}
			position = d.Position.Number
		}
		if len(d.Events) == 0 && !d.Checkpoint || d.Position.Number != position+int64(len(d.Events)) {
			return fmt.Errorf("at %d: got %+v", position, short(d))
		}
		if !slices.Equal(d.Events, m.events(key)[position:d.Position.Number]) {
			return fmt.Errorf("at %d: got other events than the log's: %v", position, d.Events)
		}
		position = d.Position.Number
		if d.Checkpoint {
			if checkpoints++; checkpoints > 1 || position < standing {
				return fmt.Errorf("checkpoint %d at %d; the log stood at %d", checkpoints, position, standing)
			}
		}
		<-time.After(s.Slow)
	}
}
