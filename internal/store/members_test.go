package store_test

import (
	"errors"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// as is a member of a group as a reader.
func as(user ids.User) channel.Reader { return channel.Reader{User: user, As: user} }

// anyOf is any member of a group as a reader.
func anyOf(group ids.Group) channel.Reader { return channel.Reader{User: ids.User{Group: group}} }

// keeps has acme's side keep a channel to members, or not, and list a user or list it no longer.
func (w *world) keeps(id ids.Channel, only bool, move channel.MemberMove) channel.Appended {
	w.t.Helper()
	by := w.user(w.acme, "ana")
	effect := channel.Effect{
		Group: &w.acme, Link: &channel.Link{Channel: id, Group: w.acme.ID}, By: &by, Members: &channel.MembersEffect{Only: only, MemberMove: move, Home: true},
	}
	appended, err := w.step(id, func(tx channel.ShardTx) {
		tx.ChangeMembers(effect)
		tx.ListMembers(effect)
	})
	w.must(err)
	if len(appended) != 1 || appended[0].Log != channel.ChannelLogOf(id, w.acme.ID) {
		w.t.Fatalf("who sees it changed, and told is %+v", appended)
	}
	return appended[0]
}

// Each statement judges by its reader: of a side that is kept to members it shows all to admins and to who is listed, and nothing to others, be
// they somebody or nobody in particular.
func TestReadersAreJudged(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		id, changes := w.talkIn("launch", 3)
		ana, ben := w.user(w.acme, "ana"), w.user(w.acme, "ben")
		root := ids.Message{Channel: id, Number: 2}
		ctx, r := t.Context(), channel.MessageRange{Limit: 10}
		of := w.acme.ID
		seen := func(reader channel.Reader) (said map[string]bool) {
			t.Helper()
			said = map[string]bool{}
			found, unread := w.Channels(ctx, reader, []ids.Channel{id})
			said["a channel"] = len(found) > 0
			opened, err := w.OpenChannel(ctx, reader, id, true, &r)
			w.must(err)
			said["opened"] = opened.Channel != nil
			counts, uncounted := w.Unread(ctx, reader, []ids.Channel{id})
			_, said["what is unread"] = counts[id]
			messages, err := w.Messages(ctx, reader, []ids.Message{root})
			w.must(err)
			said["a message"] = len(messages) > 0
			page, err := w.ListMessages(ctx, reader, id, r)
			w.must(err)
			said["a page"] = !page.Log.History.IsZero()
			found2, err := w.SearchMessages(ctx, reader, id, channel.Search{Text: "message", Order: channel.SearchNewest}, r)
			w.must(err)
			said["a search"] = !found2.Log.History.IsZero()
			replies, unreplied := w.ListReplies(ctx, reader, []ids.Message{root}, r)
			said["replies"] = len(replies) > 0
			versions, unsaid := w.Versions(ctx, reader, []ids.Message{root})
			said["what it said"] = len(versions[root]) > 0
			users, err := w.Participants(ctx, reader, id, []ids.User{ana.ID})
			w.must(err)
			said["who takes part"] = len(users) > 0
			named, err := w.Named(ctx, reader, id, channel.AudienceEveryone, []string{channel.NameKey(ana.Name)})
			w.must(err)
			said["names"] = len(named) > 0
			_, err = w.Sees(ctx, reader, id)
			if said["sight"] = err == nil; err != nil && !errors.Is(err, channel.ErrNotFound) {
				t.Fatal(err)
			}
			list, err := w.ListChannels(ctx, reader, channel.Range{Limit: 10})
			w.must(err)
			said["the list"] = len(list.Rows) > 0
			if len(unread)+len(uncounted)+len(unreplied)+len(unsaid) > 0 {
				t.Fatal(unread, uncounted, unreplied, unsaid)
			}
			return said
		}
		judge := func(when string, want map[string]bool) {
			t.Helper()
			for name, reader := range map[string]channel.Reader{
				"an admin": {User: ben.ID, As: ben.ID, Admin: true}, "anybody with that role": {User: ids.User{Group: of}, Admin: true},
				"ana": as(ana.ID), "ben": as(ben.ID), "nobody in particular": anyOf(of), "anybody for whom ana subscribed": {User: ids.User{Group: of}, As: ana.ID},
			} {
				for what, sees := range seen(reader) {
					if sees != want[name] {
						t.Errorf("%s, and %s gets %s: %v", when, name, what, sees)
					}
				}
			}
		}
		all := map[string]bool{
			"an admin": true, "anybody with that role": true, "ana": true, "ben": true, "nobody in particular": true, "anybody for whom ana subscribed": true,
		}
		admins := map[string]bool{"an admin": true, "anybody with that role": true}
		judge("for everyone", all)
		listed := &channel.SideMember{User: ana.ID, Name: ana.Name, Position: 1}
		w.keeps(id, false, channel.MemberMove{Added: listed})
		judge("for everyone, and ana is listed", all)
		w.keeps(id, true, channel.MemberMove{Removed: ana.ID})
		judge("for admins alone", admins)
		change := changes[0]
		change.Op.ID = ids.NewOp()
		if done, err := w.Change(ctx, change); err != nil || done.Channel != "" || done.Done {
			t.Errorf("who sees nothing posts: %+v, %v", done, err)
		}
		if done, err := w.MarkRead(ctx, ana, false, root, nil); err != nil || done.Channel != "" || done.Read != nil {
			t.Errorf("who sees nothing reads on: %+v, %v", done, err)
		}
		told := w.keeps(id, true, channel.MemberMove{Added: listed})
		judge("ana is listed", map[string]bool{"an admin": true, "anybody with that role": true, "ana": true, "anybody for whom ana subscribed": true})
		if done, err := w.Change(ctx, change); err != nil || !done.Done {
			t.Errorf("who is listed posts: %+v, %v", done, err)
		}
		page, err := w.ReadLog(ctx, told.Log, told.Event.Number-1, 1)
		if w.must(err); len(page.Events) != 1 || page.Events[0] != told.Event || told.Event.Kind != channel.EventMembersChanged {
			t.Errorf("told %+v, and the log has %+v", told, page.Events)
		}
		if rows, err := w.ListSideMembers(ctx, as(ana.ID), id, channel.Range{Limit: 10}); err != nil || len(rows.Rows) != 1 || rows.Rows[0].Value.ID != ana.ID {
			t.Errorf("listed are %+v, %v", rows, err)
		}
		if rows, err := w.ListSideMembers(ctx, as(ben.ID), id, channel.Range{Limit: 10}); err != nil || len(rows.Rows) != 0 {
			t.Errorf("who sees nothing gets %+v, %v", rows, err)
		}
		w.keeps(id, false, channel.MemberMove{})
		judge("for everyone again", all)
	})
}

