package store_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/store"
)

// Of what a group said the old goes, for everyone and for itself, and nothing else: a few in each transaction, each with its event.
func TestOutdatedMessagesGo(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		c := w.chat()
		var said []ids.Message
		for range 2 {
			first := c.says(w.acme, false, ids.Message{})
			said = append(said, first, c.says(w.globex, false, first), c.says(w.acme, true, first), c.says(w.acme, false, ids.Message{}),
				c.says(w.globex, true, ids.Message{}), c.says(w.acme, true, ids.Message{}), c.says(w.acme, false, first))
			for _, m := range said[len(said)-7:] {
				group := map[bool]channel.Group{true: w.globex, false: w.acme}[m == said[len(said)-6] || m.Owner == w.globex.ID]
				w.must(c.does(group, channel.EventMessageEdited, m))
				w.must(c.does(group, channel.EventReactionAdded, m))
			}
			if len(said) == 7 {
				c.keeps(w.acme, 30)
				w.must(c.does(w.acme, channel.EventMessageDeleted, c.says(w.acme, false, ids.Message{})))
				if got := c.sweep(2); !slices.Equal(got, []int{0}) || len(c.left(said)) != 7 {
					t.Errorf("nothing is old, and %v went", got)
				}
				c.days(29)
				if got := c.sweep(2); len(got) > 0 {
					t.Errorf("nothing is due, and %v went", got)
				}
				c.days(1)
			}
		}
		if got := c.sweep(2); !slices.Equal(got, []int{4, 1}) {
			t.Errorf("old messages went %v at a time, want two of each log", got)
		}
		if got, want := c.left(said), []int{1, 4, 7, 8, 9, 10, 11, 12, 13}; !slices.Equal(got, want) {
			t.Errorf("left are %v, want %v", got, want)
		}
		var days float64
		var number, private int64
		c.read(`SELECT extract(epoch FROM retention_due_at - now()) / 86400, cleared_number, cleared_private
			FROM linkspan_shard.channel_side WHERE channel_id = $1 AND role = 'INITIATOR'`, &days, &number, &private)
		if days < 29.9 || days > 30 || number <= said[6].Number || number >= said[7].Number || private != said[5].Number {
			t.Errorf("the next look is in %v days, behind %d and %d", days, number, private)
		}
		c.days(30)
		if got := c.sweep(100); !slices.Equal(got, []int{5}) {
			t.Errorf("later %v went", got)
		}
		c.days(1000)
		if got := c.sweep(100); !slices.Equal(got, []int{0}) || !slices.Equal(c.left(said), []int{1, 4, 8, 11}) {
			t.Errorf("globex keeps what it said, and %v is left", c.left(said))
		}
		c.sound()
	})
}

// Less days hold at once; more, and none, bring nothing back and take nothing.
func TestDaysChange(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		c := w.chat()
		old, fresh := c.says(w.globex, false, ids.Message{}), c.says(w.globex, true, ids.Message{})
		said := []ids.Message{old, fresh}
		c.keeps(w.globex, 100)
		c.days(10)
		for _, step := range []struct {
			days int32
			left int
		}{{100, 2}, {11, 2}, {0, 2}, {10, 0}, {100, 0}, {0, 0}} {
			c.keeps(w.globex, step.days)
			c.sweep(10)
			if left := c.left(said); len(left) != step.left {
				t.Errorf("with %d days %v are left", step.days, left)
			}
		}
		c.keeps(w.acme, 1) // another's side
		c.sound()
	})
}

// A step that says nothing of days, as one of the release before, leaves them and when to look next alone.
func TestDaysNotSaid(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		c := w.chat()
		stands := func() (days string) {
			c.read(`SELECT concat_ws(' ', retention_days, retention_due_at) FROM linkspan_shard.channel_side WHERE channel_id = $1 AND role = 'TARGET'`, &days)
			return days
		}
		c.changes(w.globex, func(*channel.Effect) {})
		if got := stands(); got != "" {
			t.Errorf("nobody said any days, and they are %s", got)
		}
		c.keeps(w.globex, 30)
		c.sweep(10)
		before := stands()
		c.changes(w.globex, func(*channel.Effect) {})
		if got := stands(); got != before || before == "" {
			t.Errorf("the days are %q, and were %q", got, before)
		}
		if c.keeps(w.globex, 0); stands() != "" {
			t.Errorf("taken back, they are %s", stands())
		}
	})
}

