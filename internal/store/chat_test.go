package store_test

import (
	"fmt"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/store"
)

// chat is a channel of acme's and globex's in which both say something.
type chat struct {
	*world
	id      ids.Channel
	version int32 // of the sides, the newest
}

func (w *world) chat() *chat {
	w.t.Helper()
	id, _ := w.talkIn("launch", 0)
	_, err := w.links(id, 2)
	w.must(err)
	return &chat{w, id, 2}
}

// says has a user of a group say something, for its own group alone or for everyone, and returns the message.
func (c *chat) says(group channel.Group, own bool, replyTo ids.Message) ids.Message {
	c.t.Helper()
	return c.saysOn(c.Store, c.user(group, "sub"), own, replyTo)
}

// saysOn has a user say something by a store.
func (c *chat) saysOn(s *store.Store, by channel.User, own bool, replyTo ids.Message) ids.Message {
	c.t.Helper()
	said := c.said(c.id, "said by "+by.Group.Handle)
	if said.By, said.ReplyTo = by, replyTo; own {
		said.Message.Owner = by.Group.ID
	}
	done, err := s.Change(c.t.Context(), said)
	if err != nil || !done.Done {
		c.t.Fatalf("%+v, %v", done, err)
	}
	return done.Message
}

// does has a user of a message's group change it.
func (c *chat) does(group channel.Group, kind channel.EventKind, m ids.Message) error {
	c.t.Helper()
	change := c.said(c.id, "other words")
	change.By, change.Kind, change.Message = c.user(group, "sub"), kind, m
	if kind == channel.EventReactionAdded {
		change.Emoji = "👍"
	}
	done, err := c.Change(c.t.Context(), change)
	if err == nil && !done.Done {
		err = fmt.Errorf("refused: %+v", done)
	}
	return err
}

// happening is something that happens in a channel.
type happening struct {
	name string
	do   func()
}

// happenings are all kinds of what may happen to the channel, in an order in which each can: by another process than one of which a store is, but for one.
func (c *chat) happenings(here *store.Store) []happening {
	topic := "about it"
	by := func(g channel.Group, name string) channel.User { u := c.user(g, "sub"); u.Name = name; return u }
	var public, own, reply ids.Message
	react := func(sub string, kind channel.EventKind) {
		c.t.Helper()
		change := c.said(c.id, "")
		change.By, change.Kind, change.Message, change.Emoji = c.user(c.acme, sub), kind, public, "👍"
		_, err := c.Change(c.t.Context(), change)
		c.must(err)
	}
	does := func(group channel.Group, kind channel.EventKind, m *ids.Message) func() {
		return func() { c.t.Helper(); c.must(c.does(group, kind, *m)) }
	}
	return []happening{
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
			_, err := c.Change(c.t.Context(), change)
			c.must(err)
		}},
		{"said by another name", func() { c.saysOn(c.Store, by(c.globex, "Gilbert"), false, ids.Message{}) }},
		{"said among themselves by another name", func() { c.saysOn(c.Store, by(c.acme, "Annabel"), true, ids.Message{}) }},
		{"deleted", does(c.globex, channel.EventMessageDeleted, &reply)},
		{"deleted among themselves", does(c.acme, channel.EventMessageDeleted, &own)},
		{"read", func() {
			_, err := c.MarkRead(c.t.Context(), c.user(c.acme, "ben"), false, public, nil)
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
	}
}

// keeps has a group's side say for how many days its messages are kept; 0: for good.
func (c *chat) keeps(group channel.Group, days int32) {
	c.t.Helper()
	c.changes(group, func(e *channel.Effect) { e.RetentionDays = &days })
}

// changes has a step change a group's side, and the channel, from what they first were; it says nothing of days.
func (c *chat) changes(group channel.Group, otherwise func(e *channel.Effect)) {
	c.t.Helper()
	c.version++
	by := c.user(group, "admin")
	e := channel.Effect{Group: &group, By: &by, Channel: &channel.ChannelEffect{}, Link: c.link(group)}
	otherwise(&e)
	_, err := c.step(c.id, func(tx channel.ShardTx) { tx.ChangeChannel(e) })
	c.must(err)
}

// link is that of a group as it first was, in the newest version.
func (c *chat) link(group channel.Group) *channel.Link {
	return &channel.Link{Channel: c.id, Group: group.ID, Version: c.version, Name: "launch", NameVisible: true, Initiator: group == c.acme}
}

