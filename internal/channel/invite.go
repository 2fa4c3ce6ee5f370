package channel

import (
	"context"
	"errors"
	"slices"

	"linkspan/internal/ids"
)

// InviteGroupInput is the input of Mutation.inviteGroup.
type InviteGroupInput struct {
	ChannelID      ids.Channel
	Target         GroupSelector
	Note           *string
	IdempotencyKey *string
}

// InviteGroupPayload is the answer of Mutation.inviteGroup.
type InviteGroupPayload struct {
	Invitation *Invitation
	Errors     []UserError
}

// InviteGroup asks one more group to share a channel, for the group that has the initiator's role, and those that it lets. A group that took part and
// does not comes back by it. It answers when the viewer's group's cluster has it.
func (s *Service) InviteGroup(ctx context.Context, v *Viewer, in InviteGroupInput) (*InviteGroupPayload, error) {
	d, err := s.inviteGroup(ctx, v, in)
	if err == nil {
		err = s.finish(ctx, d, d.own(v))
	}
	if err != nil {
		refusals, err := s.refusedTo(ctx, v, attempt{deed: DeedCreate, channel: in.ChannelID, target: &in.Target}, err)
		return &InviteGroupPayload{Errors: refusals}, err
	}
	if d.repeated {
		invitation, err := s.invitation(ctx, v, d.outcome.Invitation)
		return &InviteGroupPayload{Invitation: invitation}, err
	}
	return &InviteGroupPayload{Invitation: d.invitation.shownTo(v.Group.ID)}, nil
}

func (s *Service) inviteGroup(ctx context.Context, v *Viewer, in InviteGroupInput) (d decided, err error) {
	note, err := cleanText(in.Note, "note")
	if err != nil {
		return d, err
	}
	op, err := newOperation(v, "inviteGroup", in.ChannelID.String(), in.IdempotencyKey, []any{in.Target.Handle, in.Target.ID, note})
	if err != nil {
		return d, err
	}
	op.Outcome = Outcome{Channel: in.ChannelID, Invitation: ids.NewInvitation()}
	err = s.Main.Decide(ctx, func(ctx context.Context, tx MainTx) error {
		d = decided{outcome: op.Outcome}
		if kept, err := claim(ctx, tx, op); err != nil {
			return err
		} else if kept != nil {
			d = decided{outcome: *kept, repeated: true}
			if err := sees(ctx, tx, v, in.ChannelID); err != nil {
				return err
			}
			return d.findChannel(ctx, tx)
		}
		a, err := s.asking(ctx, tx, v, op, in, note)
		if err != nil {
			return err
		}
		d.home, d.invitation, d.steps = a.links.Channel.Home, a.move.Invitation, a.steps
		return tx.AppendSteps(ctx, d.steps)
	})
	return d, err
}

// sees refuses who sees a channel no longer.
func sees(ctx context.Context, tx MainTx, v *Viewer, id ids.Channel) error {
	l, err := tx.LockChannel(ctx, id, v.User.ID, v.Group.ID)
	if err == nil && (v.Operator || l.stateFor(v) == "") || errors.Is(err, ErrNotFound) {
		return channelNotFound()
	}
	return err
}

// asked is what is decided about asking one more group.
type asked struct {
	links *Links
	move  *Move
	steps []Step
}

