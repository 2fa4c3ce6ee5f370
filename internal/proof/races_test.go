package proof_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"linkspan/internal/channel"
)

// contender is one of two that race for a channel of group 0 (ana's) that group 1 is asked to share, or for its name.
type contender struct {
	name string
	op   func(round string) operation
	only []string // meets these alone; nil: all
}

// How often each two race. 200 rounds take a minute of both cores of a small machine, with the race detector more.
const (
	roundsUsually = 10
	roundsLong    = 200
)

var (
	ana, amy, ben                   = person{0, "ana"}, person{0, "amy"}, person{0, "ben"}
	targetAna, targetAmy, targetBen = person{1, "ana"}, person{1, "amy"}, person{1, "ben"}
)

// opening is how the channel of a round is made.
func opening(round string) operation {
	return operation{do: create, by: ana, key: "key " + round, target: 1, name: "launch " + round}
}

var contenders = []contender{
	{name: "accept", op: func(string) operation { return operation{do: accept, by: targetAna} }},
	{name: "accept by another", op: func(string) operation { return operation{do: accept, by: targetAmy} }},
	{name: "decline", op: func(string) operation { return operation{do: decline, by: targetAna} }},
	{name: "revoke", op: func(string) operation { return operation{do: revoke, by: amy} }},
	{name: "expiry", op: func(string) operation { return operation{do: expire} }},
	{name: "the same key", op: opening},
	{name: "the same name", op: func(round string) operation {
		return operation{do: create, by: ben, target: 1, name: "Launch " + round}
	}},
	{name: "other input under the key", only: []string{"the same key"}, op: func(round string) operation {
		op := opening(round)
		op.name += ", the other"
		return op
	}},
	{name: "the name at the target", only: []string{"accept", "accept by another"}, op: func(round string) operation {
		return operation{do: create, by: targetBen, target: 0, name: "launch " + round}
	}},
}

// TestRaces lets each two run at one moment from two processes, each with connections of its own. Their answers must be
// those of one order of the two, and the tables as after it.
func TestRaces(t *testing.T) { eachTwo(t, contenders, 2, roundsUsually, nil) }

// eachTwo lets each two of some contenders of so many groups meet, so often where there is no time for more, about what the scene makes.
func eachTwo(t *testing.T, all []contender, groups, rounds int, scene func(t *testing.T, r *race, round string)) {
	t.Helper()
	t.Parallel()
	in := newInstallation(t)
	processes := [2]*process{in.open(t), in.open(t)}
	t.Run("each two", func(t *testing.T) {
		for i, one := range all {
			for _, other := range all[i:] {
				if other.only != nil && !slices.Contains(other.only, one.name) {
					continue
				}
				t.Run(one.name+" and "+other.name, func(t *testing.T) {
					t.Parallel()
					r := race{
						world: newWorld(t, in, processes[0], groups), processes: processes, model: newModel(), scene: scene,
						pair: [2]contender{one, other}, while: 5 * time.Millisecond, outcomes: make(map[string]int),
					}
					for n := range number(rounds, roundsLong) {
						r.round(t, n)
					}
					r.world.compare(t, r.model)
					t.Logf("%s / %s: %v", one.name, other.name, r.outcomes)
				})
			}
		}
	})
	in.check(t, processes[0])
}

// race is two contenders that meet round after round.
type race struct {
	world     *world
	processes [2]*process
	model     *model
	pair      [2]contender
	scene     func(t *testing.T, r *race, round string) // makes what they meet about; nil: an invitation that nobody has decided on
	while     time.Duration                             // until the time of an invitation runs out, of those that race with expiry
	outcomes  map[string]int
}

func (r *race) round(t *testing.T, n int) {
	t.Helper()
	name := fmt.Sprint(n)
	ops := [2]operation{}
	for i := range ops {
		ops[i] = r.pair[(n+i)%2].op(name) // each from either process
	}
	if r.scene != nil || ops[0].do != create || ops[1].do != create {
		if r.scene != nil {
			r.scene(t, r, name)
		} else {
			r.sequential(t, opening(name))
		}
		ops[0].life, ops[1].life = len(r.model.lives)-1, len(r.model.lives)-1
	}
	expires := ops[0].do == expire || ops[1].do == expire
	invited, in := ops[0].life, max(ops[0].in, ops[1].in)
	if expires {
		if err := r.world.dueIn(t.Context(), &r.model.lives[invited], in, r.while); err != nil {
			t.Fatal(err)
		}
	}
	got := atOnce(t, r.world, r.processes, r.model, ops)
	orders := r.model.orders(ops, got)
	if len(orders) == 0 {
		t.Fatalf("no order of %v and %v gives %+v", ops[0], ops[1], got)
	}
	next := r.world.that(t, orders)
	if expires {
		// Half of them should be too late: the next gets more time where this one was, else less.
		if next.lives[invited].invitations[in].state == channel.InvitationExpired {
			r.while += 500 * time.Microsecond
		} else {
			r.while -= 500 * time.Microsecond
		}
	}
	r.model = next
	first, second := got[n%2], got[(n+1)%2]
	r.outcomes[first.short()+" / "+second.short()]++
}

// sequential does what nothing competes with.
func (r *race) sequential(t *testing.T, op operation) {
	t.Helper()
	want := r.model.apply(op)
	got, err := r.world.do(t.Context(), r.processes[0].Service, r.model, op)
	if err != nil || !r.model.takes(want, got) {
		t.Fatalf("%v: %+v, want %+v: %v", op, got, want, err)
	}
}

// short says in a few words what an answer is.
func (a answer) short() string {
	switch {
	case a.state != "":
		return fmt.Sprintf("%s(%s)", a.refused, a.state)
	case a.refused != "":
		return string(a.refused)
	case a.changedFrom != "":
		return "done under another name"
	}
	return "done"
}

// atOnce runs two operations at one moment, each in its process.
func atOnce(t rapid.TB, w *world, processes [2]*process, m *model, ops [2]operation) (got [2]answer) {
	t.Helper()
	var errs [2]error
	start := make(chan struct{})
	var running sync.WaitGroup
	for i := range ops {
		running.Go(func() {
			<-start
			got[i], errs[i] = w.do(context.Background(), processes[i].Service, m, ops[i])
		})
	}
	close(start)
	running.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return got
}

// orders returns the models after each order of two operations in which it gives these answers. A suggestion is not
// compared: what was free a moment ago may be anything.
func (m *model) orders(ops [2]operation, got [2]answer) (orders []*model) {
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		after := m.clone()
		ok := true
		for _, i := range order {
			ok = after.takes(after.apply(ops[i]), got[i]) && ok
		}
		if ok {
			orders = append(orders, after)
		}
	}
	return orders
}