func (c *chat) exec(text string, args ...any) {
	c.t.Helper()
	database, _ := c.router.Cluster(c.ClusterOf(c.id))
	_, err := database.Pool().Exec(c.t.Context(), text, append([]any{c.id}, args...)...)
	c.must(err)
}

// read reads one value.
func (c *chat) read(text string, into ...any) {
	c.t.Helper()
	database, _ := c.router.Cluster(c.ClusterOf(c.id))
	c.must(database.Pool().QueryRow(c.t.Context(), text, c.id).Scan(into...))
}

// days lets so many days and a bit go by, for all that was said until now and for when it is looked for.
func (c *chat) days(n int) {
	c.t.Helper()
	for _, text := range []string{
		`UPDATE linkspan_shard.message SET created_at = created_at - $2 * interval '24 hours' - interval '1 minute' WHERE channel_id = $1`,
		`UPDATE linkspan_shard.channel_side SET retention_due_at = retention_due_at - $2 * interval '24 hours' - interval '1 minute'
			WHERE channel_id = $1`,
	} {
		c.exec(text, n)
	}
}

// sweep deletes what is due in the channel, so many at a time, until nothing is, and returns how many each time.
func (c *chat) sweep(limit int) (deleted []int) {
	c.t.Helper()
	for {
		due, err := c.DueSides(c.t.Context(), c.ClusterOf(c.id), 10)
		c.must(err)
		if len(due) == 0 {
			return deleted
		}
		cleared, err := c.DeleteOutdated(c.t.Context(), due[0], limit)
		c.must(err)
		deleted = append(deleted, cleared.Messages)
	}
}

// left are the messages that are not deleted, of those given, as numbers of their order there.
func (c *chat) left(messages []ids.Message) (left []int) {
	c.t.Helper()
	for i, m := range messages {
		reader := c.user(c.acme, "reader").ID
		if m.Owner == c.globex.ID {
			reader = c.user(c.globex, "reader").ID
		}
		found, err := c.Messages(c.t.Context(), as(reader), []ids.Message{m})
		c.must(err)
		switch f := found[m]; {
		case f == nil:
			c.t.Fatalf("message %d is not there", i)
		case f.State != channel.Deleted:
			left = append(left, i)
		case f.Body != nil || f.Deleter != nil || f.DeletedAt == nil || len(f.Reactions) > 0 || len(f.Mentioned) > 0:
			c.t.Errorf("message %d was deleted, and is %+v", i, f)
		}
	}
	return left
}

// sound looks whether both sides read a log without a gap, in which each deletion is told once, and nothing is left of what was deleted.
func (c *chat) sound() {
	c.t.Helper()
	for _, group := range []channel.Group{c.acme, c.globex} {
		log := channel.ChannelLogOf(c.id, group.ID)
		heads, err := c.LogHeads(c.t.Context(), []channel.LogKey{log})
		c.must(err)
		page, err := c.ReadLog(c.t.Context(), log, heads[log].Floor, 10_000)
		c.must(err)
		if page.Head != heads[log] || int64(len(page.Events)) != page.Head.Number-page.Head.Floor {
			c.t.Errorf("%s reads %d events, and the head is %+v", group.Handle, len(page.Events), page.Head)
		}
		deleted := map[ids.Message]int{}
		for _, e := range page.Events {
			if e.Kind == channel.EventMessageDeleted {
				if deleted[e.Message]++; deleted[e.Message] > 1 || !e.Actor.IsZero() && e.Actor != c.user(c.acme, "sub").ID {
					c.t.Errorf("%s reads %+v", group.Handle, e)
				}
			}
		}
	}
	var rest int
	c.read(`SELECT count(*) FROM linkspan_shard.message AS m WHERE m.channel_id = $1 AND m.state = 'DELETED' AND (
		m.reaction_count > 0 OR EXISTS (SELECT FROM linkspan_shard.message_words AS w WHERE (w.slot, w.channel_id, w.owner_group_id, w.number) = (m.slot, m.channel_id, m.owner_group_id, m.number))
		OR EXISTS (SELECT FROM linkspan_shard.message_version AS w WHERE (w.slot, w.channel_id, w.owner_group_id, w.number) = (m.slot, m.channel_id, m.owner_group_id, m.number))
		OR EXISTS (SELECT FROM linkspan_shard.reaction AS w WHERE (w.slot, w.channel_id, w.owner_group_id, w.number) = (m.slot, m.channel_id, m.owner_group_id, m.number)))`, &rest)
	if rest != 0 {
		c.t.Errorf("something is left of %d deleted messages", rest)
	}
}
