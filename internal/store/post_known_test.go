package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/store"
)

// known runs what posts, and returns how many of the posts were written as their channels were known.
func known(s *store.Store, post func()) int64 {
	before, _, _ := s.Posts()
	post()
	after, _, _ := s.Posts()
	return after - before
}

// posted has a store post what a user says to everyone in the chat.
func (c *chat) posted(s *store.Store, by channel.User) (channel.Change, channel.Changed) {
	c.t.Helper()
	said := c.said(c.id, "words")
	said.By = by
	done, err := s.Change(c.t.Context(), said)
	c.must(err)
	return said, done
}

// Whatever happens to a channel, by another process too, a post to it becomes what it would become of one who knows nothing of the channel; and behind a post
// the next is written as the channel is known.
func TestKnownChannelsAreWhatIsThere(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		c := w.chat()
		here := w.another()
		authors := []channel.User{c.user(c.acme, "sub"), c.user(c.acme, "ben"), c.user(c.globex, "sub")}
		for _, step := range c.happenings(here) {
			for range 2 {
				for _, by := range authors {
					c.posted(here, by) // so that all are known, and nothing has happened since
				}
			}
			step.do()
			for _, by := range authors {
				if _, done := c.posted(here, by); done.Done {
					c.named(step.name, by)
				}
			}
			for _, by := range authors {
				var again channel.Change
				var second channel.Changed
				_, first := c.posted(here, by)
				n := known(here, func() { again, second = c.posted(here, by) })
				_, third := c.posted(w.another(), by)
				follows(t, step.name, first, second)
				follows(t, step.name, second, third)
				if want := third.Done && !c.hidden(by.Group); want != (n == 1) {
					t.Errorf("%s: %s of %s posts behind two posts, %d as known, and is told %+v", step.name, by.Name, by.Group.Handle, n, third)
				}
				if third.Done {
					kept, err := here.Change(t.Context(), again)
					c.must(err)
					if kept.Kept == nil || kept.Message != second.Message || len(kept.Appended) > 0 {
						t.Errorf("%s: the second time it is %+v, and was %+v", step.name, kept, second)
					}
				}
				c.posted(here, by) // which finds that another was here meanwhile
			}
		}
		for _, group := range []channel.Group{c.acme, c.globex} {
			if _, err := c.ReadLog(t.Context(), channel.ChannelLogOf(c.id, group.ID), 0, 10_000); err != nil { // as where it has a gap
				t.Errorf("%s reads %v", group.Handle, err)
			}
		}
	})
}

// named looks whether its group and the others know a user by the name that it has.
func (c *chat) named(when string, user channel.User) {
	c.t.Helper()
	var name, public string
	c.read(`SELECT name, public_name FROM linkspan_shard.channel_user WHERE channel_id = $1 AND user_id = '`+user.ID.UUID().String()+`'`, &name, &public)
	if name != user.Name || public != user.Name {
		c.t.Errorf("%s: %s is known as %s, and to the others as %s", when, user.Name, name, public)
	}
}

// hidden reports whether a group shows the channel to some of its users alone.
func (c *chat) hidden(group channel.Group) (hidden bool) {
	c.t.Helper()
	c.read(`SELECT members_only FROM linkspan_shard.channel_side WHERE channel_id = $1 AND group_id = '`+group.ID.UUID().String()+`'`, &hidden)
	return hidden
}

// follows looks whether of two posts one right behind the other the second became what the first did.
func follows(t *testing.T, when string, one, next channel.Changed) {
	t.Helper()
	inOrder := func(done channel.Changed) []channel.Appended {
		return slices.SortedFunc(slices.Values(done.Appended), func(a, b channel.Appended) int {
			return strings.Compare(a.Log.Side.String(), b.Log.Side.String())
		})
	}
	before, behind := inOrder(one), inOrder(next)
	same := one.Done == next.Done && one.Channel == next.Channel && one.Home == next.Home && len(before) == len(behind) &&
		(!one.Done || one.Message.Number+1 == next.Message.Number && !next.At.Before(one.At))
	for i := range before {
		same = same && before[i].Log == behind[i].Log && before[i].History == behind[i].History && before[i].Event.Number+1 == behind[i].Event.Number &&
			behind[i].Event.Message == next.Message && behind[i].Event.At.Equal(next.At) && behind[i].Event.Actor == before[i].Event.Actor
	}
	if !same {
		t.Errorf("%s: behind\n%+v\ncomes\n%+v", when, one, next)
	}
}

