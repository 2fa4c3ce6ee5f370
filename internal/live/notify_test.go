package live

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"linkspan/internal/channel"
)

// TestNotify calls who waits for news when there is something to say, whatever that is, and only then.
func TestNotify(t *testing.T) {
	for name, happens := range map[string]func(t *testing.T, m *memory, h *Hub, key channel.LogKey, stop func()){
		"an event": func(_ *testing.T, m *memory, h *Hub, key channel.LogKey, _ func()) { h.hint(key, m.append(key, 1)) },
		"another history": func(_ *testing.T, m *memory, h *Hub, key channel.LogKey, _ func()) {
			m.restore(key, 0, true)
			h.hint(key, 100)
		},
		"idleness":           func(*testing.T, *memory, *Hub, channel.LogKey, func()) { time.Sleep(time.Minute) },
		"the end of the hub": func(_ *testing.T, _ *memory, _ *Hub, _ channel.LogKey, stop func()) { stop() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMemory()
				h, stop := start(t, Config{Reader: m, Idle: time.Minute, Poll: time.Hour})
				key := m.newLog(3)
				s := follow(t, h, key, nil)
				called := make(chan struct{}, 2)
				s.Notify(func() { called <- struct{}{} }) // the greeting is due
				<-called
				next(t, s)
				s.Notify(func() { t.Error("who was replaced is called") })
				s.Notify(func() { called <- struct{}{} })
				synctest.Wait()
				if len(called) > 0 {
					t.Fatal("called without news")
				}
				happens(t, m, h, key, stop)
				<-called
				began := time.Now()
				if _, err := s.Next(t.Context()); time.Since(began) > 0 {
					t.Errorf("then Next waits: %v", err)
				}
				synctest.Wait()
				if len(called) > 0 {
					t.Error("called twice")
				}
			})
		})
	}
}

// TestNotifyAfterClose calls nobody whose subscription is closed.
func TestNotifyAfterClose(t *testing.T) {
	bubble(t, Config{Idle: time.Minute}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(0)
		other := follow(t, h, key, nil)
		next(t, other)
		s := follow(t, h, key, nil)
		next(t, s)
		s.Notify(func() { t.Error("called") })
		s.Close()
		h.hint(key, m.append(key, 1))
		expect(t, other, got{first: 1, last: 1, position: 1})
		time.Sleep(2 * time.Minute)
		var ended bool
		s.Notify(func() { ended = true }) // there is nothing to wait for
		if _, err := s.Next(t.Context()); !ended || !errors.Is(err, channel.ErrHubClosed) {
			t.Errorf("after its end: %v %v", ended, err)
		}
	})
}

// TestIdlenessCountsFromTheLastDelivery calls who waits a minute after the last event, and not after one before it.
func TestIdlenessCountsFromTheLastDelivery(t *testing.T) {
	bubble(t, Config{Idle: time.Minute, Poll: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(0)
		s := follow(t, h, key, nil)
		next(t, s)
		called := make(chan struct{}, 1)
		s.Notify(func() { called <- struct{}{} })
		time.Sleep(40 * time.Second)
		h.hint(key, m.append(key, 1))
		<-called
		next(t, s)
		began := time.Now()
		s.Notify(func() { called <- struct{}{} })
		<-called
		if waited := time.Since(began); waited != time.Minute {
			t.Errorf("called %v after the last event", waited)
		}
		if d := next(t, s); !d.Checkpoint || len(d.Events) > 0 {
			t.Errorf("idleness brings %v", d)
		}
	})
}

// TestRemind calls who gets events elsewhere for what is no event, and else not before it has been idle.
func TestRemind(t *testing.T) {
	bubble(t, Config{Idle: time.Minute, Poll: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(0)
		s := follow(t, h, key, nil)
		next(t, s)
		called := make(chan struct{}, 1)
		remind := func() { s.Remind(func() { called <- struct{}{} }) }
		remind()
		time.Sleep(40 * time.Second)
		h.hint(key, m.append(key, 1))
		synctest.Wait()
		if len(called) > 0 {
			t.Fatal("called for an event")
		}
		s.Skip(1, time.Now())
		if s.Due() {
			t.Error("an event that was skipped is due")
		}
		<-called // for nothing: an alarm was set before
		began := time.Now()
		if s.Due() {
			t.Error("something is due 20 seconds after an event")
		}
		remind()
		<-called
		if waited := time.Since(began); waited != 40*time.Second || !s.Due() {
			t.Errorf("called %v later; due: %v", waited, s.Due())
		}
		if d := next(t, s); !d.Checkpoint || len(d.Events) > 0 || d.Position.Number != 1 {
			t.Errorf("idleness brings %v", d)
		}
		h.hint(key, m.append(key, 1))
		synctest.Wait()
		remind() // there is an event that was not skipped
		<-called
		if d := next(t, s); len(d.Events) != 1 || d.Events[0].Number != 2 {
			t.Errorf("behind what was skipped comes %v", d)
		}
	})
}
