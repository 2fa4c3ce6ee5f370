package live

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// memoryList is a group's list of channels in memory, and how far users have read.
type memoryList struct {
	channels []ids.Channel
	marks    map[channel.Marked]bool
	down     bool
}

func (m *memory) list(group ids.Group) *memoryList {
	if m.lists == nil {
		m.lists = map[ids.Group]*memoryList{}
	}
	if m.lists[group] == nil {
		m.lists[group] = &memoryList{marks: map[channel.Marked]bool{}}
	}
	return m.lists[group]
}

// link adds a channel with n events to the lists of groups.
func (m *memory) link(n int, groups ...ids.Group) ids.Channel {
	id := ids.NewChannel(time.Now(), 0)
	for _, group := range groups {
		key := channel.ChannelLogOf(id, group)
		m.mu.Lock()
		m.logs[key] = &memoryLog{history: ids.NewHistory()}
		l := m.list(group)
		l.channels = append(l.channels, id)
		m.mu.Unlock()
		m.append(key, n)
	}
	return id
}

// mark notes how far a user has read.
func (m *memory) mark(user ids.User, id ids.Channel, public int64) channel.Marked {
	m.mu.Lock()
	defer m.mu.Unlock()
	mark := channel.Marked{User: user, Channel: id, UpTo: channel.Place{Public: public}}
	m.list(user.Group).marks[mark] = true
	return mark
}

