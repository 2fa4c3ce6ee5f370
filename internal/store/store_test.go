package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/store"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

func TestMain(m *testing.M) { os.Exit(localpgtest.Main(m)) }

// eachShape runs a test over an installation with three shards, over one whose only shard shares main's database, and
// over that without prepared statements, as through a pooler, and with groups of posts by slot, as for some engines.
func eachShape(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	for name, shape := range map[string]struct {
		shards         int
		pooler, bySlot bool
	}{"three shards": {3, false, false}, "one database": {0, false, false}, "through a pooler": {0, true, false}, "by slot": {0, false, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := storetest.Config(t, shape.shards)
			config.DisablePreparing = shape.pooler
			test(t, newWorld(t, config, store.PostBySlot(shape.bySlot)))
		})
	}
}

// newWorld opens an installation and registers its groups.
func newWorld(t *testing.T, config shardrouter.Config, options ...store.Option) *world {
	t.Helper()
	s, router := storetest.OpenConfig(t, config, options...)
	w := &world{t: t, Store: s, router: router, options: options, deliverer: channel.Deliverer{Shards: s, Hints: noHints{}}}
	w.acme, w.globex = w.group("acme"), w.group("globex")
	return w
}

type noHints struct{}

func (noHints) Publish(channel.Appended) {}
func (noHints) Moved(channel.LogKey)     {}
func (noHints) Marked(channel.Marked)    {}

// world is an installation with two groups.
type world struct {
	*store.Store
	t            *testing.T
	router       *shardrouter.Router
	options      []store.Option
	deliverer    channel.Deliverer
	acme, globex channel.Group
}

// another is another process on the installation, which is told more than the others.
func (w *world) another(more ...store.Option) *store.Store {
	return store.New(w.router, slices.Concat(w.options, more)...)
}

func (w *world) decide(fn func(ctx context.Context, tx channel.MainTx) error) error {
	return w.Decide(w.t.Context(), fn)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) group(handle string) channel.Group {
	w.t.Helper()
	g := channel.Group{ID: ids.NewGroup(), Handle: handle, Name: strings.ToUpper(handle)}
	step := channel.Step{
		Stream: channel.Stream{Subject: g.ID.Bytes(), Destination: channel.Destination{Group: g.ID}},
		Op:     ids.NewOp(), Kind: channel.StepRegisterGroup, Effect: channel.Effect{Group: &g},
	}
	steps := []channel.Step{step}
	w.must(w.decide(func(ctx context.Context, tx channel.MainTx) error {
		if ok, err := tx.InsertGroup(ctx, g); err != nil || !ok {
			return errors.Join(err, errors.New("no group"))
		}
		return tx.AppendSteps(ctx, steps)
	}))
	w.deliver(steps...)
	return g
}

func (w *world) user(g channel.Group, sub string) channel.User {
	return channel.User{ID: ids.UserOf(g.ID, sub), Name: sub, Group: g}
}

func (w *world) deliver(steps ...channel.Step) {
	w.t.Helper()
	for _, step := range steps {
		w.must(w.deliverer.Deliver(w.t.Context(), step))
	}
}

func about(in *channel.Invitation, to channel.Destination, kind channel.StepKind) channel.Step {
	return channel.Step{
		Stream: channel.Stream{Subject: in.ChannelID.Bytes(), Destination: to}, Op: ids.NewOp(), Kind: kind,
		Effect: channel.Effect{Invitation: in},
	}
}

