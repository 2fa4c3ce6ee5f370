package proof_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// age makes those of the events that were written, in that order, two hours older that come behind the first gone, up to n.
func (k *talk) age(t *testing.T, gone, n int, written []told) {
	t.Helper()
	pool := k.world.shards[k.processes[0].store.ClusterOf(k.id)]
	for _, event := range written[min(gone, n):n] {
		table, owner := "channel_event", ""
		args := []any{k.id, event.position}
		if !event.message.Owner.IsZero() {
			table, owner, args = "private_event", " AND group_id = $3", append(args, event.message.Owner)
		}
		tag, err := pool.Exec(t.Context(), `UPDATE linkspan_shard.`+table+` SET at = at - interval '2 hours' WHERE channel_id = $1 AND number = $2`+owner, args...)
		if err != nil || tag.RowsAffected() != 1 {
			t.Fatalf("event %v is not there: %v", event, err)
		}
	}
	const message = `UPDATE linkspan_shard.message AS m SET created_at = e.at FROM `
	const is = ` AS e WHERE e.kind = 'MESSAGE_POSTED' AND m.channel_id = $1 AND e.channel_id = $1 AND e.number = m.number`
	for _, text := range []string{
		`UPDATE linkspan_shard.channel_log SET oldest_at = oldest_at - interval '2 hours' WHERE channel_id = $1`,
		message + `linkspan_shard.channel_event` + is + ` AND m.owner_group_id = '00000000-0000-0000-0000-000000000000'`,
		message + `linkspan_shard.private_event` + is + ` AND m.owner_group_id = e.group_id`,
	} {
		if _, err := pool.Exec(t.Context(), text, k.id); err != nil {
			t.Fatal(err)
		}
	}
}

// forget has two processes sweep at once what is older than an hour, a few events at a time. After each time what is left
// of each side's order is its end.
func (k *talk) forget(t *testing.T, written []told) {
	t.Helper()
	var sweeping sync.WaitGroup
	for _, p := range k.processes {
		sweeping.Go(func() {
			for _, cluster := range p.store.ShardClusters() {
				for {
					n, err := p.store.ForgetEvents(t.Context(), cluster, time.Hour, 10, 3)
					if err != nil {
						t.Error(err)
						return
					}
					if n == 0 {
						break
					}
					for side := range k.world.groups {
						if err := k.leaves(t, p, side, written); err != nil {
							t.Errorf("side %d: %v", side, err)
							return
						}
					}
				}
			}
		})
	}
	sweeping.Wait()
}

// leaves tells where what is left of a side's log is not the end of its order.
func (k *talk) leaves(t *testing.T, p *process, side int, written []told) error {
	group := k.world.groups[side].ID
	log := channel.ChannelLogOf(k.id, group)
	for after := int64(0); ; {
		page, err := p.store.ReadLog(t.Context(), log, after, 1000)
		if err != nil {
			return err
		}
		if page.Head.Floor > after { // it has been raised since
			after = page.Head.Floor
			continue
		}
		var want, got []ids.Message
		for _, event := range written {
			if event.message.Owner.IsZero() || event.message.Owner == group {
				want = append(want, event.message)
			}
		}
		for _, event := range page.Events {
			got = append(got, event.Message)
		}
		if want = want[after:]; !slices.Equal(got, want) {
			return fmt.Errorf("behind the floor %d there are %v, want %v", after, got, want)
		}
		return nil
	}
}

// pages are all messages of a side, by one page after the other.
func (k *talk) pages(t *testing.T, side int) (all []ids.Message) {
	t.Helper()
	first := int32(7)
	args := channel.PageArgs{First: &first}
	for {
		page, err := k.processes[0].ChannelMessages(t.Context(), k.viewer(side, "ana"), k.id, args)
		if err != nil {
			t.Fatal(err)
		}
		for _, edge := range page.Edges() {
			all = append(all, edge.Value.ID)
		}
		if !page.PageInfo().HasNextPage {
			return all
		}
		args.After = page.PageInfo().EndCursor
	}
}

