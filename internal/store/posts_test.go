package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
	"linkspan/internal/store"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

// said is a post to a channel, as a change.
func (w *world) said(id ids.Channel, body string) channel.Change {
	return channel.Change{
		Kind: channel.EventMessagePosted, By: w.user(w.acme, "ana"), Body: body, Message: ids.Message{Channel: id},
		Op: channel.Operation{ID: ids.NewOp(), Mutation: "postMessage", Input: "in"},
	}
}

// holds locks the log of a channel until it is let go of.
func (w *world) holds(id ids.Channel) (letGo func()) {
	w.t.Helper()
	database, _ := w.router.Cluster(w.ClusterOf(id))
	tx, err := database.Pool().Begin(w.t.Context())
	w.must(err)
	_, err = tx.Exec(w.t.Context(), `SELECT FROM linkspan_shard.channel_log WHERE channel_id = $1 FOR UPDATE`, id)
	w.must(err)
	return sync.OnceFunc(func() { w.must(tx.Rollback(context.WithoutCancel(w.t.Context()))) })
}

// posting is posts that are on their way.
type posting struct {
	all  sync.WaitGroup
	mu   sync.Mutex
	done map[ids.Op]channel.Changed
	errs map[ids.Op]error
}

func (p *posting) begin(ctx context.Context, w *world, changes ...channel.Change) {
	if p.done == nil {
		p.done, p.errs = map[ids.Op]channel.Changed{}, map[ids.Op]error{}
	}
	for _, c := range changes {
		p.all.Go(func() {
			done, err := w.Change(ctx, c)
			p.mu.Lock()
			defer p.mu.Unlock()
			p.done[c.Op.ID], p.errs[c.Op.ID] = done, err
		})
	}
}

// waitsFor waits until somebody has waited for a log of the channel's cluster for a while.
func (w *world) waitsFor(id ids.Channel) {
	w.t.Helper()
	database, _ := w.router.Cluster(w.ClusterOf(id))
	servertest.Eventually(w.t, "a post waits for its channel", func() bool {
		var waiting bool
		err := database.Pool().QueryRow(w.t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%channel_log%FOR UPDATE%' AND now() - query_start > interval '50 ms')`).Scan(&waiting)
		w.must(err)
		return waiting
	})
}

// A channel that somebody holds delays its own posts alone; what waits for it is then posted together, in order and once each.
func TestBusyChannelsDelayNobodyElse(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		busy, _ := w.talkIn("busy", 1)
		others := []ids.Channel{}
		for i := range 3 {
			id, _ := w.talkIn(fmt.Sprintf("other-%d", i), 1)
			others = append(others, id)
		}
		letGo := w.holds(busy)
		defer letGo()
		var held, free posting
		twice := w.said(busy, "twice")
		changes := []channel.Change{twice, twice}
		for i := range 20 {
			changes = append(changes, w.said(busy, fmt.Sprint("held ", i)))
		}
		held.begin(t.Context(), w, changes...)
		w.waitsFor(busy)
		var freed []channel.Change
		for i := range 30 {
			freed = append(freed, w.said(others[i%len(others)], fmt.Sprint("free ", i)))
		}
		free.begin(t.Context(), w, freed...)
		free.all.Wait()
		for _, c := range freed {
			if err := free.errs[c.Op.ID]; err != nil || !free.done[c.Op.ID].Done {
				t.Errorf("beside a busy channel: %+v, %v", free.done[c.Op.ID], err)
			}
		}
		held.mu.Lock()
		if len(held.done) > 0 {
			t.Errorf("%d posts to a channel that is held were answered", len(held.done))
		}
		held.mu.Unlock()
		letGo()
		held.all.Wait()
		var numbers []int64
		for op, done := range held.done {
			if held.errs[op] != nil || !done.Done {
				t.Errorf("%+v, %v", done, held.errs[op])
			}
			numbers = append(numbers, done.Message.Number)
		}
		slices.Sort(numbers)
		for i, number := range numbers {
			if number != int64(i)+3 { // behind the link and what was said first
				t.Fatalf("the numbers are %v", numbers)
			}
		}
		if len(numbers) != 21 {
			t.Errorf("%d messages of 21", len(numbers))
		}
	})
}