// create decides on a channel of acme's that globex is asked to share, and returns the steps that follow.
func (w *world) create(name string, ttl time.Duration) (*channel.Invitation, []channel.Step, bool) {
	w.t.Helper()
	in := &channel.Invitation{
		ID: ids.NewInvitation(), ChannelID: ids.NewChannel(time.Now(), w.SlotOf(w.acme.ID)), State: channel.InvitationPending,
		Version: 1, FromGroup: w.acme, ToGroup: w.globex, Sender: w.user(w.acme, "ana"), ProposedName: name,
	}
	steps := []channel.Step{
		about(in, channel.Destination{Channel: in.ChannelID}, channel.StepCreateChannel),
		about(in, channel.Destination{Group: w.globex.ID}, channel.StepReceiveInvitation),
	}
	ok := true
	w.must(w.decide(func(ctx context.Context, tx channel.MainTx) error {
		taken, err := tx.TakenNames(ctx, w.acme.ID, []string{channel.NameKey(name)})
		if ok = len(taken) == 0; err != nil || !ok {
			return err
		}
		at, _, _, err := tx.Parties(ctx, w.acme.ID, w.globex.ID)
		if err != nil {
			return err
		}
		in.CreatedAt, in.ExpiresAt = at, at.Add(ttl)
		by := in.Sender
		if err := tx.InsertChannel(ctx, &channel.Move{
			Op: ids.NewOp(), Deed: channel.DeedCreate, Rule: channel.RuleDefault, At: at, By: &by, Invitation: in, Channel: channel.ChannelPending,
		}); err != nil {
			return err
		}
		return tx.AppendSteps(ctx, steps)
	}))
	return in, steps, ok
}

func TestStepsTakeEffectOnceAndInOrder(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		in, steps, _ := w.create("launch", time.Hour)
		later := steps[1]
		later.Number, later.Kind = 2, channel.StepChangeInvitation
		if err := w.deliverer.Deliver(t.Context(), later); !errors.Is(err, channel.ErrStepGap) {
			t.Fatalf("step 2 before step 1: %v, want ErrStepGap", err)
		}
		var racing sync.WaitGroup
		for range 8 {
			racing.Go(func() {
				for _, step := range steps {
					if err := w.deliverer.Deliver(t.Context(), step); err != nil {
						t.Error(err)
					}
				}
			})
		}
		racing.Wait()
		w.deliver(later, later, steps[1])
		for group, want := range map[channel.Group][]channel.EventKind{
			w.acme:   {channel.EventInvitationChanged},
			w.globex: {channel.EventInvitationReceived, channel.EventInvitationChanged},
		} {
			page, err := w.ReadLog(t.Context(), channel.InboxOf(group.ID), 0, 10)
			w.must(err)
			var kinds []channel.EventKind
			for i, event := range page.Events {
				kinds = append(kinds, event.Kind)
				if event.Number != int64(i+1) || event.Invitation != in.ID {
					t.Errorf("%s: event %d is %+v", group.Handle, i, event)
				}
			}
			if len(kinds) != len(want) || page.Head.Number != int64(len(want)) {
				t.Fatalf("%s heard %v, want %v", group.Handle, kinds, want)
			}
			for i := range want {
				if kinds[i] != want[i] {
					t.Errorf("%s heard %v, want %v", group.Handle, kinds, want)
				}
			}
		}
	})
}

func TestUsersAreKnownByAcquaintance(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		_, steps, _ := w.create("launch", time.Hour)
		w.deliver(steps...)
		ana, ben, gil := w.user(w.acme, "ana"), w.user(w.acme, "ben"), w.user(w.globex, "gil")
		cross := ana.ID
		cross.Group = w.globex.ID
		found, err := w.Users(t.Context(), anyOf(w.globex.ID), []ids.User{ana.ID, ben.ID, gil.ID, cross})
		if err != nil || len(found) != 1 || found[ana.ID] != ana {
			t.Errorf("globex knows %+v, %v; want ana alone", found, err)
		}
		groups, err := w.FindGroups(t.Context(), []ids.Group{w.acme.ID, ids.NewGroup()})
		if err != nil || len(groups) != 1 || groups[w.acme.ID] != w.acme {
			t.Errorf("groups %+v, %v", groups, err)
		}
	})
}

