package store_test

import (
	"slices"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// step has a step change a channel's shard, which is none of main's, and returns what it appended.
func (w *world) step(id ids.Channel, plan func(tx channel.ShardTx)) ([]channel.Appended, error) {
	return w.Apply(w.t.Context(), channel.Step{
		Stream: channel.Stream{Subject: ids.NewGroup().Bytes(), Destination: channel.Destination{Channel: id}}, Number: 1, Op: ids.NewOp(),
	}, plan)
}

// links has globex take part in a channel, in that version of its link.
func (w *world) links(id ids.Channel, version int32) ([]channel.Appended, error) {
	by, now := w.user(w.globex, "gil"), time.Now()
	return w.step(id, func(tx channel.ShardTx) {
		tx.LinkSide(&channel.Invitation{ChannelID: id, ToGroup: w.globex, Resolver: &by},
			channel.Link{Channel: id, Group: w.globex.ID, State: channel.LinkLinked, Version: version, Name: "launch", LinkedAt: &now})
	})
}

// parts ends globex's part in a channel, in that version of its link.
func (w *world) parts(id ids.Channel, version int32) ([]channel.Appended, error) {
	by, now := w.user(w.globex, "gil"), time.Now()
	return w.step(id, func(tx channel.ShardTx) {
		tx.UnlinkSide(w.globex, channel.Link{
			Channel: id, Group: w.globex.ID, State: channel.LinkLeft, Version: version, LinkedAt: &now, UnlinkedAt: &now,
		}, &by)
	})
}

// heads are where a channel's log stands for acme and for globex.
func (w *world) heads(id ids.Channel) (acme, globex channel.LogHead) {
	w.t.Helper()
	keys := []channel.LogKey{channel.ChannelLogOf(id, w.acme.ID), channel.ChannelLogOf(id, w.globex.ID)}
	heads, err := w.LogHeads(w.t.Context(), keys)
	w.must(err)
	return heads[keys[0]], heads[keys[1]]
}

// What links and parts a side is told to each side at its place, once, and a side that parted stands where it ended.
func TestSidesPartAndComeBack(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		id, _ := w.talkIn("launch", 2) // three events
		whisper := w.said(id, "among us")
		whisper.Message.Owner = w.acme.ID
		_, err := w.Change(t.Context(), whisper)
		w.must(err)
		told := func(name string, change func(ids.Channel, int32) ([]channel.Appended, error), version int32, kind channel.EventKind, acme, globex int64) {
			t.Helper()
			appended, err := change(id, version)
			w.must(err)
			got := map[ids.Group]channel.LogEvent{}
			for _, a := range appended {
				got[a.Log.Side] = a.Event
				page, err := w.ReadLog(t.Context(), a.Log, a.Event.Number-1, 1)
				if w.must(err); page.Head.History != a.History || !slices.Equal(page.Events, []channel.LogEvent{a.Event}) {
					t.Errorf("%s: told %+v, and the log has %+v", name, a, page)
				}
			}
			for group, number := range map[ids.Group]int64{w.acme.ID: acme, w.globex.ID: globex} {
				if e := got[group]; e.Number != number || e.Kind != kind || e.Group != w.globex || e.Actor != w.user(w.globex, "gil").ID {
					t.Errorf("%s: told %+v, want %s at %d", name, e, kind, number)
				}
			}
		}
		told("linked", w.links, 2, channel.EventGroupLinked, 5, 4)
		if again, err := w.links(id, 2); len(again) > 0 || err != nil {
			t.Errorf("linked in the same version: %+v, %v", again, err)
		}
		told("parted", w.parts, 3, channel.EventGroupUnlinked, 6, 5)
		if again, err := w.parts(id, 4); len(again) > 0 || err != nil {
			t.Errorf("parted twice: %+v, %v", again, err)
		}
		_, err = w.Change(t.Context(), w.said(id, "behind"))
		w.must(err)
		if acme, globex := w.heads(id); acme.Number != 7 || acme.Ended || globex.Number != 5 || !globex.Ended {
			t.Errorf("parted, and the heads are %+v and %+v", acme, globex)
		}
		found, _ := w.Channels(t.Context(), anyOf(w.globex.ID), []ids.Channel{id})
		if c := found[id]; c == nil || c.State != channel.ChannelDisconnected || len(c.Sides) != 1 || c.Own == nil || c.Own.Version != 3 {
			t.Errorf("parted, and the channel is %+v", c)
		}
		told("back", w.links, 4, channel.EventGroupLinked, 8, 7)
		if acme, globex := w.heads(id); acme.Number != 8 || globex.Number != 7 || globex.Ended {
			t.Errorf("back, and the heads are %+v and %+v", acme, globex)
		}
		if found, _ := w.Channels(t.Context(), anyOf(w.globex.ID), []ids.Channel{id}); len(found[id].Sides) != 2 || found[id].State != channel.ChannelActive {
			t.Errorf("back, and the channel is %+v", found[id])
		}
	})
}

// What links or parts a side waits for the channel's log before it holds anything of the side, as who posts does.
func TestSidesWaitForTheLogFirst(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		id, _ := w.talkIn("launch", 1)
		_, err := w.links(id, 2)
		w.must(err)
		database, _ := w.router.Cluster(w.ClusterOf(id))
		for i, change := range []func(ids.Channel, int32) ([]channel.Appended, error){w.parts, w.links} {
			letGo := w.holds(id)
			t.Cleanup(letGo)
			done := make(chan error, 1)
			go func() {
				_, err := change(id, int32(i)+3)
				done <- err
			}()
			w.waitsFor(id)
			tag, err := database.Pool().Exec(t.Context(), `SELECT FROM linkspan_shard.channel_side WHERE channel_id = $1 FOR UPDATE NOWAIT`, id)
			if err != nil || tag.RowsAffected() != 2 {
				t.Errorf("while change %d waits, it holds a side: %v", i, err)
			}
			letGo()
			w.must(<-done)
		}
	})
}