func (m *memory) ListedChannels(ctx context.Context, behind map[ids.Group]int64) (map[ids.Group][]channel.Row[ids.Channel], error) {
	found := map[ids.Group][]channel.Row[ids.Channel]{}
	var down error
	err := m.read(ctx, func() {
		m.listReads++
		for group, position := range behind {
			l := m.list(group)
			if l.down {
				down = errDown
				continue
			}
			found[group] = nil
			for i := int(position); i < len(l.channels); i++ {
				found[group] = append(found[group], channel.Row[ids.Channel]{Position: int64(i + 1), Value: l.channels[i]})
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return found, down
}

func (m *memory) ReadUpTo(ctx context.Context, channels []channel.LogKey, users []ids.User) (marks []channel.Marked, err error) {
	err = m.read(ctx, func() {
		for _, user := range users {
			for mark := range m.list(user.Group).marks {
				if mark.User == user && slices.Contains(channels, channel.ChannelLogOf(mark.Channel, user.Group)) {
					marks = append(marks, mark)
				}
			}
		}
	})
	return marks, err
}

func watch(t testing.TB, h *Hub, user ids.User) channel.Watching {
	t.Helper()
	w, err := h.Watch(t.Context(), user)
	if err != nil {
		t.Fatalf("Watch: %v", err)
	}
	t.Cleanup(w.Close)
	return w
}

// moves waits until all is still, and fails the test unless exactly these channels moved, in that order.
func moves(t *testing.T, w channel.Watching, want ...ids.Channel) {
	t.Helper()
	synctest.Wait()
	var got []ids.Channel
	for {
		id, ok, err := w.Next()
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		if !ok {
			break
		}
		got = append(got, id)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%d channels moved, want %d: %v, want %v", len(got), len(want), got, want)
	}
}

// say appends to a channel for a group and hints at it.
func (m *memory) say(h *Hub, id ids.Channel, groups ...ids.Group) {
	for _, group := range groups {
		key := channel.ChannelLogOf(id, group)
		m.append(key, 1)
		h.Publish(m.appended(key, 1)[0])
	}
}

func TestActivityIsCoalesced(t *testing.T) {
	bubble(t, Config{Poll: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
		acme := ids.NewGroup()
		first, second := m.link(3, acme), m.link(0, acme)
		w := watch(t, h, ids.UserOf(acme, "ana"))
		moves(t, w) // nothing yet
		for range 10 {
			m.say(h, second, acme)
			m.say(h, first, acme)
		}
		moves(t, w, second, first)
		m.say(h, first, acme)
		moves(t, w, first)
		moves(t, w)
		if got := len(w.(*watching).queued); got != 0 {
			t.Errorf("%d channels are still noted", got)
		}
	})
}

func TestActivityOfOthersWakesNobody(t *testing.T) {
	bubble(t, Config{Poll: time.Second}, func(t *testing.T, m *memory, h *Hub) {
		acme, globex := ids.NewGroup(), ids.NewGroup()
		id := m.link(1, acme, globex)
		ana, ben := ids.UserOf(acme, "ana"), ids.UserOf(acme, "ben")
		w := watch(t, h, ana)
		woken := false
		w.Notify(func() { woken = true })
		m.say(h, id, globex) // to itself
		h.Marked(m.mark(ben, id, 1))
		h.Marked(m.mark(ids.UserOf(globex, "ana"), id, 1))
		h.hint(m.newLog(1), 1)
		time.Sleep(time.Minute)
		moves(t, w)
		if woken {
			t.Error("woken by what is not its own")
		}
	})
}

func TestLostHintsOfActivity(t *testing.T) {
	bubble(t, Config{Poll: 2 * time.Second}, func(t *testing.T, m *memory, h *Hub) {
		acme := ids.NewGroup()
		id, quiet := m.link(1, acme), m.link(1, acme)
		ana := ids.UserOf(acme, "ana")
		m.mark(ana, quiet, 1)
		w := watch(t, h, ana)
		m.append(channel.ChannelLogOf(id, acme), 3)
		time.Sleep(3 * time.Second)
		moves(t, w, id)
		m.mark(ana, id, 4)
		time.Sleep(3 * time.Second)
		moves(t, w, id)
		linked := m.link(0, acme)
		time.Sleep(3 * time.Second)
		moves(t, w, linked)
		m.restore(channel.ChannelLogOf(id, acme), 2, false)
		time.Sleep(3 * time.Second)
		moves(t, w, id)
		m.restore(channel.ChannelLogOf(id, acme), 2, true)
		time.Sleep(3 * time.Second)
		moves(t, w, id)
		m.mu.Lock()
		delete(m.logs, channel.ChannelLogOf(quiet, acme)) // it is not for the group any more
		m.mu.Unlock()
		time.Sleep(3 * time.Second)
		moves(t, w, quiet)
		time.Sleep(time.Minute)
		moves(t, w)
	})
}

// TestHintIsToldOnce has a hint come again, late and by itself, and the poll find the same.
func TestHintIsToldOnce(t *testing.T) {
	bubble(t, Config{Poll: time.Second}, func(t *testing.T, m *memory, h *Hub) {
		acme := ids.NewGroup()
		id, ana := m.link(1, acme), ids.UserOf(acme, "ana")
		w := watch(t, h, ana)
		m.say(h, id, acme)
		m.say(h, id, acme)
		mark := m.mark(ana, id, 2)
		h.Marked(mark)
		moves(t, w, id)
		key := channel.ChannelLogOf(id, acme)
		h.hint(key, 3)
		h.hint(key, 2)
		h.Marked(mark)
		h.Marked(channel.Marked{User: ana, Channel: id, UpTo: channel.Place{Public: 1, Private: 9}})
		h.Moved(key)
		time.Sleep(time.Minute)
		moves(t, w)
		h.hint(key, 99) // of an event that there is not
		moves(t, w, id)
		time.Sleep(2 * time.Second)
		moves(t, w, id)
		m.say(h, id, acme)
		moves(t, w, id)
	})
}

// TestSlowPoll has hints come while a poll reads: what it finds is older than they are.
func TestSlowPoll(t *testing.T) {
	bubble(t, Config{Poll: time.Second}, func(t *testing.T, m *memory, h *Hub) {
		acme := ids.NewGroup()
		id := m.link(1, acme)
		w := watch(t, h, ids.UserOf(acme, "ana"))
		m.mu.Lock()
		m.delay = func() (time.Duration, time.Duration) { return 0, time.Second }
		m.mu.Unlock()
		for range 20 {
			time.Sleep(700 * time.Millisecond)
			m.say(h, id, acme)
			moves(t, w, id)
		}
		time.Sleep(time.Minute)
		moves(t, w)
	})
}

func TestLinkedWhileWatching(t *testing.T) {
	bubble(t, Config{Poll: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
		acme := ids.NewGroup()
		w := watch(t, h, ids.UserOf(acme, "ana"))
		id := m.link(1, acme)
		h.Moved(channel.ChannelLogOf(id, acme))
		moves(t, w, id)
		m.say(h, id, acme)
		moves(t, w, id)
		h.hint(channel.ChannelLogOf(ids.NewChannel(time.Now(), 0), acme), math.MaxInt64) // it is not for the group
		moves(t, w)
	})
}

func TestTwoDevices(t *testing.T) {
	bubble(t, Config{Poll: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
		acme := ids.NewGroup()
		id, ana := m.link(3, acme), ids.UserOf(acme, "ana")
		phone, desk, other := watch(t, h, ana), watch(t, h, ana), watch(t, h, ids.UserOf(acme, "ben"))
		h.Marked(m.mark(ana, id, 3))
		moves(t, phone, id)
		moves(t, desk, id)
		moves(t, other)
		phone.Close()
		m.say(h, id, acme)
		moves(t, desk, id)
		moves(t, other, id)
		if _, _, err := phone.Next(); !errors.Is(err, channel.ErrHubClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// TestWatchNothingLost has events come at every moment of the beginning.
func TestWatchNothingLost(t *testing.T) {
	for at := range 8 {
		t.Run("", func(t *testing.T) {
			bubble(t, Config{Poll: 5 * time.Second}, func(t *testing.T, m *memory, h *Hub) {
				acme := ids.NewGroup()
				id, ana := m.link(1, acme), ids.UserOf(acme, "ana")
				m.delay = func() (time.Duration, time.Duration) { return time.Second, time.Second }
				began := make(chan channel.Watching, 1)
				go func() {
					w, err := h.Watch(t.Context(), ana)
					if err != nil {
						t.Error(err)
					}
					began <- w
				}()
				time.Sleep(time.Duration(at) * time.Second)
				synctest.Wait()
				m.say(h, id, acme)
				w := <-began
				defer w.Close()
				time.Sleep(time.Minute)
				moves(t, w, id)
			})
		})
	}
}

func TestClustersOutOfReach(t *testing.T) {
	bubble(t, Config{Poll: time.Second}, func(t *testing.T, m *memory, h *Hub) {
		acme := ids.NewGroup()
		id, there := m.link(1, acme), m.link(1, acme)
		ana := ids.UserOf(acme, "ana")
		m.list(acme).down = true
		if _, err := h.Watch(t.Context(), ana); !errors.Is(err, errDown) {
			t.Fatalf("without its list: %v", err)
		}
		m.mu.Lock()
		m.list(acme).down = false
		m.logs[channel.ChannelLogOf(id, acme)].down = true
		m.mu.Unlock()
		w := watch(t, h, ana)
		m.say(h, there, acme)
		moves(t, w, there)
		w.Later(there) // it could not be read after all
		time.Sleep(2 * time.Second)
		moves(t, w, there)
		m.mu.Lock()
		m.logs[channel.ChannelLogOf(id, acme)].down = false
		m.mu.Unlock()
		time.Sleep(2 * time.Second)
		moves(t, w, id) // nobody knows what happened there
		time.Sleep(time.Minute)
		moves(t, w)
	})
}

// TestManyWatchersReadOnce has all who watch a group share its reads, and the end of the last free all.
func TestManyWatchersReadOnce(t *testing.T) {
	bubble(t, Config{Poll: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
		acme := ids.NewGroup()
		id := m.link(1, acme)
		m.delay = func() (time.Duration, time.Duration) { return time.Second, 0 }
		var mu sync.Mutex
		var all []channel.Watching
		var beginning sync.WaitGroup
		for i := range 50 {
			beginning.Go(func() {
				w, err := h.Watch(t.Context(), ids.UserOf(acme, string(rune('a'+i%5))))
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				all = append(all, w)
			})
		}
		beginning.Wait()
		if m.listReads != 1 || m.heads != 1 {
			t.Errorf("the list was read %d times, the heads %d times", m.listReads, m.heads)
		}
		if stat := h.Stat(); stat.Subscriptions != 50 {
			t.Errorf("%+v", stat)
		}
		m.say(h, id, acme)
		for _, w := range all {
			moves(t, w, id)
			w.Close()
			w.Close() // counts once
		}
		if len(h.lists.groups) != 0 || h.Stat() != (Stat{}) {
			t.Errorf("kept without anybody: %d lists, %+v", len(h.lists.groups), h.Stat())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := h.Watch(ctx, ids.UserOf(acme, "ana")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
		if len(h.lists.groups) != 0 {
			t.Error("who gave up is kept")
		}
	})
}

func TestNotifyOfActivity(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		h, stop := start(t, Config{Reader: m, Poll: time.Hour})
		acme := ids.NewGroup()
		id := m.link(1, acme)
		w := watch(t, h, ids.UserOf(acme, "ana"))
		calls := 0
		w.Notify(func() { t.Error("who was replaced is called") })
		w.Notify(func() { calls++ })
		m.say(h, id, acme)
		m.say(h, id, acme)
		w.Notify(func() { calls++ }) // something is there already
		if calls != 2 {
			t.Errorf("called %d times, want twice", calls)
		}
		moves(t, w, id)
		w.Notify(func() { calls++ })
		stop()
		if _, _, err := w.Next(); calls != 3 || !errors.Is(err, channel.ErrHubClosed) {
			t.Errorf("at the hub's end: called %d times, %v", calls, err)
		}
		if _, err := h.Watch(t.Context(), ids.UserOf(acme, "ana")); !errors.Is(err, channel.ErrHubClosed) {
			t.Errorf("Watch afterwards: %v", err)
		}
	})
}

// TestMarksOverNATS tells another process how far a user has read, the furthest of those that wait.
func TestMarksOverNATS(t *testing.T) {
	t.Parallel()
	url, _, _ := external(t, server.Options{})
	h := connected(t, url, nil)
	told := make(chan channel.Marked, 1<<10)
	defer h.SubscribeMarks(func(m channel.Marked) { told <- m })()
	user, id := ids.UserOf(ids.NewGroup(), "ana"), ids.NewChannel(time.Now(), 3)
	want := channel.Marked{User: user, Channel: id, UpTo: channel.Place{Public: 7, Private: 2}}
	h.PublishMark(channel.Marked{User: user, Channel: id, UpTo: channel.Place{Public: 7, Private: 1}})
	h.PublishMark(want)
	h.PublishMark(channel.Marked{User: user, Channel: id, UpTo: channel.Place{Public: 6, Private: 3}})
	deadline := time.After(patience)
	for {
		select {
		case got := <-told:
			if got == want {
				return
			}
		case <-deadline:
			t.Fatal("the mark was never heard")
		}
	}
}

func TestMarkPayload(t *testing.T) {
	t.Parallel()
	m := channel.Marked{User: ids.UserOf(ids.NewGroup(), "ana"), Channel: ids.NewChannel(time.Now(), 3), UpTo: channel.Place{Public: 1 << 40, Private: 5}}
	payload := encodeMark(m)
	if got, err := decodeMark(payload[:]); err != nil || got != m {
		t.Errorf("read %+v: %v", got, err)
	}
	for name, wrong := range map[string][]byte{
		"nothing": nil, "a hint": make([]byte, hintSize), "zeros": make([]byte, markSize), "longer": append(payload[:], 0),
		"a negative place": append(payload[:56:56], 255, 0, 0, 0, 0, 0, 0, 0),
	} {
		if got, err := decodeMark(wrong); err == nil {
			t.Errorf("%s is read as %+v", name, got)
		}
	}
}
