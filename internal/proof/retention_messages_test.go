package proof_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// sayings are what was said in a channel, and what must have become of it.
type sayings struct {
	mu   sync.Mutex
	all  []ids.Message
	of   map[ids.Message]int  // the side that said it
	gone map[ids.Message]bool // its author's group deleted it
}

func (s *sayings) add(m *channel.Message, side int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all, s.of[m.ID] = append(s.all, m.ID), side
}

// one is any of them that a side may see.
func (s *sayings) one(side int, groups []channel.Group) ids.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if m := s.all[rand.N(len(s.all))]; m.Owner.IsZero() || m.Owner == groups[side].ID {
			return m
		}
	}
}

// keepDays has a side say for how many days its messages are kept.
func (k *talk) keepDays(t *testing.T, side int, days int32) {
	t.Helper()
	in := channel.UpdateChannelSideInput{ChannelID: k.id, RetentionDays: &days, Given: map[string]bool{"retentionDays": true}}
	v, p := k.viewer(side, "ana"), k.processes[0]
	err := k.world.shards[p.store.ClusterOf(k.id)].QueryRow(t.Context(), `
		SELECT version FROM linkspan_shard.channel_side WHERE channel_id = $1 AND group_id = $2`, k.id, v.Group.ID).Scan(&in.ExpectedVersion)
	if err != nil {
		t.Fatal(err)
	}
	if payload, err := p.UpdateChannelSide(t.Context(), v, in); err != nil || len(payload.Errors) > 0 {
		t.Fatal(err, payload)
	}
}

// dayGoesBy makes all that was said a day older.
func (k *talk) dayGoesBy(t *testing.T) {
	t.Helper()
	pool := k.world.shards[k.processes[0].store.ClusterOf(k.id)]
	const day = ` - interval '25 hours' WHERE channel_id = $1`
	for _, text := range []string{
		`UPDATE linkspan_shard.message SET created_at = created_at` + day,
		`UPDATE linkspan_shard.channel_event SET at = at` + day + ` AND kind = 'MESSAGE_POSTED'`,
		`UPDATE linkspan_shard.private_event SET at = at` + day + ` AND kind = 'MESSAGE_POSTED'`,
		`UPDATE linkspan_shard.channel_side SET retention_due_at = retention_due_at` + day,
	} {
		if _, err := pool.Exec(t.Context(), text, k.id); err != nil {
			t.Fatal(err)
		}
	}
}

// deleteOutdated has a process sweep all clusters once.
func (k *talk) deleteOutdated(t *testing.T, p *process) (deleted int) {
	for _, cluster := range p.store.ShardClusters() {
		n, err := p.DeleteOutdated(t.Context(), cluster)
		if err != nil {
			t.Error(err)
		}
		deleted += n
	}
	return deleted
}

// meddle has a user do something about a message that may be gone any moment, or say something. It is done or refused, for it is not there.
func (k *talk) meddle(ctx context.Context, s *channel.Service, said *sayings, side, n int) error {
	v, of := k.viewer(side, fmt.Sprintf("writer %d", n)), said.one(side, k.world.groups)
	var payload *channel.MessagePayload
	var err error
	switch what := rand.N(6); what {
	case 0, 1:
		in := channel.PostMessageInput{ChannelID: k.id, Body: "said meanwhile"}
		if what == 1 {
			in.ReplyToID = &of
		}
		if payload, err = s.PostMessage(ctx, v, in); err == nil && payload.Message != nil {
			said.add(payload.Message, side)
		}
		if err == nil && what == 1 && len(payload.Errors) > 0 && payload.Errors[0].GetCode() == channel.CodeInvalidInput {
			return nil // a reply to a reply
		}
	case 2:
		payload, err = s.EditMessage(ctx, v, channel.EditMessageInput{MessageID: of, Body: "edited"})
	case 3:
		payload, err = s.AddReaction(ctx, v, channel.AddReactionInput{MessageID: of, Emoji: "👍"})
	case 4:
		payload, err = s.RemoveReaction(ctx, v, channel.RemoveReactionInput{MessageID: of, Emoji: "👍"})
	default:
		if payload, err = s.DeleteMessage(ctx, k.viewer(side, "ana"), channel.DeleteMessageInput{MessageID: of}); err == nil && payload.Message != nil {
			said.mu.Lock()
			said.gone[of] = true
			said.mu.Unlock()
		}
	}
	if err == nil && len(payload.Errors) > 0 {
		if code := payload.Errors[0].GetCode(); code != channel.CodeMessageNotFound && code != channel.CodeNotAllowed {
			err = fmt.Errorf("refused: %v", payload.Errors)
		}
	}
	return err
}