// What can't be written fails alone, whatever it is posted with; so does who does not wait, and what is not for the group's eyes.
func TestABadPostFailsAlone(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		id, _ := w.talkIn("launch", 1)
		letGo := w.holds(id)
		defer letGo()
		var all posting
		var good []channel.Change
		for i := range 10 {
			good = append(good, w.said(id, fmt.Sprint("good ", i)))
		}
		bad, foreign, reply := w.said(id, "a NUL \x00"), w.said(id, "foreign"), w.said(id, "a reply to nothing")
		foreign.By = w.user(w.globex, "gil") // who is not linked
		reply.ReplyTo = ids.Message{Channel: id, Number: 1000}
		all.begin(t.Context(), w, append(slices.Clone(good), bad, foreign, reply)...)
		hasty, leave := context.WithCancel(t.Context())
		var left posting
		gone := w.said(id, "who has gone")
		left.begin(hasty, w, gone)
		leave()
		left.all.Wait()
		if err := left.errs[gone.Op.ID]; !errors.Is(err, context.Canceled) {
			t.Errorf("who does not wait gets %v", err)
		}
		letGo()
		all.all.Wait()
		for _, c := range good {
			if err := all.errs[c.Op.ID]; err != nil || !all.done[c.Op.ID].Done {
				t.Errorf("%q beside a bad post: %+v, %v", c.Body, all.done[c.Op.ID], err)
			}
		}
		if err := all.errs[bad.Op.ID]; err == nil || !strings.Contains(err.Error(), "22021") {
			t.Errorf("a NUL: %v", err)
		}
		if done, err := all.done[foreign.Op.ID], all.errs[foreign.Op.ID]; err != nil || done.Done || done.Channel != "" {
			t.Errorf("who is not linked: %+v, %v", done, err)
		}
		if done, err := all.done[reply.Op.ID], all.errs[reply.Op.ID]; err != nil || done.Done || done.Channel != channel.ChannelActive || done.Standing.Message != nil {
			t.Errorf("a reply to nothing: %+v, %v", done, err)
		}
	})
}

// Posts of both audiences that are written together stand in the order that each side reads.
func TestPostsTogetherStandInOrder(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		id, _ := w.talkIn("launch", 1)
		root, err := w.Change(t.Context(), w.said(id, "root"))
		w.must(err)
		letGo := w.holds(id)
		defer letGo()
		var first, all posting
		first.begin(t.Context(), w, w.said(id, "first"))
		w.waitsFor(id)
		var changes []channel.Change
		for i := range 40 {
			c := w.said(id, fmt.Sprint("post ", i))
			if i%3 == 0 {
				c.Message.Owner = w.acme.ID
			}
			if i%2 == 0 {
				c.ReplyTo = root.Message
			}
			changes = append(changes, c)
		}
		all.begin(t.Context(), w, changes...)
		letGo()
		first.all.Wait()
		all.all.Wait()
		log := channel.ChannelLogOf(id, w.acme.ID)
		page, err := w.ReadLog(t.Context(), log, 0, 100)
		w.must(err)
		at := map[ids.Message]int64{}
		for _, event := range page.Events {
			at[event.Message] = event.Number
		}
		for _, c := range changes {
			done := all.done[c.Op.ID]
			if all.errs[c.Op.ID] != nil || len(done.Appended) != 1 {
				t.Fatalf("%+v, %v", done, all.errs[c.Op.ID])
			}
			if told := done.Appended[0].Event.Number; told == 0 || at[done.Message] != told {
				t.Errorf("%q was told to stand at %d, and stands at %d", c.Body, told, at[done.Message])
			}
		}
		found, err := w.Messages(t.Context(), as(changes[0].By.ID), []ids.Message{root.Message})
		w.must(err)
		if n := found[root.Message].ReplyCount; n != 20 {
			t.Errorf("20 replies are counted as %d", n)
		}
		database, _ := w.router.Cluster(w.ClusterOf(id))
		var apart int
		w.must(database.Pool().QueryRow(t.Context(), `SELECT reply_count FROM linkspan_shard.private_replies WHERE channel_id = $1`, id).Scan(&apart))
		if apart != 7 {
			t.Errorf("7 replies to the group alone are counted as %d", apart)
		}
	})
}