func TestNamesAreClaimedOnce(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		won := make(chan bool, 10)
		var racing sync.WaitGroup
		for range cap(won) {
			racing.Go(func() {
				_, _, ok := w.create("Straße", time.Hour)
				won <- ok
			})
		}
		racing.Wait()
		close(won)
		winners := 0
		for ok := range won {
			if ok {
				winners++
			}
		}
		if winners != 1 {
			t.Fatalf("%d transactions claimed the name, want 1", winners)
		}
		w.must(w.decide(func(ctx context.Context, tx channel.MainTx) error {
			taken, err := tx.TakenNames(ctx, w.acme.ID, []string{channel.NameKey("STRASSE"), channel.NameKey("other")})
			if len(taken) != 1 || !taken[channel.NameKey("straße")] {
				t.Errorf("taken: %v", taken)
			}
			return err
		}))
	})
}

func TestExpiryIsMainsClock(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		in, _, _ := w.create("brief", time.Microsecond)
		runs := 0
		err := w.decide(func(ctx context.Context, tx channel.MainTx) error {
			runs++
			f, err := tx.LockInvitation(ctx, in.ID)
			if err != nil {
				return err
			}
			if f.Invitation.State != channel.InvitationPending || f.At.Before(f.Invitation.ExpiresAt) {
				t.Errorf("at %v it is %s until %v", f.At, f.Invitation.State, f.Invitation.ExpiresAt)
			}
			return tx.Write(ctx, moved(f, channel.InvitationAccepted))
		})
		if runs < 2 || err == nil {
			t.Errorf("an overdue invitation was accepted, in %d runs: %v", runs, err)
		}
		w.must(w.decide(func(ctx context.Context, tx channel.MainTx) error {
			overdue, err := tx.LockOverdue(ctx, 10)
			if err != nil || len(overdue) != 1 || overdue[0].Invitation.ID != in.ID {
				return errors.Join(err, fmt.Errorf("overdue: %+v", overdue))
			}
			f := overdue[0]
			if c := f.Channel; c.Open != 1 || c.Linked != 0 || c.State != channel.ChannelPending || c.Initiator.Group != w.acme.ID || f.Link.State != channel.LinkInvited {
				t.Errorf("its channel is %+v, the link %+v", c, f.Link)
			}
			m := moved(f, channel.InvitationExpired)
			closed := f.Channel.Initiator
			closed.State, closed.LinkedAt = channel.LinkClosed, nil
			closed.Version++
			m.Links, m.Channel = []channel.Link{closed}, channel.ChannelClosed
			return tx.Write(ctx, m)
		}))
		w.must(w.decide(func(ctx context.Context, tx channel.MainTx) error {
			f, err := tx.LockInvitation(ctx, in.ID)
			if err == nil && (f.Invitation.State != channel.InvitationExpired || f.Invitation.Version != 2 || f.Channel.Open != 0 ||
				f.Channel.State != channel.ChannelClosed || f.Channel.Initiator.State != channel.LinkClosed || f.Channel.Initiator.LinkedAt != nil) {
				t.Errorf("after it: %+v, %+v", f.Invitation, f.Channel)
			}
			return err
		}))
		if _, _, ok := w.create("brief", time.Hour); !ok {
			t.Error("the name of a closed channel is not free")
		}
	})
}

// moved brings an invitation to a state, and changes nothing else.
func moved(f *channel.Facts, to channel.InvitationState) *channel.Move {
	in := *f.Invitation
	in.State, in.ResolvedAt = to, &f.At
	in.Version++
	return &channel.Move{Op: ids.NewOp(), Deed: "TEST", Rule: channel.RuleDefault, At: f.At, Invitation: &in, Channel: f.Channel.State}
}

