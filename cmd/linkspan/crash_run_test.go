//go:build long

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"linkspan/internal/failpoint"
)

// converges is how long after a crash all is done, or nothing.
const converges = 5 * time.Second

// crashRun is one operation of fresh groups.
type crashRun struct {
	*lane
	op         crashed
	parties    []*party // all that have a part in it, as in partyNames
	from, to   *party   // the first two
	ears       []*ear[inboxEntry]
	invitation string // from's to to; known after the setup, or from an answer; "": not yet
	channel    string
	later      string   // an invitation to a group of the channel that was made before
	aside      []string // invitations that belong to another channel
}

// partyNames are what the parties of a run are called where it is said what they see.
var partyNames = []string{"from", "to", "third"}

// begin lets the program run, and all groups listen.
func (l *lane) begin(op crashed) *crashRun {
	l.t.Helper()
	l.running(op.ttl)
	r := &crashRun{lane: l, op: op}
	for i := range op.events {
		r.parties = append(r.parties, l.group(crashShards[i]))
	}
	r.from, r.to = r.parties[0], r.parties[1]
	for _, who := range r.parties {
		r.ears = append(r.ears, listen(l, who))
	}
	// Their registration is no part of the operation.
	if err := within(crashPatience, l.settled); err != nil {
		l.t.Fatalf("%s: begin: %v", op.name, err)
	}
	return r
}

func (r *crashRun) close() {
	for _, e := range r.ears {
		e.close()
	}
}

// prepare does what is before the operation, and arms. What comes by time is armed first: its points lie behind no
// request.
func (r *crashRun) prepare(c failpoint.Command) {
	r.t.Helper()
	if r.op.do == nil && !background(c.At.Point) {
		r.p.command(c)
	}
	if err := r.op.setup(r); err != nil {
		var lost *url.Error
		if r.op.do != nil || c.Do != failpoint.Kill || background(c.At.Point) || !errors.As(err, &lost) {
			r.t.Fatalf("%s: setup: %v", r.op.name, err)
		}
		r.t.Logf("%s: the setup's answer was lost: %v", r.op.name, err)
		r.p.waitDead(c.At) // its time came before the answer
	}
	if r.op.do == nil && !background(c.At.Point) {
		return
	}
	if r.op.do != nil {
		if err := within(crashPatience, r.settled); err != nil {
			r.t.Fatalf("%s: setup: %v", r.op.name, err)
		}
	}
	r.p.command(c)
}

// operate does the operation. The answer is an error where it comes by time, or the program died.
func (r *crashRun) operate() answer {
	if r.op.do == nil {
		return answer{err: fmt.Errorf("%s has no answer", r.op.name)}
	}
	return r.op.do(r)
}

// again repeats the operation with its key; of what comes by time, what went before.
func (r *crashRun) again() answer {
	if r.op.do == nil {
		return create(r)
	}
	return r.op.do(r)
}

// mutate sends a mutation.
func (r *crashRun) mutate(who *party, document string, in map[string]any) answer {
	return r.mutateAs(who.token, document, in)
}

func (r *crashRun) mutateAs(token, document string, in map[string]any) answer {
	ctx, cancel := context.WithTimeout(r.t.Context(), crashPatience)
	defer cancel()
	var data struct{ Answer answer }
	err := r.client(token).Do(ctx, document, "", map[string]any{"in": in}, &data)
	data.Answer.err = err
	return data.Answer
}

const sideDocument = `{ viewer {
	sharedChannels { nodes { id state name } }
	sentInvitations { nodes { id state sharedChannel { id } } }
	receivedInvitations { nodes { id state sharedChannel { id } } } } }`

type invitationSeen struct {
	ID, State     string
	SharedChannel *struct{ ID string }
}

type channelSeen struct{ ID, State, Name string }

// String is the state, with what the group calls the channel if that is not what its initiator called it.
func (c channelSeen) String() string {
	if c.Name == channelName {
		return c.State
	}
	return c.State + " as " + c.Name
}

type sideSeen struct {
	SharedChannels      struct{ Nodes []channelSeen }
	SentInvitations     struct{ Nodes []invitationSeen }
	ReceivedInvitations struct{ Nodes []invitationSeen }
}

