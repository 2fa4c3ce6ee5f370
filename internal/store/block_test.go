package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
	"linkspan/shardrouter"
)

// told keeps what is told of after commits.
type told struct {
	noHints
	events []channel.Appended
}

func (h *told) Publish(a channel.Appended) { h.events = append(h.events, a) }

// blocking decides that globex blocks acme, or does so no longer, and returns the step that follows.
func (w *world) blocking(version int32, blocked bool) channel.Step {
	w.t.Helper()
	steps := []channel.Step{{
		Stream: channel.Stream{Subject: w.globex.ID.Bytes(), Destination: channel.Destination{Group: w.globex.ID}},
		Op:     ids.NewOp(), Kind: channel.StepSaveStance, Effect: channel.Effect{Blocking: &channel.Blocking{Other: w.acme, Version: version, Blocked: blocked}},
	}}
	w.must(w.decide(func(ctx context.Context, tx channel.MainTx) error {
		stance := channel.Stance{Version: version, Blocked: blocked}
		by := channel.Decision{Op: ids.NewOp(), Deed: channel.DeedBlock, By: w.user(w.globex, "gil"), At: time.Now()}
		if err := tx.SaveStance(ctx, by, w.acme.ID, stance); err != nil {
			return err
		}
		return tx.AppendSteps(ctx, steps)
	}))
	return steps[0]
}

// shown are the invitations that globex is shown, by its list and by their ids, the newest first.
func (w *world) shown(all ...*channel.Invitation) (names []string) {
	w.t.Helper()
	var wanted []ids.Invitation
	for _, in := range all {
		wanted = append(wanted, in.ID)
	}
	found, err := w.Invitations(w.t.Context(), w.globex.ID, wanted)
	w.must(err)
	rows, err := w.ListInvitations(w.t.Context(), w.globex.ID, channel.InvitationFilter{}, channel.Range{Limit: 10, Total: true})
	w.must(err)
	for _, row := range rows.Rows {
		if one, err := w.Invitations(w.t.Context(), w.globex.ID, []ids.Invitation{row.Value.ID}); err != nil || len(one) != 1 || found[row.Value.ID] == nil {
			w.t.Errorf("%s is in the list, and by its id there is %v, %v", row.Value.ProposedName, one, err)
		}
		names = append(names, row.Value.ProposedName)
	}
	if rows.Total != len(names) || len(found) != len(names) {
		w.t.Errorf("%d in the list, %d in all, %d by their ids", len(names), rows.Total, len(found))
	}
	return names
}

// What a blocked group asks is hidden, whenever it arrives, and received again in its order when it is blocked no longer.
func TestBlockedIsHiddenAndReceivedAgain(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		heard := &told{}
		w.deliverer.Hints = heard
		first, toFirst, _ := w.create("first", time.Hour)
		second, toSecond, _ := w.create("second", time.Hour)
		third, toThird, _ := w.create("third", time.Hour)
		all := []*channel.Invitation{first, second, third}
		w.deliver(toFirst[1])
		block := w.blocking(1, true)
		w.deliver(block, toSecond[1])
		w.deliver(block) // takes effect once
		if got := w.shown(all...); len(got) > 0 {
			t.Errorf("blocked, and %v are shown", got)
		}
		sent, err := w.ListInvitations(t.Context(), w.acme.ID, channel.InvitationFilter{Sent: true}, channel.Range{Limit: 10})
		w.must(err)
		if len(sent.Rows) != 0 { // no step to the channels was delivered
			t.Errorf("%d are sent", len(sent.Rows))
		}
		heard.events = nil
		unblock := w.blocking(2, false)
		w.deliver(unblock, toThird[1])
		w.deliver(unblock, block) // takes effect once, and in order
		if got := w.shown(all...); !slices.Equal(got, []string{"third", "second", "first"}) {
			t.Errorf("unblocked, and %v are shown", got)
		}
		page, err := w.ReadLog(t.Context(), channel.InboxOf(w.globex.ID), 0, 10)
		w.must(err)
		var kinds []string
		for i, e := range page.Events {
			kinds = append(kinds, fmt.Sprint(e.Kind, " of ", slices.IndexFunc(all, func(in *channel.Invitation) bool { return in.ID == e.Invitation })))
			if e.Number != int64(i+1) || e.Group != w.acme {
				t.Errorf("event %d is %+v", i+1, e)
			}
		}
		want := []string{"INVITATION_RECEIVED of 0", "GROUP_BLOCKED of -1", "INVITATION_RECEIVED of 1", "INVITATION_RECEIVED of 0", "INVITATION_RECEIVED of 1", "INVITATION_RECEIVED of 2"}
		if !slices.Equal(kinds, want) {
			t.Errorf("the log is %v, want %v", kinds, want)
		}
		if len(heard.events) != 3 {
			t.Fatalf("%d events were told", len(heard.events))
		}
		for i, a := range heard.events {
			if e := page.Events[i+3]; a.Event != e || a.History != page.Head.History || a.Log != channel.InboxOf(w.globex.ID) {
				t.Errorf("told of %+v, and the log has %+v", a, e)
			}
		}
	})
}

// An invitation that is just arriving when its sender is unblocked is not missed: its own event may have been passed over.
func TestReceiveAgainWaitsForWhatArrives(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		heard := &told{}
		w.deliverer.Hints = heard
		in, steps, _ := w.create("launch", time.Hour)
		w.deliver(w.blocking(1, true), steps[1])
		slot := shardrouter.SlotOf(w.globex.ID.Bytes())
		shard, _ := w.router.Cluster(w.router.ClusterOf(slot))
		exec := func(text string, args ...any) {
			t.Helper()
			if _, err := shard.Pool().Exec(t.Context(), text, args...); err != nil {
				t.Fatal(err)
			}
		}
		exec(`UPDATE linkspan_shard.group_invitation SET expires_at = now() - interval '1 minute' WHERE invitation_id = $1`, in.ID)
		heard.events = nil
		unblock := w.blocking(2, false)

		// It arrives, as it were, in a transaction that has the log.
		arriving, err := shard.Pool().Begin(t.Context())
		w.must(err)
		defer func() { _ = arriving.Rollback(context.WithoutCancel(t.Context())) }()
		for _, text := range []string{
			`UPDATE linkspan_shard.inbox_log SET head = head WHERE group_id = $1`,
			`UPDATE linkspan_shard.group_invitation SET expires_at = now() + interval '1 hour' WHERE group_id = $1`,
		} {
			if _, err := arriving.Exec(t.Context(), text, w.globex.ID); err != nil {
				t.Fatal(err)
			}
		}
		done := make(chan error, 1)
		go func() { done <- w.deliverer.Deliver(t.Context(), unblock) }()
		servertest.Eventually(t, "the step waits for the log", func() bool {
			var waits bool
			w.must(shard.Pool().QueryRow(t.Context(), `
				SELECT EXISTS (SELECT FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) WHERE NOT l.granted AND a.datname = current_database())`).Scan(&waits))
			return waits
		})
		w.must(arriving.Commit(t.Context()))
		w.must(<-done)
		if len(heard.events) != 1 || heard.events[0].Event.Invitation != in.ID {
			t.Errorf("told of %+v", heard.events)
		}
	})
}