// Who says little among many is found without a look at all of them at once, or at any twice.
func TestFewOldOnesAmongMany(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		c := w.chat()
		first := c.says(w.globex, false, ids.Message{})
		c.exec(`
			WITH more AS (
				INSERT INTO linkspan_shard.message (slot, channel_id, owner_group_id, number, follows, body, author_group_id, author_id, author_name)
				SELECT m.slot, m.channel_id, m.owner_group_id, m.number + n, m.number + n, m.body, $2, m.author_id, m.author_name
				FROM linkspan_shard.message AS m, generate_series(1, 2500) AS n WHERE m.channel_id = $1 RETURNING *
			), told AS (
				INSERT INTO linkspan_shard.channel_event (slot, channel_id, number, kind, actor_group_id, actor_id, message_number)
				SELECT slot, channel_id, number, 'MESSAGE_POSTED', author_group_id, author_id, number FROM more
			)
			UPDATE linkspan_shard.channel_log SET head = head + 2500 WHERE channel_id = $1`, w.acme.ID)
		last := c.says(w.globex, false, ids.Message{})
		c.keeps(w.globex, 1)
		if got := c.sweep(10); !slices.Equal(got, []int{0}) {
			t.Errorf("its first message stays, and it was looked %d times", len(got))
		}
		c.days(1)
		if got := c.sweep(10); !slices.Equal(got, []int{1, 0, 1}) {
			t.Errorf("%v went, want the two of them in three looks at a thousand each", got)
		}
		if left := c.left([]ids.Message{first, last}); len(left) > 0 {
			t.Errorf("%v are left", left)
		}
		var cleared int64
		if c.read(`SELECT max(cleared_number) FROM linkspan_shard.channel_side WHERE channel_id = $1`, &cleared); cleared != last.Number {
			t.Errorf("the next look begins behind %d, want %d", cleared, last.Number)
		}
		next := c.says(w.globex, false, ids.Message{})
		c.days(1)
		if got := c.sweep(10); !slices.Equal(got, []int{1}) || len(c.left([]ids.Message{next})) > 0 {
			t.Errorf("of what is said later %v went", got)
		}
		c.sound()
	})
}

// A clock that was set back holds up what comes behind it, and nothing is looked at again and again.
func TestTimesOutOfOrder(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		c := w.chat()
		said := []ids.Message{c.says(w.acme, false, ids.Message{}), c.says(w.acme, false, ids.Message{}), c.says(w.acme, false, ids.Message{})}
		c.keeps(w.acme, 5)
		c.exec(`UPDATE linkspan_shard.message SET created_at = now() - interval '6 days' WHERE channel_id = $1 AND number <> $2`, said[1].Number)
		c.days(0)
		if got := c.sweep(10); !slices.Equal(got, []int{1}) || !slices.Equal(c.left(said), []int{1, 2}) {
			t.Errorf("%v went, %v are left", got, c.left(said))
		}
		c.days(5)
		if got := c.sweep(10); !slices.Equal(got, []int{2}) {
			t.Errorf("then %v went", got)
		}
		c.sound()
	})
}

// Whoever sweeps, each message goes once, and who talks meanwhile loses nothing.
func TestSweepsAtOnce(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		c := w.chat()
		var said, later []ids.Message
		for i := range 40 {
			said = append(said, c.says(w.acme, i%4 == 0, ids.Message{}), c.says(w.globex, i%4 == 1, ids.Message{}))
		}
		c.keeps(w.acme, 1)
		c.keeps(w.globex, 1)
		c.days(1)
		var deleted [4]int
		var racing sync.WaitGroup
		for i := range deleted {
			racing.Go(func() {
				for {
					due, err := w.DueSides(t.Context(), w.ClusterOf(c.id), 10)
					if err != nil || len(due) == 0 {
						w.must(err)
						return
					}
					cleared, err := w.DeleteOutdated(t.Context(), due[i%len(due)], 3)
					if err != nil {
						t.Error(err)
						return
					}
					deleted[i] += cleared.Messages
				}
			})
		}
		for range 20 {
			later = append(later, c.says(w.acme, false, ids.Message{}), c.says(w.globex, true, ids.Message{}))
		}
		racing.Wait()
		if all := deleted[0] + deleted[1] + deleted[2] + deleted[3]; all != len(said) {
			t.Errorf("%v went, want %d", deleted, len(said))
		}
		if left := c.left(slices.Concat(said, later)); len(left) != len(later) || left[0] != len(said) {
			t.Errorf("left are %v", left)
		}
		c.sound()
	})
}

