package proof_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"linkspan/internal/channel"
)

// workers is how many live at once, each on an installation of its own.
const workers = 4

// How many lives all of them live together, and about how many steps each has.
const (
	livesUsually = 300
	livesLong    = 5000
	stepsUsually = 8
	stepsLong    = 15
)

// setLength tells rapid how many lives a worker lives, and how long they are.
var setLength = sync.OnceValue(func() error {
	return errors.Join(flag.Set("rapid.checks", fmt.Sprint(number(livesUsually, livesLong)/workers)),
		flag.Set("rapid.steps", fmt.Sprint(number(stepsUsually, stepsLong))))
})

// TestLives lives random lives of channels between three groups and compares each answer, what each group is shown, and in
// the end all tables with the model.
func TestLives(t *testing.T) {
	t.Parallel()
	if err := setLength(); err != nil {
		t.Fatal(err)
	}
	for n := range workers {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			in := newInstallation(t)
			p := in.open(t)
			defer func() { p.stop() }()
			did := make(map[string]int)
			rapid.Check(t, func(rt *rapid.T) {
				s := &story{world: newWorld(rt, in, p, 3), process: p, model: newModel(), did: did}
				defer func() { p = s.process }()
				rt.Repeat(map[string]func(*rapid.T){
					"one": s.one, "another": s.one, "approve": s.approves, "policy": s.setsPolicy, "stance": s.thinks, "say": s.say, "say more": s.say,
					"the answer is lost": s.loses, "again": s.again, "pair": s.pair, "time runs out": s.timeRunsOut, "sweep": s.sweep, "look": s.look,
					"the process ends": s.ends,
				})
				s.end(rt)
			})
			in.check(t, p)
			t.Logf("%v", did)
		})
	}
}

// talkWorkers is how many conversations are led at once, where there is time.
const talkWorkers = 4

// TestConversations leads random conversations of three groups in two channels, as TestLives lives lives.
func TestConversations(t *testing.T) {
	t.Parallel()
	if err := setLength(); err != nil {
		t.Fatal(err)
	}
	for n := range number(1, talkWorkers) {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			in := newInstallation(t)
			p := in.open(t)
			defer func() { p.stop() }()
			did := make(map[string]int)
			rapid.Check(t, func(rt *rapid.T) {
				s := &story{world: newWorld(rt, in, p, 3), process: p, model: newModel(), did: did, talks: true}
				defer func() { p = s.process }()
				for life, between := range [][2]int{{0, 1}, {1, 2}} {
					s.run(rt, operation{do: create, by: person{between[0], "ana"}, target: between[1], name: fmt.Sprint("launch ", life)})
					s.run(rt, operation{do: accept, by: person{between[1], "ana"}, life: life})
				}
				rt.Repeat(map[string]func(*rapid.T){
					"say": s.say, "say more": s.sayMore, "the answer is lost": s.loses, "again": s.again, "pair": s.pair, "look": s.look,
					"the process ends": s.ends,
				})
				s.end(rt)
			})
			in.check(t, p)
			t.Logf("%v", did)
		})
	}
}

// story is the channels of three groups, as they should be and as they are.
type story struct {
	world   *world
	process *process
	model   *model
	past    []operation
	did     map[string]int
	talks   bool // and does nothing else
}

// persons are all users of the groups; those who may decide come up more often.
var persons = rapid.Custom(func(t *rapid.T) person {
	group := rapid.IntRange(0, 2).Draw(t, "group")
	return person{group, rapid.SampledFrom([]string{"ana", "amy", "ana", "ben"}).Draw(t, "user")}
})

