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
		c, topic := w.chat(), "about it"
		here, plain := store.New(w.router), store.New(w.router, store.PagesMB(0))
		by := func(g channel.Group, name string) channel.User { u := c.user(g, "sub"); u.Name = name; return u }
		var public, own, reply ids.Message
		react := func(sub string, kind channel.EventKind) {
			t.Helper()
			change := c.said(c.id, "")
			change.By, change.Kind, change.Message, change.Emoji = c.user(c.acme, sub), kind, public, "👍"
			_, err := w.Change(t.Context(), change)
			c.must(err)
		}
		does := func(group channel.Group, kind channel.EventKind, m *ids.Message) func() {
			return func() { t.Helper(); c.must(c.does(group, kind, *m)) }
		}
		for _, step := range []struct {
			name string
			do   func()
		}{
			{"nothing yet", func() {}},
			{"said", func() { public = c.says(c.acme, false, ids.Message{}) }},
			{"said here", func() { c.saysOn(here, by(c.acme, "Ana"), false, ids.Message{}) }},
			{"said among themselves", func() { own = c.says(c.acme, true, ids.Message{}) }},
			{"said among the others", func() { c.says(c.globex, true, ids.Message{}) }},
			{"replied", func() { reply = c.says(c.globex, false, public) }},
			{"replied among themselves", func() { c.says(c.acme, true, public) }},
			{"edited", does(c.acme, channel.EventMessageEdited, &public)},
			{"edited among themselves", does(c.acme, channel.EventMessageEdited, &own)},
			{"reacted", func() { react("ben", channel.EventReactionAdded) }},
			{"reacted again", func() { react("cid", channel.EventReactionAdded) }},
			{"took back", func() { react("ben", channel.EventReactionRemoved) }},
			{"took back what is not there, by another name", func() {
				change := c.said(c.id, "")
				change.By, change.Kind, change.Message, change.Emoji = by(c.acme, "Anna"), channel.EventReactionRemoved, public, "👎"
				_, err := w.Change(t.Context(), change)
				c.must(err)
			}},
			{"said by another name", func() { c.saysOn(w.Store, by(c.globex, "Gilbert"), false, ids.Message{}) }},
			{"said among themselves by another name", func() { c.saysOn(w.Store, by(c.acme, "Annabel"), true, ids.Message{}) }},
			{"deleted", does(c.globex, channel.EventMessageDeleted, &reply)},
			{"deleted among themselves", does(c.acme, channel.EventMessageDeleted, &own)},
			{"read", func() {
				_, err := w.MarkRead(t.Context(), c.user(c.acme, "ben"), false, public, nil)
				c.must(err)
			}},
			{"called otherwise", func() { c.changes(c.acme, func(e *channel.Effect) { e.Link.Name = "another name" }) }},
			{"called so in secret", func() { c.changes(c.acme, func(e *channel.Effect) { e.Link.NameVisible = false }) }},
			{"about something", func() { c.changes(c.acme, func(e *channel.Effect) { e.Channel.Topic = &topic }) }},
			{"about something for themselves", func() { c.changes(c.globex, func(e *channel.Effect) { e.Link.Topic = &topic }) }},
			{"silent", func() { c.changes(c.globex, func(e *channel.Effect) { e.Link.MutedByDefault = true }) }},
			{"they may ask others", func() { c.changes(c.globex, func(e *channel.Effect) { e.Link.MayInvite = true }) }},
			{"offered to them", func() { c.changes(c.acme, func(e *channel.Effect) { e.Channel.Offered = c.globex.ID }) }},
			{"theirs", func() {
				c.changes(c.globex, func(e *channel.Effect) {
					e.Link.Initiator, e.Other, e.Channel.Initiator = true, c.link(c.acme), &c.globex
					e.Other.Initiator = false
				})
			}},
			{"kept for some days", func() { c.keeps(c.acme, 30) }},
			{"outdated", func() { c.days(31); c.sweep(10) }},
			{"kept to some", func() { c.keepsTo(true, "ben") }},
			{"kept to others", func() { c.keepsTo(true, "cid") }},
			{"for all again", func() { c.keepsTo(false, "") }},
			{"parted", func() { c.version++; _, err := c.parts(c.id, c.version); c.must(err) }},
			{"said to those who are left", func() { c.says(c.acme, false, ids.Message{}) }},
			{"linked again", func() { c.version++; _, err := c.links(c.id, c.version); c.must(err) }},
			{"parted again", func() { c.version++; _, err := c.parts(c.id, c.version); c.must(err) }},
			{"archived", func() {
				c.version++
				link := c.link(c.acme)
				now := time.Now()
				link.State, link.UnlinkedAt = channel.LinkLeft, &now
				_, err := c.step(c.id, func(tx channel.ShardTx) {
					tx.UnlinkSide(c.acme, *link, nil)
					tx.SaveChannel(c.id, channel.ChannelEffect{Archived: true})
				})
				c.must(err)
			}},
		} {
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

// Pages take no more memory than they may: the channel that was opened least lately goes.
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
		if open() || !open() {
			t.Error("the second time it does not come from memory")
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