// What was judged must still be so when it is written: the invitation's version, and that of each link.
func TestDecisionsRepeatWhatWasJudged(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		for name, spoil := range map[string]func(m *channel.Move){
			"another version": func(m *channel.Move) { m.Invitation.Version++ },
			"another version of a link": func(m *channel.Move) {
				m.Links = []channel.Link{{Channel: m.Invitation.ChannelID, Group: w.globex.ID, State: channel.LinkClosed, Version: 3}}
			},
			"a link that is not there": func(m *channel.Move) {
				m.Links = []channel.Link{{Channel: m.Invitation.ChannelID, Group: ids.NewGroup(), State: channel.LinkClosed, Version: 2}}
			},
			"not overdue":      func(m *channel.Move) { m.Invitation.State = channel.InvitationExpired },
			"decided already":  nil,
			"nothing is wrong": func(*channel.Move) {},
		} {
			in, _, _ := w.create(name, time.Hour)
			runs := 0
			decide := func(spoil func(m *channel.Move)) error {
				runs = 0
				return w.decide(func(ctx context.Context, tx channel.MainTx) error {
					runs++
					f, err := tx.LockInvitation(ctx, in.ID)
					if err != nil {
						return err
					}
					m := moved(f, channel.InvitationDeclined)
					spoil(m)
					return tx.Write(ctx, m)
				})
			}
			if spoil == nil {
				spoil = func(*channel.Move) {}
				w.must(decide(spoil))
			}
			if err := decide(spoil); (err == nil) != (name == "nothing is wrong") || (runs == 1) != (err == nil) {
				t.Errorf("%s: %v after %d runs", name, err, runs)
			}
		}
	})
}

// What the groups say about sharing must still be so when it is written, as far as it played a part.
func TestDecisionsRepeatWhatGroupsSay(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		says := func(group channel.Group, other channel.Group, stance bool) {
			w.must(w.decide(func(ctx context.Context, tx channel.MainTx) error {
				by := channel.Decision{Op: ids.NewOp(), Deed: "TEST", By: w.user(group, "ana")}
				if stance {
					at, s, err := tx.Stance(ctx, group.ID, other.ID)
					if err != nil {
						return err
					}
					s.Version++
					s.Trusted, by.At = !s.Trusted, at
					return tx.SaveStance(ctx, by, other.ID, s)
				}
				at, p, err := tx.Policy(ctx, group.ID)
				if err != nil {
					return err
				}
				p.Version++
				p.OutgoingApproval, by.At = !p.OutgoingApproval, at
				return tx.SavePolicy(ctx, by, p)
			}))
		}
		for name, test := range map[string]struct {
			of             channel.Group
			stance         bool
			moves, creates int // runs
		}{
			"the sender's policy": {w.acme, false, 2, 2}, "the target's policy": {w.globex, false, 2, 2},
			"what the sender thinks of the target": {w.acme, true, 2, 2}, "what the target thinks of the sender": {w.globex, true, 2, 1},
		} {
			other := w.acme
			if test.of == w.acme {
				other = w.globex
			}
			for range 2 { // the first time there is no row yet
				in, _, _ := w.create(name+ids.NewOp().UUID().String(), time.Hour)
				moves, creates := 0, 0
				w.must(w.decide(func(ctx context.Context, tx channel.MainTx) error {
					f, err := tx.LockInvitation(ctx, in.ID)
					if moves++; err != nil {
						return err
					}
					if moves == 1 {
						says(test.of, other, test.stance)
					}
					m := moved(f, channel.InvitationDeclined)
					m.Judged = &channel.Judged{
						PolicyFrom: f.From.Policy.Version, PolicyTo: f.To.Policy.Version, StanceFrom: f.From.Stance.Version, StanceTo: f.To.Stance.Version,
					}
					return tx.Write(ctx, m)
				}))
				made := *in
				made.ID, made.ChannelID, made.ProposedName = ids.NewInvitation(), ids.NewChannel(time.Now(), w.SlotOf(w.acme.ID)), "again "+in.ProposedName
				w.must(w.decide(func(ctx context.Context, tx channel.MainTx) error {
					at, own, target, err := tx.Parties(ctx, w.acme.ID, w.globex.ID)
					if creates++; err != nil {
						return err
					}
					if creates == 1 {
						says(test.of, other, test.stance)
					}
					return tx.InsertChannel(ctx, &channel.Move{
						Op: ids.NewOp(), Deed: channel.DeedCreate, Rule: channel.RuleDefault, At: at, By: &made.Sender, Invitation: &made,
						Channel: channel.ChannelPending, Judged: &channel.Judged{
							PolicyFrom: own.Policy.Version, PolicyTo: target.Policy.Version, StanceFrom: own.Stance.Version, StanceTo: channel.NotLookedAt,
						},
					})
				}))
				if moves != test.moves || creates != test.creates {
					t.Errorf("%s changes: a move took %d runs, a create %d, want %d and %d", name, moves, creates, test.moves, test.creates)
				}
			}
		}
	})
}

