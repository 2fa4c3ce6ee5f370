package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
	"linkspan/internal/store"
)

// Channels that somebody holds for long don't hold up one that is let go of, however many they are.
func TestBusyChannelsTakeTurns(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		busy := w.heldTogether(4)
		var long, short posting
		for _, channel := range busy[:3] {
			long.begin(t.Context(), w, w.said(channel.id, "words"))
		}
		w.takenOut(busy[:3])
		short.begin(t.Context(), w, w.said(busy[3].id, "words"))
		w.takenOut(busy)
		busy[3].letGo()
		short.all.Wait()
		long.mu.Lock()
		if len(long.done) > 0 {
			t.Errorf("%d posts to channels that are held were answered before the one to a channel that is not", len(long.done))
		}
		long.mu.Unlock()
		for _, channel := range busy {
			channel.letGo()
		}
		long.all.Wait()
		w.takenOut(busy[:0])
		for _, all := range []*posting{&long, &short} {
			for op, done := range all.done {
				if err := all.errs[op]; err != nil || !done.Done {
					t.Errorf("%+v, %v", done, err)
				}
			}
		}
	})
}

// Who leaves while its post waits for a channel that somebody holds has posted nothing, whether it waits alone or behind others.
func TestWhoLeavesABusyChannelHasPostedNothing(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		busy := w.heldTogether(4)
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		var left posting
		for _, channel := range busy {
			left.begin(ctx, w, w.said(channel.id, "words"))
		}
		w.takenOut(busy)
		leave()
		left.all.Wait() // though the channels are held
		for op, done := range left.done {
			if err := left.errs[op]; !errors.Is(err, context.Canceled) {
				t.Errorf("%+v, %v", done, err)
			}
		}
		for _, channel := range busy {
			channel.letGo()
			next, err := w.Change(t.Context(), w.said(channel.id, "words"))
			if err != nil || !next.Done || next.Message.Number != channel.head+1 {
				t.Errorf("the next post behind event %d of a channel that was left is %+v, %v", channel.head, next, err)
			}
		}
	})
}

// Who leaves while its post is being written is told what became of it.
func TestWhoLeavesWhileItsPostIsWritten(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		id, _ := w.talkIn("launch", 1)
		database, _ := w.router.Cluster(w.ClusterOf(id))
		other, err := database.Pool().Acquire(t.Context())
		w.must(err)
		defer other.Release()
		const key = 42
		_, err = other.Exec(t.Context(), `SELECT pg_advisory_lock($1)`, key)
		w.must(err)
		for _, text := range []string{
			fmt.Sprintf(`CREATE FUNCTION waits() RETURNS trigger LANGUAGE plpgsql AS
				'BEGIN WHILE NOT pg_try_advisory_xact_lock(%d) LOOP PERFORM pg_sleep(0.01); END LOOP; RETURN NEW; END'`, key),
			`CREATE TRIGGER waits BEFORE INSERT ON linkspan_shard.message FOR EACH ROW EXECUTE FUNCTION waits()`,
		} {
			_, err = other.Exec(t.Context(), text)
			w.must(err)
		}
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		under := w.said(id, "under way")
		var writing posting
		writing.begin(ctx, w, under)
		servertest.Eventually(t, "the post is being written", func() (writes bool) {
			w.must(other.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep')`).Scan(&writes))
			return writes
		})
		leave()
		_, err = other.Exec(t.Context(), `SELECT pg_advisory_unlock($1)`, key)
		w.must(err)
		writing.all.Wait()
		if done, err := writing.done[under.Op.ID], writing.errs[under.Op.ID]; err != nil || len(done.Appended) != 1 {
			t.Errorf("told %+v, %v", done, err)
		}
	})
}

// heldChannel is a channel that is held until it is let go of.
type heldChannel struct {
	id    ids.Channel
	head  int64
	letGo func()
}

// takenOut waits until these channels of a cluster, and no others, are taken out of its lane.
func (w *world) takenOut(channels []heldChannel) {
	w.t.Helper()
	database, _ := w.router.Cluster(w.ClusterOf(channels[:1][0].id))
	servertest.Eventually(w.t, "the channels are taken out", func() bool { return w.TakenOut(database) == len(channels) })
}

// heldTogether are channels of one cluster that are held.
func (w *world) heldTogether(count int) (held []heldChannel) {
	w.t.Helper()
	cluster := ""
	for i := 0; len(held) < count; i++ {
		id, _ := w.talkIn(fmt.Sprint("held-", i), 1)
		if at := w.ClusterOf(id); cluster == "" || at == cluster {
			cluster = at
			said, err := w.Change(w.t.Context(), w.said(id, "words"))
			w.must(err)
			letGo := w.holds(id)
			w.t.Cleanup(letGo)
			held = append(held, heldChannel{id, said.Message.Number, letGo})
		}
	}
	return held
}

// Logs are locked in one order, whatever the order of the posts, so that two processes never wait for each other in a circle.
func TestLogsAreLockedInOrder(t *testing.T) {
	t.Parallel()
	p := newPlans(t)
	_, err := p.conn.Exec(t.Context(), strings.ReplaceAll(store.SetPlan, "true", "false")) // not for a transaction alone
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.conn.Exec(t.Context(), `INSERT INTO linkspan_shard.channel_log (slot, channel_id, history, head)
		SELECT n % 20, gen_random_uuid(), gen_random_uuid(), 1 FROM generate_series(1, 100) AS n`)
	if err != nil {
		t.Fatal(err)
	}
	locked := func(text, order string) []ids.Channel {
		rows, err := p.conn.Query(t.Context(), `SELECT slot, channel_id FROM linkspan_shard.channel_log ORDER BY `+order)
		if err != nil {
			t.Fatal(err)
		}
		var slots []int16
		var channels []ids.Channel
		var slot int16
		var id ids.Channel
		_, err = pgx.ForEachRow(rows, []any{&slot, &id}, func() error {
			slots, channels = append(slots, slot), append(channels, id)
			return nil
		})
		if err != nil || text == "" {
			return channels
		}
		rows, err = p.conn.Query(t.Context(), text, slots, channels)
		if err != nil {
			t.Fatal(err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[ids.Channel])
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	want := locked("", "slot, channel_id")
	for _, text := range store.LockTexts {
		for _, order := range []string{"slot DESC, channel_id DESC", "channel_id", "random()"} {
			if got := locked(text, order); !slices.Equal(got, want) {
				t.Errorf("of logs in the order %s\n%s\nlocks %v, not %v", order, text, got, want)
			}
		}
	}
}