// asking lets a group be asked, if it may.
func (s *Service) asking(ctx context.Context, tx MainTx, v *Viewer, op Operation, in InviteGroupInput, note *string) (*asked, error) {
	target, unknown := findTarget(ctx, tx, v, in.Target)
	if refusal := UserError(nil); unknown != nil && !errors.As(unknown, &refusal) {
		return nil, unknown
	}
	l, err := tx.LockChannel(ctx, in.ChannelID, v.User.ID, v.Group.ID, target.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, channelNotFound()
	case err != nil:
		return nil, err
	case v.Operator || l.stateFor(v) == "":
		return nil, channelNotFound()
	case unknown != nil:
		return nil, unknown
	}
	_, own, other, err := tx.Parties(ctx, v.Group.ID, target.ID)
	if err != nil {
		return nil, err
	}
	// One that is overdue is no hindrance: it is ended first.
	open, err := tx.OpenInvitations(ctx, in.ChannelID, target.ID)
	if err != nil {
		return nil, err
	}
	waits := slices.ContainsFunc(open, func(f *Facts) bool { return f.state() != InvitationExpired })
	allowed, refusal := l.judgeInvite(v, note, own, other, target.ID, waits, s.maxGroups())
	if refusal != nil {
		return nil, refusal
	}
	steps, err := expire(ctx, tx, op.ID, open)
	if err != nil {
		return nil, err
	}
	for _, f := range open { // the link is as the end of its invitation left it
		was := l.Of[target.ID]
		was.State, was.Version = f.Link.State, f.Link.Version
	}
	link := l.Of[v.Group.ID]
	invitation := newInvitation(op.Outcome, v, target, link.Name, note, allowed, l.At, l.At.Add(own.Policy.timeToLive(s.InvitationTTL)), own)
	m := &Move{
		Op: op.ID, Deed: DeedCreate, Rule: allowed.rule, At: l.At, By: &v.User, Invitation: invitation, Channel: l.Channel.State,
		Judged: &Judged{PolicyFrom: own.Policy.Version, PolicyTo: other.Policy.Version, StanceFrom: own.Stance.Version, StanceTo: NotLookedAt},
	}
	if was := l.Of[target.ID]; was != nil {
		invitation.PreviousID = was.Asked
		m.Links = []Link{*was}
	}
	effect := Effect{}
	if l.Channel.State == ChannelPending {
		until := invitation.ExpiresAt
		if l.Until.After(until) {
			until = *l.Until
		}
		effect.PendingUntil = &until
	}
	steps = append(steps, about(invitation, v.Group.ID, op.ID, l.Channel.hears(v.Group.ID), StepTellInvitation, effect))
	if !invitation.Unsent {
		steps = append(steps, about(invitation, target.ID, op.ID, l.Channel.hears(target.ID), StepReceiveInvitation, Effect{}))
	}
	return &asked{l, m, steps}, tx.InsertInvitation(ctx, m)
}

// judgeInvite says what becomes of a viewer's request that one more group share the channel, which it may see: first what [judgeCreate] says, then what
// the initiator does, then the state. waits: the target is asked already.
func (l *Links) judgeInvite(v *Viewer, note *string, own, target *Party, group ids.Group, waits bool, atMost int) (verdict, UserError) {
	allowed, refusal := judgeCreate(v, note, own, target)
	if refusal != nil {
		return verdict{}, refusal
	}
	mine, theirs, c := l.Of[v.Group.ID], l.Of[group], l.Channel
	initiates := l.initiates(v.Group.ID)
	switch {
	case !initiates && !mine.MayInvite:
		return verdict{}, ruledOut(RuleInitiator, "The group that has the initiator's role has not let yours ask others.", "channelId")
	case !initiates && theirs != nil && theirs.parted() && !l.initiates(group):
		return verdict{}, ruledOut(RuleInitiator, "Only the group that has the initiator's role asks one back that took part before.", "target")
	}
	switch state := l.stateFor(v); {
	case state != ChannelPending && state != ChannelActive:
		return verdict{}, linksStand(state)
	case waits || theirs != nil && theirs.State == LinkLinked:
		return verdict{}, alreadyShared()
	case c.groups() >= atMost:
		return verdict{}, ruledOut(RuleGroupLimit, "The channel has as many groups as it may have, those that are asked among them.", "channelId")
	}
	if !initiates && allowed.rule == RuleDefault {
		allowed.rule = RuleGranted
	}
	return allowed, nil
}

// groups is how many groups are linked with the channel, or asked to share it and can still answer.
func (c *ChannelFacts) groups() int {
	n := c.Linked + c.Waiting
	if c.Initiator.State == LinkLinked {
		n++
	}
	return n
}

func (s *Service) maxGroups() int {
	if s.MaxGroups > 0 {
		return s.MaxGroups
	}
	return DefaultMaxGroups
}