// draw makes an operation up. Names and keys are few, so that they meet.
func (s *story) draw(t *rapid.T) operation {
	op := operation{do: create, by: persons.Draw(t, "by"), key: rapid.SampledFrom([]string{"", "", "k1", "k2"}).Draw(t, "key")}
	if len(s.model.lives) > 0 {
		op.do = rapid.SampledFrom([]verb{
			create, create, accept, accept, accept, decline, revoke, invite, invite, leave, remove, offer, take, grant, forbid, rename, rename,
		}).Draw(t, "do")
	}
	names := []string{"plan", "Plan", "plan 2", "launch"}
	if op.do == create {
		op.target = (op.by.group + rapid.SampledFrom([]int{1, 2, 1, 2, 1, 2, 0}).Draw(t, "target")) % len(s.world.groups)
		op.name = rapid.SampledFrom(names).Draw(t, "name")
		return op
	}
	op.life = rapid.IntRange(0, len(s.model.lives)-1).Draw(t, "life")
	l := &s.model.lives[op.life]
	if op.do == invite || slices.Contains(linksAlone, op.do) {
		op.target = rapid.IntRange(0, len(s.world.groups)-1).Draw(t, "target")
		if op.do == rename {
			op.target, op.name = 0, rapid.SampledFrom(append(names, "")).Draw(t, "name")
			if k := l.link(op.by.group); k != nil {
				op.version = k.version - max(0, rapid.IntRange(-3, 1).Draw(t, "stale"))
			}
			return op
		}
		if op.do != take && op.do != leave && rapid.IntRange(0, 3).Draw(t, "another") > 0 {
			op.by.group = l.initiator
		}
		return op
	}
	op.in = rapid.IntRange(0, len(l.invitations)-1).Draw(t, "invitation")
	if op.do == accept {
		op.name = rapid.SampledFrom(append(names, "")).Draw(t, "name")
	}
	// Mostly it is one who may.
	if in := l.invitations[op.in]; rapid.IntRange(0, 3).Draw(t, "stranger") > 0 {
		if op.by.group = in.to; op.do == revoke {
			op.by.group = in.from
		}
	}
	return op
}

// approves gives an approval, or denies it, where somebody was ever asked.
func (s *story) approves(t *rapid.T) {
	if len(s.model.lives) > 0 {
		s.run(t, s.drawApproval(t))
	}
}

// setsPolicy has a group say what an admin has to agree with.
func (s *story) setsPolicy(t *rapid.T) {
	op := operation{do: setPolicy, by: person{rapid.IntRange(0, len(s.world.groups)-1).Draw(t, "group"), "ana"}, policy: policy{
		outgoing: rapid.Bool().Draw(t, "outgoing"), incoming: rapid.Bool().Draw(t, "incoming"), membersAccept: rapid.Bool().Draw(t, "members"),
	}}
	s.model.apply(op)
	if _, err := s.world.do(context.Background(), s.process.Service, s.model, op); err != nil {
		t.Fatal(err)
	}
	s.did[string(setPolicy)]++
}

// drawTalk makes an operation of a conversation up, if there is a channel.
func (s *story) drawTalk(t *rapid.T) (operation, bool) {
	op := operation{do: post, by: persons.Draw(t, "by"), key: rapid.SampledFrom([]string{"", "", "k1", "k2"}).Draw(t, "key"), message: -1}
	var open []int
	for i := range s.model.lives {
		if s.model.lives[i].state == channel.ChannelActive {
			open = append(open, i)
		}
	}
	switch {
	case len(s.model.lives) == 0:
		return op, false
	case len(open) == 0 || rapid.IntRange(0, 7).Draw(t, "any") == 0:
		op.life = rapid.IntRange(0, len(s.model.lives)-1).Draw(t, "life")
	default:
		op.life = rapid.SampledFrom(open).Draw(t, "life")
	}
	l := &s.model.lives[op.life]
	if rapid.IntRange(0, 7).Draw(t, "stranger") > 0 { // mostly it is one who takes part
		op.by.group = rapid.SampledFrom(l.groups()).Draw(t, "side")
	}
	if len(l.said) > 0 {
		op.do = rapid.SampledFrom([]verb{post, post, post, edit, erase, react, react, retake, read}).Draw(t, "do")
	}
	if len(l.said) > 0 && (op.do != post || rapid.Bool().Draw(t, "reply")) {
		op.message = rapid.IntRange(0, len(l.said)-1).Draw(t, "message")
		if author := l.said[op.message].by; (op.do == edit || op.do == erase) && rapid.IntRange(0, 3).Draw(t, "author") > 0 {
			op.by = author
		}
	}
	if op.do == post || op.do == edit {
		op.name = rapid.SampledFrom([]string{"one", "two"}).Draw(t, "body")
	}
	op.own = op.do == post && rapid.Bool().Draw(t, "own")
	return op, true
}

