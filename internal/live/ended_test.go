package live

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// newSide makes a side's log of a channel with n events.
func (m *memory) newSide(n int) channel.LogKey {
	key := channel.ChannelLogOf(ids.NewChannel(time.Now(), 1), ids.NewGroup())
	m.mu.Lock()
	m.logs[key] = &memoryLog{history: ids.NewHistory()}
	m.mu.Unlock()
	m.append(key, n)
	return key
}

// part ends the side's log with an event of that kind about a group.
func (m *memory) part(key channel.LogKey, kind channel.EventKind, group ids.Group) int64 {
	reached := m.append(key, 1)
	m.mu.Lock()
	defer m.mu.Unlock()
	newest := &m.logs[key].events[reached-1]
	newest.Kind, newest.Group.ID = kind, group
	return reached
}

func expectEnd(t *testing.T, s channel.Subscription) {
	t.Helper()
	called := false
	s.Notify(func() { called = true })
	if !called {
		t.Error("Notify waits for what comes behind the end")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if d, err := s.Next(ctx); !errors.Is(err, io.EOF) {
		t.Errorf("behind the end there is %+v, %v, want io.EOF", d, err)
	}
}

// Whose group takes part no longer gets the event that says so, and no more: whoever followed, read behind, or comes later.
func TestPartingEndsTheLog(t *testing.T) {
	bubble(t, Config{PageSize: 3}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newSide(5)
		here, slow := follow(t, h, key, nil), follow(t, h, key, m.cursor(key, 0))
		next(t, here)
		expect(t, slow, got{first: 1, last: 3, position: 3})
		m.part(key, channel.EventGroupUnlinked, ids.NewGroup()) // another's
		h.hint(key, m.part(key, channel.EventGroupUnlinked, key.Side))
		expect(t, here, got{first: 6, last: 7, position: 7})
		expectEnd(t, here)
		expect(t, slow, got{first: 4, last: 6, position: 6, checkpoint: true})
		expect(t, slow, got{first: 7, last: 7, position: 7})
		expectEnd(t, slow)
		late := follow(t, h, key, m.cursor(key, 6))
		expect(t, late, got{first: 7, last: 7, position: 7, checkpoint: true})
		expectEnd(t, late)
		now := follow(t, h, key, nil)
		expect(t, now, got{position: 7, checkpoint: true})
		expectEnd(t, now)
	})
}

// The process that wrote the event knows the end without a read.
func TestPartingThatThisProcessWrote(t *testing.T) {
	bubble(t, Config{Poll: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newSide(2)
		s := follow(t, h, key, nil)
		next(t, s)
		m.part(key, channel.EventGroupUnlinked, key.Side)
		h.Publish(m.appended(key, 1)[0])
		expect(t, s, got{first: 3, last: 3, position: 3})
		expectEnd(t, s)
		if pages, _ := m.counts(); pages != 0 {
			t.Errorf("%d pages were read", pages)
		}
	})
}

// A group that is linked again goes on behind its cursor, with what came meanwhile.
func TestComingBackOpensTheLog(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newSide(2)
		m.part(key, channel.EventGroupUnlinked, key.Side)
		ended := follow(t, h, key, nil)
		next(t, ended)
		expectEnd(t, ended)
		m.append(key, 2)
		h.hint(key, m.part(key, channel.EventGroupLinked, key.Side))
		synctest.Wait()
		back := follow(t, h, key, m.cursor(key, 3))
		expect(t, back, got{first: 4, last: 6, position: 6, checkpoint: true})
		h.hint(key, m.append(key, 1))
		expect(t, back, got{first: 7, last: 7, position: 7})
	})
}

// What is deleted of a group's own by nobody when it takes part no longer comes behind the end, and the log stays ended.
func TestDeletionsBehindTheEnd(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newSide(2)
		here := follow(t, h, key, nil)
		next(t, here)
		h.hint(key, m.part(key, channel.EventGroupUnlinked, key.Side))
		synctest.Wait()
		h.hint(key, m.part(key, channel.EventMessageDeleted, ids.Group{}))
		synctest.Wait()
		expect(t, here, got{first: 3, last: 4, position: 4})
		expectEnd(t, here)
		late := follow(t, h, key, m.cursor(key, 3))
		expect(t, late, got{first: 4, last: 4, position: 4, checkpoint: true})
		expectEnd(t, late)
		h.hint(key, m.part(key, channel.EventGroupLinked, ids.NewGroup())) // another's
		h.hint(key, m.part(key, channel.EventGroupLinked, key.Side))
		synctest.Wait()
		back := follow(t, h, key, m.cursor(key, 4))
		expect(t, back, got{first: 5, last: 6, position: 6, checkpoint: true})
		h.hint(key, m.append(key, 1))
		expect(t, back, got{first: 7, last: 7, position: 7})
	})
}