// states are the states of the run's invitations and channel as the parties see them, in their lists and as nodes: by party,
// of what it sent and what it received, oldest first; what a party does not see is absent.
func (r *crashRun) states() (map[string]string, error) {
	states := make(map[string]string)
	var channel string
	for i, who := range r.parties {
		name := partyNames[i]
		ctx, cancel := context.WithTimeout(r.t.Context(), crashPatience)
		defer cancel()
		var data struct{ Viewer sideSeen }
		if err := r.client(who.token).Do(ctx, sideDocument, "", nil, &data); err != nil {
			return nil, err
		}
		for list, invitations := range map[string][]invitationSeen{
			"sent": data.Viewer.SentInvitations.Nodes, "received": data.Viewer.ReceivedInvitations.Nodes,
		} {
			invitations = slices.DeleteFunc(invitations, func(in invitationSeen) bool { return slices.Contains(r.aside, in.ID) })
			slices.Reverse(invitations)
			var seen []string
			for _, in := range invitations {
				seen = append(seen, in.State)
				if in.SharedChannel != nil {
					channel = in.SharedChannel.ID
				}
			}
			if len(seen) == 0 {
				continue
			}
			states[name+" "+list] = strings.Join(seen, ", ")
			first := who == r.from && list == "sent" || who == r.to && list == "received"
			if first && r.invitation != "" && invitations[0].ID != r.invitation {
				return nil, fmt.Errorf("%s has the invitation %s and not %s", name, invitations[0].ID, r.invitation)
			}
		}
		for _, listed := range data.Viewer.SharedChannels.Nodes {
			if listed.ID == channel {
				states[name+" channel"] = listed.String()
			}
		}
		if err := r.asNode(who, channel, states[name+" channel"]); err != nil {
			return nil, err
		}
		if states[name+" channel"] == "" {
			continue
		}
		var ofMember struct{ Viewer sideSeen }
		if err := r.client(who.member).Do(ctx, sideDocument, "", nil, &ofMember); err != nil {
			return nil, err
		}
		listed := false
		for _, shown := range ofMember.Viewer.SharedChannels.Nodes {
			listed = listed || shown.ID == channel
		}
		if !listed {
			states[name+" hides"] = "it"
		}
	}
	return states, nil
}

// asNode tells whether the channel as a node is not what the list has.
func (r *crashRun) asNode(who *party, channel, listed string) error {
	if channel == "" {
		return nil
	}
	var data struct{ Node *channelSeen }
	err := r.client(who.token).Do(r.t.Context(), `query ($id: ID!) { node(id: $id) { ... on SharedChannel { state name } } }`, "",
		map[string]any{"id": channel}, &data)
	if err != nil {
		return err
	}
	if data.Node == nil && listed != "" || data.Node != nil && data.Node.String() != listed {
		return fmt.Errorf("%s lists the channel as %q, and its node is %v", who.handle, listed, data.Node)
	}
	return nil
}

// converged tells what is open still: main's outbox, or a state that is neither done nor nothing.
func (r *crashRun) converged(allowed ...map[string]string) error {
	if err := r.settled(); err != nil {
		return err
	}
	states, err := r.states()
	if err == nil {
		err = r.settled() // what came by time meanwhile is to be done too
	}
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(allowed, func(a map[string]string) bool { return maps.Equal(a, states) }) {
		return fmt.Errorf("it is neither done nor nothing: %v", states)
	}
	return nil
}

// judge holds what is there after a crash to what was promised. The program runs.
func (r *crashRun) judge(first answer) error {
	if err := within(converges, func() error { return r.converged(r.op.none, r.op.done) }); err != nil {
		return err
	}
	var again answer
	err := within(converges, func() error {
		if again = r.again(); again.retryable() {
			return again.err
		}
		return nil
	})
	if err == nil {
		err = again.failed()
	}
	if err != nil {
		return fmt.Errorf("repeated: %w", err)
	}
	if first.failed() == nil && first.ids() != again.ids() {
		return fmt.Errorf("the first answer was %v, the repeated one %v", first.ids(), again.ids())
	}
	if r.invitation != "" && r.invitation != again.Invitation.ID {
		return fmt.Errorf("the repeated answer has the invitation %s, and it is %s", again.Invitation.ID, r.invitation)
	}
	r.invitation = again.Invitation.ID
	if err := within(converges, func() error { return r.converged(r.op.done) }); err != nil {
		return fmt.Errorf("after the repetition: %w", err)
	}
	for i, e := range r.ears {
		err := within(converges, func() error {
			log, err := r.log(e.who, crashShards[i])
			if err != nil {
				return err
			}
			var happened []string
			for _, entry := range log {
				happened = append(happened, entry.kind)
			}
			if !slices.Equal(happened, r.op.events[i]) {
				return fmt.Errorf("%s's log is %v", e.who.handle, happened)
			}
			return e.hasHeard(log)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
