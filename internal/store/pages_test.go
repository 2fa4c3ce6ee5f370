package store_test

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/store"
	"linkspan/internal/store/storetest"
)

// Whatever happens to a channel, by another process too, each user reads it as it is: as does one who keeps no pages.
func TestKeptPagesAreWhatIsThere(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		c := w.chat()
		here, plain := w.another(), w.another(store.PagesMB(0))
		for _, step := range c.happenings(here) {
			step.do()
			for _, reader := range []channel.User{c.user(c.acme, "sub"), c.user(c.acme, "ben"), c.user(c.acme, "cid"), c.user(c.globex, "sub")} {
				for _, r := range []channel.MessageRange{{Limit: 3, Backward: true}, {Limit: 20}} {
					_, confirmed, _ := here.Pages()
					var got channel.Opened
					for n := range 3 {
						var err error
						got, err = here.OpenChannel(t.Context(), as(reader.ID), c.id, true, &r)
						c.must(err)
						want, err := plain.OpenChannel(t.Context(), as(reader.ID), c.id, true, &r)
						c.must(err)
						forget(&got)
						if forget(&want); !reflect.DeepEqual(got, want) {
							t.Errorf("%s, read by %s of %s for the %d. time with %+v: %s, and is %s", step.name, reader.Name, reader.Group.Handle, n+1, r, shown(got), shown(want))
						}
					}
					active := got.Channel != nil && got.Channel.State == channel.ChannelActive
					if _, now, _ := here.Pages(); active != (now > confirmed) {
						t.Errorf("%s, read by %s of %s: %d pages of three were confirmed", step.name, reader.Name, reader.Group.Handle, now-confirmed)
					}
				}
			}
		}
	})
}

// forget has an opened channel be as if its page were not kept.
func forget(opened *channel.Opened) {
	if opened.Messages != nil {
		opened.Messages.Written = nil
	}
	if opened.Channel == nil { // what else was read then says nothing
		*opened = channel.Opened{}
	}
}

func shown(opened channel.Opened) string {
	if opened.Messages == nil {
		return fmt.Sprintf("%+v", opened)
	}
	text := fmt.Sprintf("%+v:", opened.Messages.Log)
	for _, m := range opened.Messages.Messages {
		text += fmt.Sprintf(" %+v", *m)
	}
	return text
}

// keepsTo has acme's side keep the channel to its admins and one user.
func (c *chat) keepsTo(only bool, sub string) {
	c.t.Helper()
	var move channel.MemberMove
	if sub != "" {
		u := c.user(c.acme, sub)
		move.Added = &channel.SideMember{User: u.ID, Name: u.Name, Position: time.Now().UnixNano()}
	}
	c.world.keeps(c.id, only, move)
}

// Pages take no more memory than they may: the channel that was opened least lately goes, and what is opened once takes none.
func TestKeptPagesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.Config(t, 0), store.PagesMB(1))
	reader := w.user(w.acme, "ben")
	open := func(id ids.Channel) (fromMemory bool) {
		_, before, _ := w.Pages()
		for _, limit := range []int{20, 40, 60, 80, 100} {
			_, err := w.OpenChannel(t.Context(), as(reader.ID), id, false, &channel.MessageRange{Limit: limit})
			w.must(err)
		}
		_, after, _ := w.Pages()
		return after == before+5
	}
	const channels = 30
	var opened []ids.Channel
	for n := range channels {
		id, _ := w.talkIn(fmt.Sprint("launch", n), 20)
		_, err := w.links(id, 2)
		w.must(err)
		opened = append(opened, id)
		before, _, _ := w.Pages()
		if open(id); n > 0 {
			if after, _, _ := w.Pages(); after != before {
				t.Fatalf("what is opened once takes %d bytes", after-before)
			}
		}
		open(id)
		open(opened[0])
		if bytes, _, _ := w.Pages(); bytes > 1<<20 {
			t.Fatalf("pages take %d bytes", bytes)
		}
	}
	if !open(opened[0]) || !open(opened[channels-1]) {
		t.Error("what was opened last is not kept")
	}
	if open(opened[1]) {
		t.Errorf("five pages of each of %d channels are within 1 MB: this test tests nothing", channels)
	}
}

// A page is confirmed by the server alone that it came from: another, which took over, may tell something else under the same number.
func TestKeptPagesAreOfOneServer(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		c := w.chat()
		c.says(c.acme, false, ids.Message{})
		reader, r := as(c.user(c.acme, "ben").ID), channel.MessageRange{Limit: 3}
		open := func() (fromMemory bool) {
			_, before, _ := w.Pages()
			_, err := w.OpenChannel(t.Context(), reader, c.id, false, &r)
			c.must(err)
			_, after, _ := w.Pages()
			return after > before
		}
		if first, second, third := open(), open(), open(); first || second || !third {
			t.Errorf("it comes from memory: %v, %v, %v, and not the third time alone", first, second, third)
		}
		var started time.Time
		c.read(`SELECT pg_postmaster_start_time() FROM linkspan_shard.channel WHERE channel_id = $1`, &started)
		if kept := w.MovePage(c.id, reader, &r, time.Microsecond); !kept.Equal(started) {
			t.Errorf("it is kept as of a server that started at %v, and it started at %v", kept, started)
		}
		if open() {
			t.Error("another server confirmed it")
		}
		if open(); !open() {
			t.Error("it is not kept anew")
		}
	})
}

// A page that is kept is made new when it is old, however long ago it was opened before.
func TestKeptPagesAreMadeNew(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		c := w.chat()
		here, reader, r := w.another(), as(c.user(c.acme, "ben").ID), channel.MessageRange{Limit: 3}
		confirmed := func() int64 {
			_, before, _ := here.Pages()
			_, err := here.OpenChannel(t.Context(), reader, c.id, false, &r)
			c.must(err)
			_, after, _ := here.Pages()
			return after - before
		}
		confirmed()
		confirmed()
		c.says(c.globex, false, ids.Message{})
		here.ForgetOpened()
		if old, unquiet, quiet := confirmed(), confirmed(), confirmed(); old != 0 || unquiet != 0 || quiet != 1 {
			t.Errorf("behind a post %d, %d and %d were confirmed", old, unquiet, quiet)
		}
	})
}

// While all talk at once and open the channel, each who posted finds the post on the page behind it.
func TestKeptPagesBesidePosts(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		c := w.chat()
		var talking sync.WaitGroup
		for n := range 8 {
			talking.Go(func() {
				by := c.user([]channel.Group{c.acme, c.globex}[n%2], fmt.Sprint("sub", n))
				for range 10 {
					said := c.said(c.id, "words")
					if said.By = by; n > 5 {
						said.Message.Owner = by.Group.ID
					}
					done, err := w.Change(t.Context(), said)
					if err != nil || !done.Done {
						t.Errorf("%+v, %v", done, err)
						return
					}
					opened, err := w.OpenChannel(t.Context(), as(by.ID), c.id, true, &channel.MessageRange{Limit: 100, Backward: true})
					if err != nil || opened.Messages == nil || !slices.ContainsFunc(opened.Messages.Messages, func(m *channel.Message) bool { return m.ID == done.Message }) {
						t.Errorf("%v is not on the page of who said it: %+v, %v", done.Message, opened, err)
					}
				}
			})
		}
		talking.Wait()
	})
}