// TestRetention has the oldest events of a conversation removed, again and again, each time up to another one of them.
// Each side loses a beginning of its order, in which exactly those are: a cursor at its end works, one before has expired.
// Pages of messages stay, and who is at the head notices nothing.
func TestRetention(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	in := newInstallation(t)
	processes := []*process{in.open(t), in.open(t)}
	k := newTalk(t, newWorld(t, in, processes[0], 2), processes...)
	s := processes[0].Service
	written := []told{{position: 1}, {position: 2}} // two sides were linked
	floor := 0                                      // how many of these are gone
	var live [2]*feed
	var cursor [2]*ids.LogCursor
	for side := range live {
		f, err := follow(ctx, s, k.viewer(side, "ana"), k.id, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.Close)
		live[side] = f
	}
	for range number(8, 100) {
		for range rand.N(25) {
			side, own := rand.N(2), rand.N(3) > 0
			m, err := k.post(ctx, s, k.viewer(side, "ana"), own, "said", nil)
			if err != nil {
				t.Fatal(err)
			}
			written = append(written, told{position: m.ID.Number, kind: "MessagePosted", message: m.ID})
		}
		before := [2][]ids.Message{k.pages(t, 0), k.pages(t, 1)}
		gone := floor
		floor += rand.N(len(written) - floor + 1)
		k.age(t, gone, floor, written)
		k.forget(t, written)
		for side := range live {
			group := k.world.groups[side].ID
			seen := func(event told) bool { return event.message.Owner.IsZero() || event.message.Owner == group }
			below, all := int64(count(written[:floor], seen)), int64(count(written, seen))
			page, err := processes[1].store.ReadLog(ctx, channel.ChannelLogOf(k.id, group), below, 1000)
			if err != nil || page.Head.Floor != below || page.Head.Number != all || int64(len(page.Events)) != all-below {
				t.Fatalf("side %d: of %d events %d are old; the log has %+v and %d behind them, %v", side, all, below, page.Head, len(page.Events), err)
			}
			if now := k.pages(t, side); !slices.Equal(now, before[side]) {
				t.Fatalf("side %d: the pages had %v, and have %v", side, before[side], now)
			}
			cursor[side] = &ids.LogCursor{Kind: ids.LogChannel, Log: k.id.Log(), Reader: group, History: page.Head.History, Position: below}
			k.resumes(t, side, *cursor[side], all)
			if cursor[side].Position--; below > 0 {
				if f, err := follow(ctx, processes[1].Service, k.viewer(side, "ana"), k.id, cursor[side]); !expired(err) {
					t.Fatalf("side %d: a cursor below the floor gives %v, %v", side, f, err)
				}
			}
		}
	}
	if _, err := k.post(ctx, s, k.viewer(0, "ana"), false, "the end", nil); err != nil {
		t.Fatal(err)
	}
	for side, f := range live {
		k.hearsAll(t, side, f, written)
	}
	in.check(t, processes[0])
}

// resumes follows from a cursor and hears all behind it.
func (k *talk) resumes(t *testing.T, side int, cursor ids.LogCursor, all int64) {
	t.Helper()
	f, err := follow(t.Context(), k.processes[1].Service, k.viewer(side, "ana"), k.id, &cursor)
	if err != nil {
		t.Fatalf("side %d: a cursor at the floor: %v", side, err)
	}
	defer f.Close()
	for at := cursor.Position; at < all; {
		event, err := f.next(t.Context())
		if err != nil {
			t.Fatalf("side %d: behind %d: %v", side, at, err)
		}
		if _, _, ok := note(event); ok {
			if at++; event.Position().Position != at {
				t.Fatalf("side %d: %d comes in the place of %d", side, event.Position().Position, at)
			}
		}
	}
}