// Posts that go together are written as known where their channels are, and judged where they are not: each in its place, and those that can't be written, or
// were already, alone.
func TestKnownPostsTogether(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		here := w.another()
		one, _ := w.talkIn("one", 0)
		other := one
		for n := 0; other == one || w.ClusterOf(other) != w.ClusterOf(one); n++ {
			other, _ = w.talkIn("other"+strings.Repeat("x", n), 0)
		}
		database, _ := w.router.Cluster(w.ClusterOf(one))
		numbers := map[ids.Channel]int64{one: 1, other: 1} // of the last event
		post := func(s *store.Store, all ...channel.Change) (done []channel.Changed) {
			t.Helper()
			for i, result := range s.PostTogether(t.Context(), database, all...) {
				if w.must(result.Err); result.Changed.Kept == nil {
					id := all[i].Message.Channel
					if numbers[id]++; !result.Changed.Done || result.Changed.Message.Number != numbers[id] {
						t.Errorf("post %d is %+v, and not number %d", i, result.Changed, numbers[id])
					}
				}
				done = append(done, result.Changed)
			}
			return done
		}
		said := func(to ...ids.Channel) (all []channel.Change) {
			for _, id := range to {
				all = append(all, w.said(id, "words"))
			}
			return all
		}
		wants := func(what string, want int64, do func()) {
			t.Helper()
			if n := known(here, do); n != want {
				t.Errorf("%s: %d were written as known, not %d", what, n, want)
			}
		}
		wants("the first", 0, func() { post(here, said(one, other, one)...) })
		mixed := said(one, other, one, other)
		wants("behind them", 4, func() { post(here, mixed...) })
		post(w.another(), said(other)...)
		wants("where another was meanwhile", 2, func() { post(here, said(one, other, one, other)...) })
		wants("behind that", 0, func() { post(here, said(other, one, other)...) })
		wants("behind that, where nobody was", 3, func() { post(here, said(other, one, other)...) })
		for range 3 {
			post(w.another(), said(one)...)
			wants("in turn with another", 0, func() { post(here, said(one)...) })
		}
		if _, _, inVain := here.Posts(); inVain != 3 {
			t.Errorf("%d posts were tried in vain, not the two to the other channel and the first of those in turn", inVain)
		}
		wants("when that ends", 0, func() { post(here, said(one)...) })
		wants("with one that was posted before", 1, func() {
			repeated := slices.Concat(mixed[:1], said(one, other))
			if done := post(here, repeated...); done[0].Kept == nil || done[0].Message.Number != 4 {
				t.Errorf("the one that was posted before is %+v", done[0])
			}
		})
		bad := w.said(one, "a NUL \x00")
		wants("with one that can't be written", 0, func() {
			results := here.PostTogether(t.Context(), database, bad, said(other)[0])
			if results[0].Err == nil || results[1].Err != nil || !results[1].Changed.Done {
				t.Errorf("they are %+v", results)
			}
			numbers[other]++
		})
		post(here, said(one)...)
		post(here, said(one)...)
		wants("with one that was posted before, and one that can't be written", 0, func() {
			bad := w.said(one, "a NUL \x00")
			bad.By = w.user(w.acme, "zoe") // who is not known
			results := here.PostTogether(t.Context(), database, mixed[0], bad)
			if results[0].Err != nil || results[0].Changed.Kept == nil || results[1].Err == nil {
				t.Errorf("they are %+v", results)
			}
		})
		wants("with a reply", 0, func() {
			reply := w.said(one, "a reply")
			reply.ReplyTo = ids.Message{Channel: one, Number: 2}
			post(here, append(said(other), reply)...)
		})
		wants("among themselves", 0, func() {
			own := w.said(one, "own")
			own.Message.Owner = w.acme.ID
			if results := here.PostTogether(t.Context(), database, own); results[0].Err != nil || !results[0].Changed.Done {
				t.Errorf("it is %+v", results[0])
			}
		})
		wants("to everyone behind that, by who is noted no longer", 0, func() { post(here, said(one)...) })
		wants("and again", 1, func() { post(here, said(one)...) })
		here.MoveRoom(one, time.Microsecond)
		wants("of another server", 0, func() { post(here, said(one)...) })
		post(here, said(one)...)
		wants("and of this one", 1, func() { post(here, said(one)...) })

		var waiting, free posting
		letGo := w.holds(one)
		defer letGo()
		held := w.said(one, "held up")
		waiting.begin(t.Context(), &world{Store: here, t: t}, held)
		w.waitsFor(one)
		free.begin(t.Context(), &world{Store: here, t: t}, said(other)...)
		free.all.Wait()
		letGo()
		waiting.all.Wait()
		if done := waiting.done[held.Op.ID]; !done.Done || done.Message.Number != numbers[one]+1 {
			t.Errorf("who waited is %+v, %v", done, waiting.errs[held.Op.ID])
		}
	})
}