// What a group that parted has said goes too. Its order goes on behind its end, and is whole when it comes back, also where its end was removed.
func TestOutdatedMessagesOfWhoParted(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]bool{"its end is there": false, "its end was removed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachShape(t, func(t *testing.T, w *world) {
				c := w.chat()
				forgets := func() {
					t.Helper()
					_, err := w.ForgetEvents(t.Context(), w.ClusterOf(c.id), -time.Hour, 100, 100)
					w.must(err)
				}
				said := []ids.Message{
					c.says(w.globex, false, ids.Message{}), c.says(w.globex, true, ids.Message{}), c.says(w.acme, false, ids.Message{}),
					c.says(w.globex, true, ids.Message{}), c.says(w.globex, false, ids.Message{}),
				}
				c.keeps(w.globex, 7)
				c.version++
				_, err := w.parts(c.id, c.version)
				w.must(err)
				c.says(w.acme, false, ids.Message{})
				if forget {
					forgets()
				}
				_, before := w.heads(c.id)
				c.days(7)
				if got := c.sweep(100); !slices.Equal(got, []int{4}) || !slices.Equal(c.left(said), []int{2}) {
					t.Errorf("%v went, left are %v", got, c.left(said))
				}
				c.sound()
				if _, head := w.heads(c.id); !head.Ended || head.Number != before.Number+2 || forget != (head.Floor == head.Number) {
					t.Errorf("its log stands at %+v, and stood at %+v", head, before)
				}
				page, err := w.ReadLog(t.Context(), channel.ChannelLogOf(c.id, w.globex.ID), before.Number, 10)
				if w.must(err); !forget && (len(page.Events) != 2 || page.Events[0].Message != said[1] || page.Events[1].Message != said[3]) {
					t.Errorf("behind its end it reads %+v", page)
				}
				c.says(w.acme, false, ids.Message{})
				forgets()
				c.sound()
				c.version++
				_, err = w.links(c.id, c.version)
				w.must(err)
				c.says(w.globex, true, ids.Message{})
				c.says(w.globex, false, ids.Message{})
				c.sound()
				c.days(7)
				if got := c.sweep(100); !slices.Equal(got, []int{2}) {
					t.Errorf("it came back, and %v went", got)
				}
				c.sound()
			})
		})
	}
}

// A side that is put off is not due for a minute, unless it was not due, or somebody deletes there just now.
func TestPutOff(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		c := w.chat()
		c.says(w.acme, false, ids.Message{})
		side := ids.Side{Channel: c.id, Group: w.acme.ID}
		due := func() (in float64, now bool) {
			c.read(`SELECT COALESCE(extract(epoch FROM retention_due_at - now()), 0) FROM linkspan_shard.channel_side WHERE channel_id = $1 AND role = 'INITIATOR'`, &in)
			found, err := w.DueSides(t.Context(), w.ClusterOf(c.id), 10)
			w.must(err)
			return in, slices.Contains(found, side)
		}
		w.must(w.PutOffSide(t.Context(), side))
		if in, now := due(); in != 0 || now {
			t.Errorf("a side without days is due in %v s: %v", in, now)
		}
		c.keeps(w.acme, 30)
		database, _ := w.router.Cluster(w.ClusterOf(c.id))
		tx, err := database.Pool().Begin(t.Context())
		w.must(err)
		_, err = tx.Exec(t.Context(), `SELECT 1 FROM linkspan_shard.channel_side WHERE channel_id = $1 FOR UPDATE`, c.id)
		w.must(err)
		w.must(w.PutOffSide(t.Context(), side))
		w.must(tx.Rollback(t.Context()))
		if _, now := due(); !now {
			t.Error("who deletes there was overtaken")
		}
		w.must(w.PutOffSide(t.Context(), side))
		if in, now := due(); in < 30 || in > 60 || now {
			t.Errorf("put off, it is due in %v s: %v", in, now)
		}
		c.days(1)
		c.sweep(10)
		w.must(w.PutOffSide(t.Context(), side))
		if in, now := due(); in < 24*3600 || now {
			t.Errorf("a side that is due in %v s was put off: %v", in, now)
		}
	})
}