// Where a cluster is out of reach each post of a group gets an error of its own, which names its slot.
func TestPostsToADeadCluster(t *testing.T) {
	t.Parallel()
	config := storetest.Config(t, 3)
	_, alive := storetest.OpenConfig(t, config)
	for i, shard := range config.Shards {
		if shard.Name == "shard-2" {
			config.Shards[i].DSN = strings.Replace(shard.DSN, "host=", "host=/nowhere", 1)
		}
	}
	s, _ := storetest.OpenConfig(t, config)
	var posting sync.WaitGroup
	posts := 0
	for slot := shardrouter.Slot(0); posts < 40; slot++ {
		if alive.ClusterOf(slot) != "shard-2" {
			continue
		}
		posts++
		posting.Go(func() {
			id := ids.NewChannel(time.Now(), uint16(slot))
			_, err := s.Change(t.Context(), channel.Change{
				Kind: channel.EventMessagePosted, Body: "words", Message: ids.Message{Channel: id}, Op: channel.Operation{ID: ids.NewOp()},
			})
			var unavailable *shardrouter.UnavailableError
			if !errors.As(err, &unavailable) || unavailable.Slot != slot {
				t.Errorf("slot %d: %v", slot, err)
			}
		})
	}
	posting.Wait()
}

// Posts to a slot that the cluster does not own are refused, and those to others that they come with are not.
func TestPostsToASlotThatIsNotThere(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		id, _ := w.talkIn("launch", 1)
		database, _ := w.router.Cluster(w.ClusterOf(id))
		fence := func(state string) {
			_, err := database.Pool().Exec(t.Context(), `UPDATE linkspan_shard.owned_slot SET state = $2 WHERE slot = $1`, int16(id.Slot()), state)
			w.must(err)
		}
		fence("FENCED")
		c := w.said(id, "fenced")
		done, err := w.Change(t.Context(), c)
		var fault *channel.Fault
		if !errors.As(err, &fault) || !fault.Retryable || done.Done || !errors.Is(err, shardrouter.ErrNotOwned) {
			t.Errorf("a fenced slot: %+v, %v", done, err)
		}
		fence("OWNED")
		if done, err := w.Change(t.Context(), c); err != nil || !done.Done {
			t.Errorf("owned again: %+v, %v", done, err)
		}
	})
}

// Postgres finds the rows of posts by their keys, before there are statistics and where these say that a cluster has some hundred channels.
func TestPostsReadNoTable(t *testing.T) {
	t.Parallel()
	p := newPlans(t)
	if _, err := p.conn.Exec(t.Context(), strings.ReplaceAll(store.SetPlan, "true", "false")); err != nil { // not for a transaction alone
		t.Fatal(err)
	}
	for _, when := range []string{"before", "behind"} {
		for name, query := range store.PostQueries {
			plan := strings.Join(p.of(when+" "+name, query.Text), "\n")
			if strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "Merge Join") || !strings.Contains(plan, "using "+query.Index) {
				t.Errorf("%s %s:\n%s", when, name, plan)
			}
		}
		for _, text := range []string{
			`INSERT INTO linkspan_shard.channel_log (slot, channel_id, history, head) SELECT n, gen_random_uuid(), gen_random_uuid(), 1 FROM generate_series(1, 300) AS n`,
			`ANALYZE linkspan_shard.channel_log`,
		} {
			if _, err := p.conn.Exec(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A channel of which rows are missing is none to those who post there, and nobody else is troubled.
func TestPostsToADamagedChannel(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		whole, _ := w.talkIn("whole", 1)
		for _, table := range []string{"channel_log", "channel_side"} {
			id, _ := w.talkIn("without "+table, 1)
			database, _ := w.router.Cluster(w.ClusterOf(id))
			_, err := database.Pool().Exec(t.Context(), `DELETE FROM linkspan_shard.`+table+` WHERE channel_id = $1`, id)
			w.must(err)
			if done, err := w.Change(t.Context(), w.said(id, "hello")); err != nil || done.Done || done.Channel != "" {
				t.Errorf("without %s: %+v, %v", table, done, err)
			}
		}
		if done, err := w.Change(t.Context(), w.said(whole, "hello")); err != nil || !done.Done {
			t.Errorf("beside them: %+v, %v", done, err)
		}
	})
}
