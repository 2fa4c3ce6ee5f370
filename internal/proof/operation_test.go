package proof_test

import (
	"context"
	"fmt"
	"slices"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// person is a user of one of a test's groups.
type person struct {
	group int
	name  string // "ana" and "amy" are admins, "ben" and "bob" members
}

func (p person) admin() bool { return p.name != "ben" && p.name != "bob" }

func (p person) String() string { return fmt.Sprintf("%s@%d", p.name, p.group) }

// verb is what an operation does.
type verb string

const (
	create  verb = "create"
	accept  verb = "accept"
	decline verb = "decline"
	revoke  verb = "revoke"
	expire  verb = "expire" // the invitation's time runs out by main's clock, and the sweeper comes
	sweep   verb = "sweep"
)

// operation is one thing that a user does, or time.
type operation struct {
	do      verb
	by      person
	key     string // "": none
	target  int    // create, block, and what is about another group of a channel: that group
	name    string // create: the name; accept, rename: "" for the proposed one; post, edit: the body
	life    int    // all but create: the number of the channel in the model
	in      int    // accept, decline, revoke, expire: the number of the invitation there
	message int    // of a conversation: the number of the message there; post: of the one that it replies to, -1: none
	own     bool   // post: for one's own group alone
	policy  policy // set policy
	version int    // rename: of the side that is to be changed
}

func (op operation) String() string {
	text := fmt.Sprintf("%s by %s", op.do, op.by)
	switch op.do {
	case create:
		text += fmt.Sprintf(" to group %d, name %q", op.target, op.name)
	case sweep:
		return string(sweep)
	case block, unblock, trust, untrust:
		return text + fmt.Sprintf(" of group %d", op.target)
	case setPolicy:
		return text + fmt.Sprintf(": %s", op.policy)
	case invite, leave, remove, offer, take, grant, forbid:
		text += fmt.Sprintf(" in life %d, group %d", op.life, op.target)
	case rename:
		text += fmt.Sprintf(" life %d to %q from version %d", op.life, op.name, op.version)
	case post, edit, erase, react, retake, read:
		text += fmt.Sprintf(" in life %d, message %d, own %v, body %q", op.life, op.message, op.own, op.name)
	default:
		text += fmt.Sprintf(" of invitation %d in life %d, name %q", op.in, op.life, op.name)
	}
	return text + fmt.Sprintf(", key %q", op.key)
}

// subject is what an idempotency key is scoped to beside user and mutation.
func (op operation) subject() string {
	switch {
	case op.do == create:
		return fmt.Sprint("group ", op.by.group)
	case op.talks() || op.do == invite || slices.Contains(linksAlone, op.do):
		return fmt.Sprint("life ", op.life)
	}
	return fmt.Sprintf("invitation %d in life %d", op.in, op.life)
}

// input is what a repetition under the same key must repeat.
func (op operation) input() string {
	return fmt.Sprintf("%d %q %d %v %d", op.target, op.name, op.message, op.own, op.version)
}

// answer is what an operation got. The model's says which life and which invitation it is about, the installation's the ids
// of those.
type answer struct {
	refused     channel.UserErrorCode
	state       channel.InvitationState // with INVITATION_NOT_PENDING
	suggestion  string                  // with NAME_TAKEN
	name        string                  // accept: what the group calls the channel
	changedFrom string
	life        int
	in          int // the number of the invitation there
	channel     ids.Channel
	invitation  ids.Invitation
	by          string      // who has decided on the invitation, as the answer has it; "" for a create
	about       int         // of a conversation: the number of the message there; -1: none
	message     ids.Message // as the answer has it
	shown       string      // what it shows of the message
}

// do runs an operation in a process. Of expiry it is the sweeper's part. An error is a fault.
func (w *world) do(ctx context.Context, s *channel.Service, m *model, op operation) (a answer, err error) {
	switch {
	case op.talks():
		return w.talk(ctx, s, m, op)
	case op.do == expire:
		return a, w.sweepUntil(ctx, s, m.lives[op.life].invitations[op.in].id)
	case op.do == sweep:
		_, err = s.ExpireDue(ctx)
		return a, err
	case op.do == setPolicy:
		return a, w.setPolicy(ctx, s, op)
	case stanceMutations[op.do] != nil:
		return w.thinks(ctx, s, op)
	}
	r := request{by: w.viewer(op.by), version: op.version}
	if op.key != "" {
		r.key = &op.key
	}
	if op.name != "" {
		r.name = &op.name
	}
	r.target, r.group = channel.GroupSelector{Handle: &w.groups[op.target].Handle}, w.groups[op.target].ID
	if op.do != create {
		r.channel, r.invitation = m.lives[op.life].channel, m.lives[op.life].invitations[op.in].id
	}
	mutate := mutations[op.do]
	if mutate == nil {
		mutate = linkMutations[op.do]
	}
	payload, err := mutate(ctx, s, r)
	if err != nil {
		return a, fmt.Errorf("%v: %w", op, err)
	}
	return a, a.fill(op, payload)
}

// fill takes what a payload has. A refusal has no object, and a success all.
func (a *answer) fill(op operation, p payload) error {
	if len(p.refusals) > 0 {
		if len(p.refusals) > 1 || p.made != nil || p.in != nil {
			return fmt.Errorf("%v: a refusal with objects: %v", op, p.refusals)
		}
		a.refused = p.refusals[0].GetCode()
		switch refusal := p.refusals[0].(type) {
		case channel.InvitationNotPendingError:
			a.state = refusal.State
		case channel.NameTakenError:
			if refusal.Suggestion != nil {
				a.suggestion = *refusal.Suggestion
			}
		}
		return nil
	}
	if slices.Contains(linksAlone, op.do) {
		if p.made == nil {
			return fmt.Errorf("%v: neither refused nor done", op)
		}
		a.channel = p.made.ID
		return nil
	}
	linked := (op.do == accept || op.do == approve) && p.in != nil && p.in.State == channel.InvitationAccepted
	if p.in == nil || (op.do == create || linked) && (p.made == nil || p.made.ID != p.in.ChannelID) {
		return fmt.Errorf("%v: neither refused nor done: channel %v, invitation %v", op, p.made, p.in)
	}
	a.channel, a.invitation = p.in.ChannelID, p.in.ID
	if op.do != create && op.do != invite && p.in.Resolver != nil {
		a.by = p.in.Resolver.Name
	}
	if want, ok := decides[op.do]; ok && p.in.State != want && (op.do != accept || p.in.State != channel.InvitationAwaitingApproval) {
		return fmt.Errorf("%v: done, and the invitation is shown as %s", op, p.in.State)
	}
	if linked {
		if p.made.State == channel.ChannelPending || p.made.State == channel.ChannelClosed { // it may have been left since
			return fmt.Errorf("%v: done, and the channel is shown as %s", op, p.made.State)
		}
		a.name = *p.made.Own.Name
		if p.changedFrom != nil {
			a.changedFrom = *p.changedFrom
		}
	}
	return nil
}