func TestOperationsAreKeptOnce(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		name := "asked"
		op := channel.Operation{ID: ids.OpFor("a", "b"), Mutation: "m", Input: "in", Outcome: channel.Outcome{Invitation: ids.NewInvitation()}}
		refusal := errors.New("refused")
		err := w.decide(func(ctx context.Context, tx channel.MainTx) error {
			if kept, err := tx.Claim(ctx, op); kept != nil || err != nil {
				t.Errorf("first claim: %v %v", kept, err)
			}
			return refusal
		})
		if !errors.Is(err, refusal) {
			t.Fatalf("got %v", err)
		}
		want := op.Outcome
		want.NameChangedFrom = &name
		w.must(w.decide(func(ctx context.Context, tx channel.MainTx) error {
			if kept, err := tx.Claim(ctx, op); kept != nil || err != nil {
				t.Errorf("a refused operation was kept: %v %v", kept, err)
			}
			return tx.AmendOutcome(ctx, op.ID, want)
		}))
		for what, end := range map[string]error{"a success": nil, "a refusal": refusal} {
			var kept *channel.Operation
			err := w.decide(func(ctx context.Context, tx channel.MainTx) (err error) {
				if kept, err = tx.Claim(ctx, op); kept != nil || err != nil {
					return err
				}
				return end // as long as nobody looks
			})
			if err != nil || kept == nil || kept.Input != "in" || kept.Outcome.Invitation != want.Invitation || *kept.Outcome.NameChangedFrom != name {
				t.Errorf("a repetition that would be %s: kept %+v, %v", what, kept, err)
			}
		}
		if n, err := w.ForgetOperations(t.Context(), time.Hour, 10); n != 0 || err != nil {
			t.Errorf("forgot %d fresh operations, %v", n, err)
		}
		if n, err := w.ForgetOperations(t.Context(), -time.Hour, 10); n < 1 || err != nil {
			t.Errorf("forgot %d old operations, %v", n, err)
		}
	})
}

func TestOutboxKeepsWhatIsNotNoted(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		_, steps, _ := w.create("launch", time.Hour)
		subject := steps[0].Stream.Subject
		open, err := w.OpenSteps(t.Context(), subject)
		w.must(err)
		if len(open) != 2 || open[0].Kind != channel.StepCreateChannel || open[0].Effect.Invitation.ProposedName != "launch" {
			t.Fatalf("open steps: %+v", open)
		}
		if claims, err := w.ClaimDue(t.Context(), 10, time.Minute); err != nil || len(claims) != 0 {
			t.Fatalf("a relay took %v from the request that drives them, %v", claims, err)
		}
		for _, step := range steps {
			w.must(w.Defer(t.Context(), step.Stream, 0))
		}
		claims, err := w.ClaimDue(t.Context(), 10, time.Minute)
		w.must(err)
		if len(claims) != 2 || claims[0].Attempts != 1 {
			t.Fatalf("claims: %+v", claims)
		}
		if again, err := w.ClaimDue(t.Context(), 10, time.Minute); err != nil || len(again) != 0 {
			t.Fatalf("leased steps were taken again: %v %v", again, err)
		}
		w.must(w.Complete(t.Context(), append(steps, steps...)))
		if open, err = w.OpenSteps(t.Context(), subject); err != nil || len(open) != 0 {
			t.Fatalf("still open: %+v %v", open, err)
		}
	})
}