// say does something in a conversation.
func (s *story) say(t *rapid.T) {
	if op, ok := s.drawTalk(t); ok {
		s.run(t, op)
	}
}

// sayMore does a few things in conversations.
func (s *story) sayMore(t *rapid.T) {
	for range rapid.IntRange(3, 8).Draw(t, "times") {
		s.say(t)
	}
}

// loses lets the answer of a change of a conversation be lost behind its commit. The repetition with the same key gets it.
func (s *story) loses(t *rapid.T) {
	op, ok := s.drawTalk(t)
	if !ok || op.do == read {
		return
	}
	op.key = fmt.Sprintf("lost %d", len(s.past))
	s.model.apply(op)
	dying := *s.process.Service
	dying.Conversation = silent{dying.Conversation}
	if got, err := s.world.do(context.Background(), &dying, s.model, op); err != nil && !errors.Is(err, errDead) || err == nil && got.refused == "" {
		t.Fatalf("%v: %+v, %v", op, got, err)
	}
	s.did["an answer is lost"]++
	s.run(t, op)
}

// silent is the shards of a process that dies when it has committed a change.
type silent struct{ channel.Conversation }

func (s silent) Change(ctx context.Context, c channel.Change) (channel.Changed, error) {
	if _, err := s.Conversation.Change(ctx, c); err != nil {
		return channel.Changed{}, err
	}
	return channel.Changed{}, errDead
}

// drawAny makes an operation up.
func (s *story) drawAny(t *rapid.T) operation {
	if s.talks || rapid.Bool().Draw(t, "talk") {
		if op, ok := s.drawTalk(t); ok {
			return op
		}
	}
	return s.draw(t)
}

// one does one operation. The same viewer sees at once what it has done.
func (s *story) one(t *rapid.T) { s.run(t, s.draw(t)) }

func (s *story) run(t rapid.TB, op operation) {
	t.Helper()
	want := s.model.apply(op)
	got, err := s.world.do(context.Background(), s.process.Service, s.model, op)
	if err != nil || !s.model.takes(want, got) || want.suggestion != got.suggestion {
		t.Fatalf("%v: got %+v, want %+v: %v", op, got, want, err)
	}
	s.past = append(s.past, op)
	s.count(op, got)
	if !got.message.IsZero() {
		if want := s.model.lives[want.life].shows(want.about, op.by); got.shown != want {
			t.Fatalf("%v: the answer shows %s, want %s", op, got.shown, want)
		}
	}
	if got.refused == "" {
		shown, err := s.world.nodes(s.process.Service, op.by, s.model.lives[want.life])
		if want := s.model.nodes(want.life, op.by.group); err != nil || shown[0] != want {
			t.Fatalf("after %v it is shown %s, want %s: %v", op, shown, want, err)
		}
	}
}

func (s *story) count(op operation, got answer) { s.did[string(op.do)+": "+got.short()]++ }

// again repeats something from before, with its key if it had one.
func (s *story) again(t *rapid.T) {
	if len(s.past) > 0 {
		s.run(t, s.past[rapid.IntRange(0, len(s.past)-1).Draw(t, "past")])
	}
}