// TestRetentionOfMessages has two processes delete what a side keeps no longer while both sides post, reply, edit, react and delete. What was old is
// gone, once, nothing else is, whoever said what meanwhile finds it, and who follows hears each side's one order.
func TestRetentionOfMessages(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	in := newInstallation(t)
	processes := []*process{in.open(t), in.open(t)}
	k := newTalk(t, newWorld(t, in, processes[0], 2), processes...)
	k.keepDays(t, 0, 1)
	said := &sayings{of: map[ids.Message]int{}, gone: map[ids.Message]bool{}}
	var live [2]*feed
	for side := range live {
		f, err := follow(ctx, processes[side].Service, k.viewer(side, "ana"), k.id, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.Close)
		live[side] = f
	}
	outdated, deleted := map[ids.Message]bool{}, 0
	for range number(6, 100) {
		for n := range 60 {
			m, err := k.post(ctx, processes[n%2].Service, k.viewer(n%2, fmt.Sprintf("writer %d", n%8)), rand.N(3) == 0, "said", nil)
			if err != nil {
				t.Fatal(err)
			}
			said.add(m, n%2)
		}
		k.dayGoesBy(t)
		for _, m := range said.all {
			outdated[m] = outdated[m] || said.of[m] == 0
		}
		var meddling, sweeping sync.WaitGroup
		var swept [2]int
		for i, p := range processes {
			sweeping.Go(func() { swept[i] = k.deleteOutdated(t, p) })
		}
		for n := range 8 {
			meddling.Go(func() {
				for range 12 {
					if err := k.meddle(ctx, processes[rand.N(2)].Service, said, n%2, n); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		meddling.Wait()
		sweeping.Wait()
		if deleted += swept[0] + swept[1]; k.deleteOutdated(t, processes[0]) > 0 {
			t.Error("something was left for the next time")
		}
		k.stands(t, said, outdated)
	}
	if deleted == 0 {
		t.Error("nothing was ever deleted")
	}
	if _, err := k.post(ctx, processes[0].Service, k.viewer(0, "ana"), false, "the end", nil); err != nil {
		t.Fatal(err)
	}
	for side, f := range live {
		first := k.whole(t, side, "the end")
		var heard []told
		for len(heard) == 0 || heard[len(heard)-1] != first[len(first)-1] {
			event, err := f.next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if told, _, ok := note(event); ok {
				heard = append(heard, told)
			}
		}
		if want := first[len(first)-len(heard):]; fmt.Sprint(heard) != fmt.Sprint(want) {
			t.Errorf("side %d heard %v, and its log has %v", side, heard, want)
		}
	}
	in.check(t, processes[0])
}

// stands fails the test where a message is gone that should be there, or there that should be gone.
func (k *talk) stands(t *testing.T, said *sayings, outdated map[ids.Message]bool) {
	t.Helper()
	for side := range k.world.groups {
		own := slices.DeleteFunc(slices.Clone(said.all), func(m ids.Message) bool { return said.of[m] != side })
		found, err := k.processes[1].store.Messages(t.Context(), channel.Reader{User: k.viewer(side, "ana").User.ID}, own)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range own {
			is := found[m]
			if gone := outdated[m] || said.gone[m]; is == nil || gone != (is.State == channel.Deleted) || gone != (is.Body == nil) {
				t.Fatalf("%v of side %d, outdated: %v, deleted by a user: %v, is %+v", m, side, outdated[m], said.gone[m], is)
			}
		}
	}
}
