package store_test

import (
	"fmt"
	"reflect"
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
		here, plain := store.New(w.router), store.New(w.router, store.PagesMB(0))
		by := func(g channel.Group, name string) channel.User { u := c.user(g, "sub"); u.Name = name; return u }
		say := func(by channel.User, own bool, on *store.Store) ids.Message {
			t.Helper()
			said := c.said(c.id, "words")
			if said.By = by; own {
				said.Message.Owner = by.Group.ID
			}
			done, err := on.Change(t.Context(), said)
			if err != nil || !done.Done {
				t.Fatalf("%+v, %v", done, err)
			}
			return done.Message
		}
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
			{"said here", func() { say(by(c.acme, "Ana"), false, here) }},
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
			{"said by another name", func() { say(by(c.globex, "Gilbert"), false, w.Store) }},
			{"said among themselves by another name", func() { say(by(c.acme, "Annabel"), true, w.Store) }},
			{"deleted", does(c.globex, channel.EventMessageDeleted, &reply)},
			{"deleted among themselves", does(c.acme, channel.EventMessageDeleted, &own)},
			{"read", func() {
				_, err := w.MarkRead(t.Context(), c.user(c.acme, "ben"), false, public, nil)
				c.must(err)
			}},
			{"kept for some days", func() { c.keeps(c.acme, 30) }},
			{"outdated", func() { c.days(31); c.sweep(10) }},
			{"kept to some", func() { c.keepsTo(true, "ben") }},
			{"kept to others", func() { c.keepsTo(true, "cid") }},
			{"for all again", func() { c.keepsTo(false, "") }},
			{"parted", func() { c.version++; _, err := c.parts(c.id, c.version); c.must(err) }},
			{"said to those who are left", func() { c.says(c.acme, false, ids.Message{}) }},
			{"linked again", func() { c.version++; _, err := c.links(c.id, c.version); c.must(err) }},
		} {
			step.do()
			for _, reader := range []channel.User{c.user(c.acme, "sub"), c.user(c.acme, "ben"), c.user(c.acme, "cid"), c.user(c.globex, "sub")} {
				for _, r := range []channel.MessageRange{{Limit: 3, Backward: true}, {Limit: 20}} {
					for n := range 3 {
						got, err := here.OpenChannel(t.Context(), as(reader.ID), c.id, true, &r)
						c.must(err)
						want, err := plain.OpenChannel(t.Context(), as(reader.ID), c.id, true, &r)
						c.must(err)
						forget(&got)
						if forget(&want); !reflect.DeepEqual(got, want) {
							t.Errorf("%s, read by %s of %s for the %d. time with %+v: %s, and is %s", step.name, reader.Name, reader.Group.Handle, n+1, r, shown(got), shown(want))
						}
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
	_, router := storetest.OpenConfig(t, storetest.Config(t, 0))
	s := store.New(router, store.PagesMB(1))
	w := &world{t: t, Store: s, router: router, deliverer: channel.Deliverer{Shards: s, Hints: noHints{}}}
	w.acme, w.globex = w.group("acme"), w.group("globex")
	reader := w.user(w.acme, "ben")
	open := func(id ids.Channel) (fromMemory bool) {
		_, before, _ := s.Pages()
		_, err := s.OpenChannel(t.Context(), as(reader.ID), id, false, &channel.MessageRange{Limit: 100})
		w.must(err)
		_, after, _ := s.Pages()
		return after > before
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
		if bytes, _, _ := s.Pages(); bytes > 1<<20 {
			t.Fatalf("pages take %d bytes", bytes)
		}
	}
	if !open(opened[0]) || !open(opened[channels-1]) {
		t.Error("what was opened last is not kept")
	}
	if open(opened[1]) {
		t.Errorf("%d pages are within 1 MB: this test tests nothing", channels)
	}
}