// A new deletion of a group that parted holds what is behind its end, however old. The log is looked at again when that is old, and not before: it would
// stand in front of all others.
func TestAHeldLogIsNotDue(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		c := w.chat()
		c.says(w.globex, true, ids.Message{})
		c.keeps(w.globex, 7)
		c.version++
		_, err := w.parts(c.id, c.version)
		w.must(err)
		c.says(w.acme, true, ids.Message{})
		c.says(w.acme, false, ids.Message{})
		aged := func() {
			c.exec(`UPDATE linkspan_shard.channel_event SET at = at - interval '1 day' WHERE channel_id = $1`)
			c.exec(`UPDATE linkspan_shard.private_event SET at = at - interval '1 day' WHERE channel_id = $1`)
			c.exec(`UPDATE linkspan_shard.channel_log SET oldest_at = oldest_at - interval '1 day' WHERE channel_id = $1`)
		}
		forgets := func(want string) {
			t.Helper()
			for n := 1; n > 0; {
				n, err = w.ForgetEvents(t.Context(), w.ClusterOf(c.id), 12*time.Hour, 100, 100)
				w.must(err)
			}
			c.sound()
			var stands string
			var due bool
			c.read(`SELECT CASE WHEN l.floor = s.unlinked_after THEN 'at its end' WHEN l.floor = l.head THEN 'at the head' ELSE l.floor::text END,
					l.oldest_at < now() - interval '12 hours'
				FROM linkspan_shard.channel_log AS l JOIN linkspan_shard.channel_side AS s USING (slot, channel_id)
				WHERE l.channel_id = $1 AND s.role = 'TARGET'`, &stands, &due)
			if stands != want || due {
				t.Errorf("the floor is %s, want %s; due again: %v", stands, want, due)
			}
		}
		aged()
		c.days(7)
		if got := c.sweep(10); !slices.Equal(got, []int{1}) {
			t.Fatalf("%v went", got)
		}
		forgets("at its end")
		aged()
		forgets("at the head")
	})
}

// What deletes waits for the channel's log before it holds anything else, and leaves alone what its cluster does not own.
func TestOutdatedMessagesWaitForTheLogFirst(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		c := w.chat()
		message := c.says(w.acme, false, ids.Message{})
		c.keeps(w.acme, 1)
		c.days(1)
		database, _ := w.router.Cluster(w.ClusterOf(c.id))
		owned := func(state string) {
			t.Helper()
			_, err := database.Pool().Exec(t.Context(), `UPDATE linkspan_shard.owned_slot SET state = $2 WHERE slot = $1`, int16(c.id.Slot()), state)
			w.must(err)
		}
		owned("FENCED")
		if got := c.sweep(10); len(got) > 0 {
			t.Errorf("%v went of a slot that is not owned", got)
		}
		owned("OWNED")
		letGo := w.holds(c.id)
		t.Cleanup(letGo)
		done := make(chan error, 1)
		go func() {
			cleared, err := w.DeleteOutdated(t.Context(), ids.Side{Channel: c.id, Group: w.acme.ID}, 10)
			if err == nil && (cleared.Messages != 1 || len(cleared.Moved) != 2) {
				err = fmt.Errorf("%+v", cleared)
			}
			done <- err
		}()
		w.waitsFor(c.id)
		for _, table := range []string{"channel_side", "message", "message_words"} {
			_, err := database.Pool().Exec(t.Context(), `SELECT FROM linkspan_shard.`+table+` WHERE channel_id = $1 FOR UPDATE NOWAIT`, c.id)
			if err != nil {
				t.Errorf("while it waits it holds a row of %s: %v", table, err)
			}
		}
		letGo()
		w.must(<-done)
		if left := c.left([]ids.Message{message}); len(left) > 0 {
			t.Error("it is still there")
		}
	})
}

// What is old must be looked for from behind what is cleared, and what goes with it found by whole keys.
func TestOutdatedMessagesAreFoundByTheirKeys(t *testing.T) {
	t.Parallel()
	p := newPlans(t)
	lines := p.of("what is old", store.DeleteOutdated)
	found := map[string]bool{}
	for i, line := range lines[:len(lines)-1] {
		for _, table := range []string{"message", "message_version", "message_words", "reaction"} {
			if strings.Contains(line, "using "+table+"_pkey on ") {
				if found[table] = true; !strings.Contains(lines[i+1], "number = ") && !strings.Contains(lines[i+1], "number > ") {
					t.Errorf("%s has %s", line, lines[i+1])
				}
			}
		}
	}
	if len(found) != 4 || strings.Contains(strings.Join(lines, "\n"), "Seq Scan") {
		t.Errorf("found are %v:\n%s", found, strings.Join(lines, "\n"))
	}
	for setting, value := range store.Settings() {
		if _, err := p.conn.Exec(t.Context(), `SELECT set_config($1, $2, false)`, setting, value); err != nil {
			t.Fatal(err)
		}
	}
	if lines := strings.Join(p.of("sides", store.DueSides), "\n"); !strings.Contains(lines, "channel_side_retention_due_at") {
		t.Errorf("sides that are due are found so:\n%s", lines)
	}
}