// hearsAll reads what a live subscriber was told from the beginning on, until the end.
func (k *talk) hearsAll(t *testing.T, side int, f *feed, written []told) {
	t.Helper()
	var want []ids.Message
	for _, event := range written {
		if event.kind != "" && (event.message.Owner.IsZero() || event.message.Owner == k.world.groups[side].ID) {
			want = append(want, event.message)
		}
	}
	var heard []ids.Message
	for {
		event, err := f.next(t.Context())
		if err != nil {
			t.Fatalf("side %d, after %d of %d events: %v", side, len(heard), len(want), err)
		}
		told, message, ok := note(event)
		switch {
		case !ok:
		case *message.Body == "the end":
			if !slices.Equal(heard, want) {
				t.Errorf("side %d heard %v of %v", side, heard, want)
			}
			return
		default:
			heard = append(heard, told.message)
		}
	}
}

func count[T any](all []T, is func(T) bool) (n int) {
	for _, one := range all {
		if is(one) {
			n++
		}
	}
	return n
}

// TestRetentionOfInboxes has the oldest events of an inbox removed: its lists and what is left stay.
func TestRetentionOfInboxes(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	p := in.open(t)
	w := newWorld(t, in, p, 2)
	m := newModel()
	for n := range 5 {
		op := operation{do: create, by: ana, target: 1, name: fmt.Sprint("launch ", n)}
		want := m.apply(op)
		got, err := w.do(t.Context(), p.Service, m, op)
		if err != nil || !m.takes(want, got) {
			t.Fatalf("%v: %+v, %v", op, got, err)
		}
	}
	in.settled(t)
	log := channel.InboxOf(w.groups[1].ID)
	for _, shard := range in.shards {
		for _, text := range []string{
			`UPDATE linkspan_shard.inbox_event SET at = at - interval '2 hours' WHERE group_id = $1 AND number <= 3`,
			`UPDATE linkspan_shard.inbox_log SET oldest_at = oldest_at - interval '2 hours' WHERE group_id = $1`,
		} {
			if _, err := shard.Exec(t.Context(), text, w.groups[1].ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.LogRetention = time.Hour
	p.Forget(t.Context())
	page, err := p.store.ReadLog(t.Context(), log, 3, 100)
	if err != nil || page.Head.Floor != 3 || page.Head.Number != 5 || len(page.Events) != 2 {
		t.Fatalf("%+v, %v", page, err)
	}
	v := w.viewer(targetAna)
	for position, want := range map[int64]bool{2: true, 3: false} {
		cursor := ids.LogCursor{Kind: log.Kind, Log: log.ID, Reader: v.Group.ID, History: page.Head.History, Position: position}
		f, err := p.Inbox(t.Context(), v, &cursor)
		if expired(err) != want {
			t.Errorf("from %d: %v", position, err)
		}
		if f != nil {
			f.Close()
		}
	}
	for group := range w.groups {
		w.sees(t, p.Service, m, group)
	}
	in.check(t, p)
}

// TestNothingIsForgottenForGood has the sweeper leave events alone where they are kept for good.
func TestNothingIsForgottenForGood(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	p := in.open(t)
	k := newTalk(t, newWorld(t, in, p, 2), p)
	k.age(t, 0, 2, []told{{position: 1}, {position: 2}})
	p.Forget(t.Context())
	page, err := p.store.ReadLog(t.Context(), channel.ChannelLogOf(k.id, k.world.groups[0].ID), 0, 10)
	if err != nil || len(page.Events) != 2 {
		t.Fatalf("%+v, %v", page, err)
	}
	p.LogRetention = time.Hour
	p.Forget(t.Context())
	if page, err = p.store.ReadLog(t.Context(), channel.ChannelLogOf(k.id, k.world.groups[0].ID), 2, 10); err != nil || page.Head.Floor != 2 {
		t.Fatalf("kept for an hour: %+v, %v", page, err)
	}
}