// pair does two operations at once, one of which may be the sweeper's. Their answers are those of one order.
func (s *story) pair(t *rapid.T) {
	ops := [2]operation{s.drawAny(t), s.drawAny(t)}
	if rapid.IntRange(0, 4).Draw(t, "sweep") == 0 {
		ops[1] = operation{do: sweep}
	}
	got := atOnce(t, s.world, [2]*process{s.process, s.process}, s.model, ops)
	orders := s.model.orders(ops, got)
	if len(orders) == 0 {
		t.Fatalf("no order of %v and %v gives %+v", ops[0], ops[1], got)
	}
	if ops[1].do == sweep { // it passes over what another transaction has locked
		s.sweeps(t)
	}
	s.model = s.world.that(t, orders)
	for i, op := range ops {
		s.count(op, got[i])
		if op.do != sweep {
			s.past = append(s.past, op)
		}
	}
}

// timeRunsOut makes an invitation overdue, and tells nobody.
func (s *story) timeRunsOut(t *rapid.T) {
	var waiting [][2]int // life and invitation
	for i := range s.model.lives {
		for n, in := range s.model.lives[i].invitations {
			if in.waits() {
				waiting = append(waiting, [2]int{i, n})
			}
		}
	}
	if len(waiting) == 0 {
		return
	}
	one := rapid.SampledFrom(waiting).Draw(t, "invitation")
	l := &s.model.lives[one[0]]
	if err := s.world.dueIn(context.Background(), l, one[1], 0); err != nil {
		t.Fatal(err)
	}
	l.runsOut(one[1])
	s.did["time runs out"]++
}

func (s *story) sweep(t *rapid.T) {
	s.model.apply(operation{do: sweep})
	s.sweeps(t)
}

// sweeps has the sweeper come.
func (s *story) sweeps(t *rapid.T) {
	if _, err := s.world.do(context.Background(), s.process.Service, s.model, operation{do: sweep}); err != nil {
		t.Fatal(err)
	}
}

// ends lets the process end now and then, which costs a hundred operations' time.
func (s *story) ends(t *rapid.T) {
	switch rapid.SampledFrom([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}).Draw(t, "how") {
	case 10:
		s.restart(t)
	case 11:
		s.death(t)
	}
}

// restart closes the process and opens another.
func (s *story) restart(t *rapid.T) {
	s.process.stop()
	s.process = open(t, s.world.config, s.process.Logger, ways{})
	s.did["restart"]++
}

// death lets a process die between a decision and its delivery: the answer is lost. Another delivers it, and the
// repetition with the same key gets the answer.
func (s *story) death(t *rapid.T) {
	op := s.draw(t)
	op.key = fmt.Sprintf("death %d", len(s.past))
	dying := *s.process.Service
	dying.Outbox = undelivered{}
	got, err := s.world.do(context.Background(), &dying, s.model, op)
	s.did["death"]++
	if err == nil {
		if want := s.model.apply(op); got.refused == "" || !s.model.takes(want, got) {
			t.Fatalf("%v: got %+v, want %+v", op, got, want)
		}
		return
	}
	if !errors.Is(err, errDead) {
		t.Fatal(err)
	}
	s.restart(t)
	_, err = s.world.main.Exec(context.Background(), `
		UPDATE linkspan_main.outbox_stream SET due_at = now() WHERE head <= tail AND due_at > now()`)
	if err != nil {
		t.Fatal(err)
	}
	s.run(t, op)
}

var errDead = errors.New("the process is dead")

// undelivered is the outbox of a process that dies before it delivers.
type undelivered struct{}

func (undelivered) Drive(context.Context, []channel.Step) channel.Underway { return undelivered{} }

func (undelivered) Settle(context.Context, [16]byte) (channel.Underway, error) { return nil, errDead }

func (undelivered) Wait(context.Context, ...channel.Destination) error { return errDead }

func (undelivered) Linger(context.Context) {}

// look waits until a group is shown what it should be.
func (s *story) look(t *rapid.T) {
	s.world.sees(t, s.process.Service, s.model, rapid.IntRange(0, len(s.world.groups)-1).Draw(t, "group"))
}

// end sweeps, looks as each group and compares the tables.
func (s *story) end(t *rapid.T) {
	s.sweep(t)
	for group := range s.world.groups {
		s.world.sees(t, s.process.Service, s.model, group)
	}
	s.world.compare(t, s.model)
}
