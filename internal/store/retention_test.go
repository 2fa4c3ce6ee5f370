package store_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// talkIn makes a channel of both groups and has ana say something, so many times, each an operation.
func (w *world) talkIn(name string, times int) (ids.Channel, []channel.Change) {
	w.t.Helper()
	in, steps, _ := w.create(name, time.Hour)
	w.deliver(steps...)
	database, _ := w.router.Cluster(w.ClusterOf(in.ChannelID))
	if _, err := database.Pool().Exec(w.t.Context(), `UPDATE linkspan_shard.channel SET state = 'ACTIVE', pending_until = NULL WHERE channel_id = $1`, in.ChannelID); err != nil {
		w.t.Fatal(err)
	}
	var said []channel.Change
	for range times {
		c := channel.Change{
			Kind: channel.EventMessagePosted, By: w.user(w.acme, "ana"), Body: "said", Message: ids.Message{Channel: in.ChannelID},
			Op: channel.Operation{ID: ids.NewOp(), Mutation: "postMessage", Input: "in"},
		}
		done, err := w.Change(w.t.Context(), c)
		if err != nil || !done.Done {
			w.t.Fatalf("%+v, %v", done, err)
		}
		said = append(said, c)
	}
	return in.ChannelID, said
}

// Operations of conversations are forgotten once they are old, a batch at a time, whoever else is just doing that; what is not old
// gives its outcome again.
func TestForgetChannelOperations(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		id, said := w.talkIn("launch", 12)
		cluster := w.ClusterOf(id)
		database, _ := w.router.Cluster(cluster)
		if n, err := w.ForgetChannelOperations(t.Context(), cluster, channel.OperationsKept, 100); n != 0 || err != nil {
			t.Fatalf("forgot %d fresh operations, %v", n, err)
		}
		for i, c := range said[:9] {
			_, err := database.Pool().Exec(t.Context(), `
				UPDATE linkspan_shard.channel_operation SET created_at = created_at - $2 * interval '1 hour' WHERE op_id = $1`, c.Op.ID, 60-i)
			w.must(err)
		}
		if n, err := w.ForgetChannelOperations(t.Context(), cluster, channel.OperationsKept, 2); n != 2 || err != nil {
			t.Errorf("a batch of two forgot %d, %v", n, err)
		}
		var forgot atomic.Int64
		var forgetting sync.WaitGroup
		for range 4 {
			forgetting.Go(func() {
				for n := 1; n > 0; {
					var err error
					if n, err = w.ForgetChannelOperations(t.Context(), cluster, channel.OperationsKept, 3); err != nil {
						t.Error(err)
						return
					}
					forgot.Add(int64(n))
				}
			})
		}
		forgetting.Wait()
		if forgot.Load() != 7 {
			t.Errorf("all forgot %d, want the 7 that were old", forgot.Load())
		}
		for i, c := range said {
			done, err := w.Change(t.Context(), c)
			if err != nil || (done.Kept == nil) != (i < 9) {
				t.Errorf("repeated, operation %d: %+v, %v", i, done, err)
			}
		}
	})
}

// What lies on a slot that its cluster does not own just now is nobody's to remove.
func TestNothingIsForgottenOnAForeignSlot(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		id, _ := w.talkIn("launch", 2)
		cluster := w.ClusterOf(id)
		database, _ := w.router.Cluster(cluster)
		_, err := database.Pool().Exec(t.Context(), `UPDATE linkspan_shard.owned_slot SET state = 'FENCED' WHERE slot = $1`, int16(id.Slot()))
		w.must(err)
		operations, err := w.ForgetChannelOperations(t.Context(), cluster, -time.Hour, 100)
		w.must(err)
		_, err = w.ForgetEvents(t.Context(), cluster, -time.Hour, 100, 100)
		w.must(err)
		var left, floor int
		w.must(database.Pool().QueryRow(t.Context(), `
			SELECT (SELECT count(*) FROM linkspan_shard.channel_operation WHERE channel_id = l.channel_id), floor
			FROM linkspan_shard.channel_log AS l WHERE channel_id = $1`, id).Scan(&left, &floor))
		if operations != 0 || left != 2 || floor != 0 {
			t.Errorf("forgot %d operations, %d are left; the floor is %d", operations, left, floor)
		}
		_, err = database.Pool().Exec(t.Context(), `UPDATE linkspan_shard.owned_slot SET state = 'OWNED' WHERE slot = $1`, int16(id.Slot()))
		w.must(err)
		if n, err := w.ForgetEvents(t.Context(), cluster, -time.Hour, 100, 100); err != nil || n < 1 {
			t.Errorf("owned again: %d logs, %v", n, err)
		}
	})
}

// A log that has lost an event from its middle is read no further: those behind it would all move up by one.
func TestALogWithAGapIsNotRead(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		id, _ := w.talkIn("launch", 4)
		log := channel.ChannelLogOf(id, w.acme.ID)
		page, err := w.ReadLog(t.Context(), log, 0, 100)
		if w.must(err); len(page.Events) != 5 {
			t.Fatalf("%+v", page)
		}
		database, _ := w.router.Cluster(w.ClusterOf(id))
		_, err = database.Pool().Exec(t.Context(), `DELETE FROM linkspan_shard.channel_event WHERE channel_id = $1 AND number = 3`, id)
		w.must(err)
		for after, readable := range map[int64]bool{0: false, 2: false, 3: true} {
			if page, err := w.ReadLog(t.Context(), log, after, 100); (err == nil) != readable {
				t.Errorf("behind %d there are %d events, %v", after, len(page.Events), err)
			}
		}
	})
}