// What a group does for itself makes no post of another take longer, and its own in vain once at most.
func TestKnownChannelsBesidePrivateTalk(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		c := w.chat()
		here, other := w.another(), w.another()
		ana, gil := c.user(c.acme, "sub"), c.user(c.globex, "sub")
		own := c.says(c.acme, true, ids.Message{})
		for range 2 {
			c.posted(here, ana)
			c.posted(here, gil)
		}
		edit := c.said(c.id, "other words")
		edit.By, edit.Kind, edit.Message = ana, channel.EventMessageEdited, own
		shows := *w
		shows.Store = here
		for _, act := range []struct {
			name string
			do   func()
		}{
			{"edits a message for itself", func() { _, err := here.Change(t.Context(), edit); c.must(err) }},
			{"talks to itself by another", func() { c.saysOn(other, ana, true, ids.Message{}) }},
			{"shows the channel to some", func() { shows.keeps(c.id, true, channel.MemberMove{}) }},
			{"shows it to all again", func() { shows.keeps(c.id, false, channel.MemberMove{}) }},
		} {
			act.do()
			if n := known(here, func() { c.posted(here, gil) }); n != 1 {
				t.Errorf("when the other group %s a post is judged", act.name)
			}
		}
		c.posted(here, ana)
		c.posted(here, ana)
		_, _, before := here.Posts()
		for range 3 {
			c.saysOn(other, ana, true, ids.Message{})
			c.posted(here, ana)
		}
		if _, _, after := here.Posts(); after-before != 1 {
			t.Errorf("%d posts in turn with what another process posts for the group were tried in vain, not the first alone", after-before)
		}
		c.posted(here, ana)
		if n := known(here, func() { c.posted(here, ana) }); n != 1 {
			t.Error("when that ends posts are judged all the same")
		}
	})
}

// Where a channel is known and all that its logs say is as it was, the statement sees for itself who may post.
func TestKnownChannelsAreJudged(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		c := w.chat()
		here, by := w.another(), c.user(c.acme, "sub")
		for name, change := range map[string][2]string{
			"fenced":   {`UPDATE linkspan_shard.owned_slot SET state = 'FENCED' WHERE slot = (SELECT slot FROM linkspan_shard.channel WHERE channel_id = $1)`, `UPDATE linkspan_shard.owned_slot SET state = 'OWNED' WHERE slot = (SELECT slot FROM linkspan_shard.channel WHERE channel_id = $1)`},
			"archived": {`UPDATE linkspan_shard.channel SET state = 'ARCHIVED' WHERE channel_id = $1`, `UPDATE linkspan_shard.channel SET state = 'ACTIVE' WHERE channel_id = $1`},
			"hidden":   {`UPDATE linkspan_shard.channel_side SET members_only = true WHERE channel_id = $1`, `UPDATE linkspan_shard.channel_side SET members_only = false WHERE channel_id = $1`},
			"closed":   {`UPDATE linkspan_shard.channel_side SET state = 'CLOSED' WHERE channel_id = $1`, `UPDATE linkspan_shard.channel_side SET state = 'LINKED' WHERE channel_id = $1`},
			"no side":  {`UPDATE linkspan_shard.channel_side SET group_id = uuid(translate(group_id::text, '01', '10')) WHERE channel_id = $1`, `UPDATE linkspan_shard.channel_side SET group_id = uuid(translate(group_id::text, '01', '10')) WHERE channel_id = $1`},
		} {
			c.posted(here, by)
			c.posted(here, by)
			if n := known(here, func() { c.posted(here, by) }); n != 1 {
				t.Fatalf("before it is %s %d are written as known", name, n)
			}
			c.exec(change[0])
			said := c.said(c.id, "words")
			said.By = by
			got, gotErr := here.Change(t.Context(), said)
			want, wantErr := w.another().Change(t.Context(), said)
			if got.Done || got.Channel != want.Channel || (gotErr == nil) != (wantErr == nil) {
				t.Errorf("%s: %+v, %v, and who knows nothing is told %+v, %v", name, got, gotErr, want, wantErr)
			}
			c.exec(change[1])
		}
		c.posted(here, by)
		c.posted(here, by)
		history := ids.NewHistory()
		c.exec(`UPDATE linkspan_shard.channel_log SET history = $2 WHERE channel_id = $1`, history)
		if _, done := c.posted(here, by); !done.Done || done.Appended[0].History != history {
			t.Errorf("of another history: %+v", done)
		}
	})
}

// Of the names that a user has in one commit the last one is noted, whatever was noted before.
func TestKnownByTheLastName(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		c := w.chat()
		here, by := w.another(), c.user(c.acme, "sub")
		database, _ := w.router.Cluster(w.ClusterOf(c.id))
		as := func(name string, own bool) channel.Change {
			said := c.said(c.id, "words")
			if said.By, said.By.Name = by, name; own {
				said.Message.Owner = by.Group.ID
			}
			return said
		}
		for _, first := range []bool{false, true} {
			c.posted(here, by)
			for _, result := range here.PostTogether(t.Context(), database, as("other", first), as(by.Name, false)) {
				if c.must(result.Err); !result.Changed.Done {
					t.Fatalf("%+v", result.Changed)
				}
			}
			c.named(fmt.Sprint("behind another name, for itself: ", first), by)
			c.posted(here, by)
			c.named(fmt.Sprint("later, for itself: ", first), by)
		}
	})
}
