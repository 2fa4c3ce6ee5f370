package store_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/server/servertest"
	"linkspan/internal/store"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

// wire reads what is sent to a cluster on its way there.
type wire struct {
	t testing.TB

	mu      sync.Mutex
	slots   [][]int16 // those that each statement of a group of posts names, in order
	commits int
	syncs   int // what is answered in one round trip ends with one
}

// newWire returns a wire and the DSN that leads through it.
func newWire(t testing.TB, dsn string) (*wire, string) {
	t.Helper()
	at := localpgtest.NewDetour(t, dsn)
	listener, err := net.Listen("unix", at.Listen)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { w.pass(client, at.Target) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		open.Wait() // the router, which was opened later, is closed by now
	})
	return w, at.DSN
}

// pass passes a connection on until its client ends it, and reads what the client sends.
func (w *wire) pass(client net.Conn, target string) {
	defer client.Close()
	server, err := net.Dial("unix", target)
	if err != nil {
		w.t.Error(err)
		return
	}
	defer server.Close()
	go func() { _, _ = io.Copy(client, server) }() // until either is closed
	sent := pgproto3.NewBackend(client, nil)
	started, err := sent.ReceiveStartupMessage()
	if err != nil || !passOn(server, started) {
		return // of a client that wants to cancel something, or has gone
	}
	texts := map[string]string{} // by the names under which they were prepared
	for {
		message, err := sent.Receive()
		if err != nil {
			return
		}
		switch m := message.(type) {
		case *pgproto3.Parse:
			texts[m.Name] = m.Query
		case *pgproto3.Bind:
			w.bound(texts[m.PreparedStatement], m)
		case *pgproto3.Sync:
			w.mu.Lock()
			w.syncs++
			w.mu.Unlock()
		}
		if !passOn(server, message) { // after it was counted: nothing is answered before
			return
		}
	}
}

// passOn reports whether a message could be sent.
func passOn(server net.Conn, message pgproto3.FrontendMessage) bool {
	bytes, err := message.Encode(nil)
	if err == nil {
		_, err = server.Write(bytes)
	}
	return err == nil
}

func (w *wire) bound(text string, m *pgproto3.Bind) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case text == "COMMIT":
		w.commits++
	case strings.Contains(text, "unnest($1::smallint[]"):
		var slots []int16
		if err := pgtype.NewMap().Scan(pgtype.Int2ArrayOID, m.ParameterFormatCodes[0], m.Parameters[0], &slots); err != nil {
			w.t.Error(err)
		}
		slices.Sort(slots)
		w.slots = append(w.slots, slices.Compact(slots))
	}
}

// sent returns what was sent since it was asked last.
func (w *wire) sent() (slots [][]int16, commits, trips int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	slots, commits, trips = w.slots, w.commits, w.syncs
	w.slots, w.commits, w.syncs = nil, 0, 0
	return slots, commits, trips
}

// slotted is a world on one cluster, read on its way there, with channels in slots of their own.
type slotted struct {
	*world
	bySlot   bool
	sent     *wire
	channels []ids.Channel // in the order of their slots, each of another group, with a message
	members  []channel.Group
	database *shardrouter.Database
}

// bothShapes runs a test where groups of posts are written together, and where they are written by slot.
func bothShapes(t *testing.T, test func(t *testing.T, w *slotted)) {
	t.Helper()
	for name, bySlot := range map[string]bool{"together": false, "by slot": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := storetest.Config(t, 0)
			w := &slotted{bySlot: bySlot}
			w.sent, config.Shards[0].DSN = newWire(t, config.Shards[0].DSN)
			w.world = newWorld(t, config, store.PostBySlot(bySlot))
			groups := map[uint16]channel.Group{}
			for i := 0; len(groups) < 3; i++ {
				group := w.group(fmt.Sprintf("group-%d", i))
				groups[w.SlotOf(group.ID)] = group
			}
			for _, slot := range slices.Sorted(maps.Keys(groups)) {
				w.acme = groups[slot]
				id, _ := w.talkIn("launch", 1)
				w.channels, w.members = append(w.channels, id), append(w.members, w.acme)
			}
			w.database, _ = w.router.Cluster(w.ClusterOf(w.channels[0]))
			test(t, w)
		})
	}
}

// saidIn is a post to a channel, by its place.
func (w *slotted) saidIn(i int, by string) channel.Change {
	c := w.said(w.channels[i], "words")
	c.By = w.user(w.members[i], by)
	return c
}

// mixed is posts of every kind to all channels, in turns.
func (w *slotted) mixed() (all []channel.Change) {
	for _, by := range []string{"ana", "ben"} {
		for _, private := range []bool{false, true} {
			for _, reply := range []bool{false, true} {
				for i, id := range slices.Backward(w.channels) {
					c := w.saidIn(i, by)
					if private {
						c.Message.Owner = w.members[i].ID
					}
					if reply {
						c.ReplyTo = ids.Message{Channel: id, Number: 2}
					}
					all = append(all, c)
				}
			}
		}
	}
	return all
}