// Who of a group sees a channel changes when the group takes part no longer too: behind the end of its order, whatever the others say meanwhile, and
// without an event where the end itself was removed; and it comes back to an order without a gap.
func TestMembersOfWhoParted(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]bool{"its end is there": false, "its end was removed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachShape(t, func(t *testing.T, w *world) {
				c := w.chat()
				gus := w.user(w.globex, "gus")
				keeps := func(move channel.MemberMove) []channel.Appended {
					t.Helper()
					c.version++
					link := &channel.Link{Channel: c.id, Group: w.globex.ID, State: channel.LinkLeft, Version: c.version}
					appended, err := w.step(c.id, func(tx channel.ShardTx) {
						tx.ChangeMembers(channel.Effect{Group: &w.globex, Link: link, By: &gus, Members: &channel.MembersEffect{Only: true, MemberMove: move}})
					})
					w.must(err)
					return appended
				}
				c.says(w.globex, true, ids.Message{})
				c.version++
				_, err := w.parts(c.id, c.version)
				w.must(err)
				c.says(w.acme, false, ids.Message{})
				if forget {
					_, err := w.ForgetEvents(t.Context(), w.ClusterOf(c.id), -time.Hour, 100, 100)
					w.must(err)
				}
				others, before := w.heads(c.id)
				gil := w.user(w.globex, "gil")
				appended := keeps(channel.MemberMove{Added: &channel.SideMember{User: gil.ID, Name: gil.Name, Position: 1}})
				if forget != (len(appended) == 0) || !forget && (len(appended) != 1 || appended[0].Event.Number != before.Number+1 || appended[0].Event.Actor != gus.ID) {
					t.Errorf("told is %+v, and the log stood at %+v", appended, before)
				}
				if _, err := w.Sees(t.Context(), as(gil.ID), c.id); err != nil {
					t.Errorf("who is listed sees nothing: %v", err)
				}
				keeps(channel.MemberMove{Removed: gil.ID})
				if _, err := w.Sees(t.Context(), as(gil.ID), c.id); !errors.Is(err, channel.ErrNotFound) {
					t.Errorf("who is listed no longer: %v", err)
				}
				if acme, head := w.heads(c.id); acme != others || !head.Ended || head.Number != before.Number+2 || forget != (head.Floor == head.Number) {
					t.Errorf("its log stands at %+v, that of the others at %+v; they stood at %+v and %+v", head, acme, before, others)
				}
				c.sound()
				var version int32
				var known, public bool
				c.read(`SELECT s.version, u.name = 'gus', u.public_name IS NOT NULL FROM linkspan_shard.channel_side AS s JOIN linkspan_shard.channel_user AS u USING (slot, channel_id, group_id)
					WHERE s.channel_id = $1 AND s.state = 'LEFT' AND u.user_id = '`+gus.ID.UUID().String()+`'`, &version, &known, &public)
				if version != c.version || !known || public {
					t.Errorf("its side has version %d, want %d; who did it is known: %v, to others: %v", version, c.version, known, public)
				}
				c.version++
				_, err = w.links(c.id, c.version)
				w.must(err)
				c.says(w.acme, false, ids.Message{})
				keeps(channel.MemberMove{Added: &channel.SideMember{User: w.user(w.globex, "sub").ID, Name: "sub", Position: 2}})
				c.says(w.globex, true, ids.Message{})
				c.sound()
			})
		})
	}
}
