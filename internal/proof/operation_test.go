package proof_test

import (
	"context"
	"fmt"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// person is a user of one of a test's groups.
type person struct {
	group int
	name  string // "ana" and "amy" are admins, "ben" is a member
}

func (p person) admin() bool { return p.name != "ben" }

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
	target  int    // create: the other group
	name    string // create: the name; accept: "" for the proposed one; post, edit: the body
	life    int    // all but create: the number of the channel in the model
	message int    // of a conversation: the number of the message there; post: of the one that it replies to, -1: none
	own     bool   // post: for one's own group alone
}

func (op operation) String() string {
	text := fmt.Sprintf("%s by %s", op.do, op.by)
	switch op.do {
	case create:
		text += fmt.Sprintf(" to group %d, name %q", op.target, op.name)
	case sweep:
		return string(sweep)
	case post, edit, remove, react, retake, read:
		text += fmt.Sprintf(" in life %d, message %d, own %v, body %q", op.life, op.message, op.own, op.name)
	default:
		text += fmt.Sprintf(" of life %d, name %q", op.life, op.name)
	}
	return text + fmt.Sprintf(", key %q", op.key)
}

// subject is what an idempotency key is scoped to beside user and mutation.
func (op operation) subject() int {
	if op.do == create {
		return op.by.group
	}
	return op.life
}

// input is what a repetition under the same key must repeat.
func (op operation) input() string {
	return fmt.Sprintf("%d %q %d %v", op.target, op.name, op.message, op.own)
}

// answer is what an operation got. The model's says which life it is about, the installation's the ids of that.
type answer struct {
	refused     channel.UserErrorCode
	state       channel.InvitationState // with INVITATION_NOT_PENDING
	suggestion  string                  // with NAME_TAKEN
	name        string                  // accept: what the group calls the channel
	changedFrom string
	life        int
	channel     ids.Channel
	invitation  ids.Invitation
	by          string      // who has decided on the invitation, as the answer has it; "" for a create
	about       int         // of a conversation: the number of the message there; -1: none
	message     ids.Message // as the answer has it
	shown       string      // what it shows of the message
}

// do runs an operation in a process. Of expiry it is the sweeper's part. An error is a fault.
func (w *world) do(ctx context.Context, s *channel.Service, m *model, op operation) (a answer, err error) {
	if op.talks() {
		return w.talk(ctx, s, m, op)
	}
	v := w.viewer(op.by)
	var key, name *string
	if op.key != "" {
		key = &op.key
	}
	if op.name != "" {
		name = &op.name
	}
	var refusals []channel.UserError
	var made *channel.SharedChannel
	var in *channel.Invitation
	switch op.do {
	case create:
		target := w.groups[op.target].Handle
		var p *channel.CreateSharedChannelPayload
		p, err = s.CreateSharedChannel(ctx, v, channel.CreateSharedChannelInput{
			Target: channel.GroupSelector{Handle: &target}, Name: op.name, IdempotencyKey: key,
		})
		if err == nil {
			made, in, refusals = p.SharedChannel, p.Invitation, p.Errors
		}
	case accept:
		var p *channel.AcceptSharedChannelPayload
		p, err = s.AcceptSharedChannel(ctx, v, channel.AcceptSharedChannelInput{
			InvitationID: m.lives[op.life].invitation, Name: name, IdempotencyKey: key,
		})
		if err == nil {
			made, in, refusals = p.SharedChannel, p.Invitation, p.Errors
			if p.NameChangedFrom != nil {
				a.changedFrom = *p.NameChangedFrom
			}
			if made != nil {
				a.name = *made.Own.Name
			}
		}
	case decline:
		var p *channel.DeclineInvitationPayload
		p, err = s.DeclineInvitation(ctx, v, channel.DeclineInvitationInput{
			InvitationID: m.lives[op.life].invitation, IdempotencyKey: key,
		})
		if err == nil {
			in, refusals = p.Invitation, p.Errors
		}
	case revoke:
		var p *channel.RevokeInvitationPayload
		p, err = s.RevokeInvitation(ctx, v, channel.RevokeInvitationInput{
			InvitationID: m.lives[op.life].invitation, IdempotencyKey: key,
		})
		if err == nil {
			in, refusals = p.Invitation, p.Errors
		}
	case expire:
		return a, w.sweepUntil(ctx, s, m.lives[op.life].invitation)
	case sweep:
		_, err = s.ExpireDue(ctx)
		return a, err
	}
	if err != nil {
		return a, fmt.Errorf("%v: %w", op, err)
	}
	return a, a.fill(op, made, in, refusals)
}

// fill takes what a payload has. A refusal has no object, and a success all.
func (a *answer) fill(
	op operation, made *channel.SharedChannel, in *channel.Invitation, refusals []channel.UserError,
) error {
	if len(refusals) > 0 {
		if len(refusals) > 1 || made != nil || in != nil {
			return fmt.Errorf("%v: a refusal with objects: %v", op, refusals)
		}
		a.refused = refusals[0].GetCode()
		switch refusal := refusals[0].(type) {
		case channel.InvitationNotPendingError:
			a.state = refusal.State
		case channel.NameTakenError:
			if refusal.Suggestion != nil {
				a.suggestion = *refusal.Suggestion
			}
		}
		return nil
	}
	needsChannel := op.do == create || op.do == accept
	if in == nil || needsChannel && (made == nil || made.ID != in.ChannelID) {
		return fmt.Errorf("%v: neither refused nor done: channel %v, invitation %v", op, made, in)
	}
	a.channel, a.invitation = in.ChannelID, in.ID
	if op.do != create && in.Resolver != nil {
		a.by = in.Resolver.Name
	}
	want := map[verb]channel.InvitationState{
		accept: channel.InvitationAccepted, decline: channel.InvitationDeclined, revoke: channel.InvitationRevoked,
	}[op.do]
	if want != "" && in.State != want {
		return fmt.Errorf("%v: done, and the invitation is shown as %s", op, in.State)
	}
	if op.do == accept && made.State != channel.ChannelActive {
		return fmt.Errorf("%v: done, and the channel is shown as %s", op, made.State)
	}
	return nil
}