// namesSlots checks that each statement names one slot; or, together, that some name all.
func (w *slotted) namesSlots(statements [][]int16) {
	w.t.Helper()
	most := 0
	for _, slots := range statements {
		most = max(most, len(slots))
	}
	if want := map[bool]int{true: 1, false: len(w.channels)}[w.bySlot]; most != want {
		w.t.Errorf("the statements name up to %d slots at once, want %d: %v", most, want, statements)
	}
}

// A group of posts to several slots is one commit, in two round trips, in both shapes. By slot each statement names one, and logs are
// locked in the order in which one statement would lock them.
func TestPostsBySlot(t *testing.T) {
	t.Parallel()
	bothShapes(t, func(t *testing.T, w *slotted) {
		w.PostTogether(t.Context(), w.database, w.mixed()...) // each statement is prepared then
		w.sent.sent()
		w.PostTogether(t.Context(), w.database, w.mixed()...)
		slots, commits, trips := w.sent.sent()
		if commits != 1 || trips != 2 {
			t.Errorf("a group takes %d commits in %d round trips", commits, trips)
		}
		w.namesSlots(slots)
		if !w.bySlot {
			return
		}
		for i, id := range w.channels { // the locks come first
			if locked := slots[i][0]; locked != int16(id.Slot()) {
				t.Errorf("slot %d is locked where %d is due", locked, id.Slot())
			}
		}
	})
}

// Both shapes give the same answers, numbers and events.
func TestAnswersOfPostsBySlot(t *testing.T) {
	t.Parallel()
	bothShapes(t, func(t *testing.T, w *slotted) {
		spelt := func(m ids.Message, at int64) string {
			return fmt.Sprintf("%v %d at %d", map[bool]string{true: "public", false: "private"}[m.Owner.IsZero()], m.Number, at)
		}
		told := map[ids.Channel][]string{}
		for _, result := range w.PostTogether(t.Context(), w.database, w.mixed()...) {
			if result.Err != nil || len(result.Changed.Appended) != 1 {
				t.Fatalf("%+v", result)
			}
			m := result.Changed.Message
			told[m.Channel] = append(told[m.Channel], spelt(m, result.Changed.Appended[0].Event.Number))
		}
		want := []string{
			"public 3 at 3", "public 4 at 4", "private 1 at 5", "private 2 at 6", "public 5 at 7", "public 6 at 8", "private 3 at 9", "private 4 at 10",
		}
		for i, id := range w.channels {
			page, err := w.ReadLog(t.Context(), channel.ChannelLogOf(id, w.members[i].ID), 2, 100)
			w.must(err)
			var events []string
			for _, e := range page.Events {
				events = append(events, spelt(e.Message, e.Number))
			}
			if diff := cmp.Diff(want, told[id]) + cmp.Diff(want, events); diff != "" {
				t.Errorf("channel %d: %s", i, diff)
			}
			root := ids.Message{Channel: id, Number: 2}
			found, err := w.Messages(t.Context(), as(ids.UserOf(w.members[i].ID, "ana")), []ids.Message{root})
			w.must(err)
			if n := found[root].ReplyCount; n != 4 {
				t.Errorf("channel %d: 4 replies are counted as %d", i, n)
			}
			known, err := w.Users(t.Context(), anyOf(w.members[i].ID), []ids.User{ids.UserOf(w.members[i].ID, "ben")})
			w.must(err)
			if len(known) != 1 {
				t.Errorf("channel %d: who was new is known as %+v", i, known)
			}
		}
	})
}

// A slot with a channel that somebody holds delays no other in both shapes, and a slot that the cluster does not own fails alone.
func TestBusySlots(t *testing.T) {
	t.Parallel()
	bothShapes(t, func(t *testing.T, w *slotted) {
		_, err := w.database.Pool().Exec(t.Context(), `UPDATE linkspan_shard.owned_slot SET state = 'FENCED' WHERE slot = $1`, int16(w.channels[0].Slot()))
		w.must(err)
		letGo := w.holds(w.channels[1])
		defer letGo()
		var first posting
		waits := w.saidIn(1, "ana")
		first.begin(t.Context(), w.world, waits)
		w.waitsFor(w.channels[1])
		all := w.mixed()
		together := make(chan []store.PostResult, 1)
		go func() { together <- w.PostTogether(t.Context(), w.database, all...) }()
		servertest.Eventually(t, "the others are posted", func() bool {
			page, err := w.ReadLog(t.Context(), channel.ChannelLogOf(w.channels[2], w.members[2].ID), 2, 100)
			w.must(err)
			return len(page.Events) > 0
		})
		letGo()
		for i, result := range <-together {
			fenced := all[i].Message.Channel == w.channels[0]
			if done := result.Changed.Done; done == fenced || fenced != errors.Is(result.Err, shardrouter.ErrNotOwned) || !fenced && result.Err != nil {
				t.Errorf("to slot %d, fenced: %v: %+v", all[i].Message.Channel.Slot(), fenced, result)
			}
		}
		first.all.Wait()
		if done, err := first.done[waits.Op.ID], first.errs[waits.Op.ID]; err != nil || !done.Done {
			t.Errorf("what waited for its channel: %+v, %v", done, err)
		}
		slots, _, _ := w.sent.sent()
		w.namesSlots(slots)
	})
}
