package channel

import (
	"slices"
	"time"

	"linkspan/internal/ids"
)

// Facts are what main knows of an invitation, of its channel and of both groups, while nobody else decides about that channel.
type Facts struct {
	At         time.Time   // by main's clock, behind the channel's lock
	Invitation *Invitation // as it is written: one that is overdue is still open
	Link       Link        // of the invited group
	Asks       Leave       // of the group that sent it
	From, To   Party
	Others     *time.Time // until when the last of the channel's other open invitations can be decided on; nil: there is none
	Channel    *ChannelFacts
}

// Leave is whether a group may ask others to share a channel.
type Leave struct{ Initiates, MayInvite bool }

// Judged are the versions of what two groups say about sharing with each other, by which a deed was judged: of a stance 0 if there is none, and
// [NotLookedAt].
type Judged struct{ PolicyFrom, PolicyTo, StanceFrom, StanceTo int32 }

// NotLookedAt is the version of a stance that plays no part.
const NotLookedAt = -1

// ChannelFacts are what main knows of a channel. The facts about several of its invitations share them.
type ChannelFacts struct {
	ID        ids.Channel
	State     SharedChannelState // PENDING, ACTIVE, CLOSED or ARCHIVED
	Home      ids.Group          // that made it, on whose slot it is
	Offered   ids.Group          // that the initiator's role is offered to; zero: none
	Topic     *string            // what it is about, for all; "": nothing is said; nil: its shard alone knows. Of [Links]
	Initiator Link
	Open      int // invitations that nobody has decided on, overdue ones among them
	Waiting   int // those that are not overdue; of [MainTx.LockChannel] alone
	Linked    int // groups that are linked, but for the initiator
}

// hears is where a group gets to know of what is decided about the channel: its home by the channel's own steps, others by their own.
func (c *ChannelFacts) hears(group ids.Group) Destination {
	if group == c.Home {
		return toChannel(c.ID)
	}
	return toGroup(group)
}

// state is that of the invitation now: time has ended one that is overdue.
func (f *Facts) state() InvitationState {
	if f.Invitation.State.isOpen() && !f.Invitation.ExpiresAt.After(f.At) {
		return InvitationExpired
	}
	return f.Invitation.State
}

// pendingUntil is until when somebody can come into the channel by an invitation that is open; nil: by none.
func (f *Facts) pendingUntil() *time.Time {
	until := f.Others
	if in := f.Invitation; in.State.isOpen() && (until == nil || in.ExpiresAt.After(*until)) {
		until = &in.ExpiresAt
	}
	return until
}

// party is what the group says, one of the two.
func (f *Facts) party(group ids.Group) *Party {
	if group == f.Invitation.FromGroup.ID {
		return &f.From
	}
	return &f.To
}

// Move is what a decision makes of an invitation, with the links and the state of its channel that follow. Each is as it is after it,
// with a version that is one more than the facts had; links that stay as they are are not there.
type Move struct {
	Op         ids.Op
	Deed       Deed
	Rule       SharingRule
	At         time.Time
	By         *User // nil: nobody, time ran out
	Invitation *Invitation
	Links      []Link
	Channel    SharedChannelState
	Judged     *Judged // nil: what the groups say about sharing played no part
	Topic      *string // of a channel that is made; nil: none
}

// closes reports whether the channel ends with the move.
func (m *Move) closes() bool { return m.Channel == ChannelClosed }

// move moves the invitation to a state; the facts are then those after it.
func (f *Facts) move(op ids.Op, deed Deed, by *User, allowed verdict, reason *string) *Move {
	in := *f.Invitation
	in.State, in.Reason = allowed.next, reason
	in.Version++
	m := &Move{Op: op, Deed: deed, Rule: allowed.rule, At: f.At, By: by, Invitation: &in, Channel: f.Channel.State}
	switch deed {
	case DeedAccept, DeedApprove:
		in.ApprovedFrom, in.ApprovedTo, in.AwaitsFrom, in.AwaitsTo = allowed.approvedFrom, allowed.approvedTo, allowed.awaitsFrom, allowed.awaitsTo
		m.Judged = f.judged()
	case DeedDecline, DeedDeny: // whether the invited group sees it
		m.Judged = f.judged()
	}
	if !in.State.isOpen() {
		in.Resolver, in.ResolvedAt = by, &m.At
		if deed == DeedExpire {
			in.ResolvedAt = &in.ExpiresAt
		}
		f.Channel.Open--
	}
	in.Past = append(slices.Clone(in.Past), Transition{Version: in.Version, State: in.State, At: m.At, Deed: deed, Actor: by, Reason: reason})
	f.Invitation = &in
	return m
}

// judged are the versions of what the two groups say.
func (f *Facts) judged() *Judged {
	return &Judged{f.From.Policy.Version, f.To.Policy.Version, f.From.Stance.Version, f.To.Stance.Version}
}

// send has a move send an invitation that waited for an own admin: the whole time to live begins.
func (f *Facts) send(ttl time.Duration) {
	f.Invitation.Unsent, f.Invitation.ExpiresAt = false, f.At.Add(f.From.Policy.timeToLive(ttl))
}

// link has a move link the invited group with the channel, under that name.
func (f *Facts) link(m *Move, name string) *Link {
	f.Link.State, f.Link.Name, f.Link.LinkedAt = LinkLinked, name, &m.At
	f.Link.Version++
	f.Channel.Linked++
	if f.Channel.State == ChannelPending {
		f.Channel.State = ChannelActive
	}
	m.Links, m.Channel = append(m.Links, f.Link), f.Channel.State
	return &f.Link
}

// end has a move close what was only waiting for the invitation: the invited group's link, and the channel, if nobody else is asked or
// linked.
func (f *Facts) end(m *Move) {
	if f.Link.State == LinkInvited {
		f.Link.State = LinkClosed
		f.Link.Version++
		m.Links = append(m.Links, f.Link)
	}
	if c := f.Channel; c.State == ChannelPending && c.Open == 0 && c.Linked == 0 {
		c.State = ChannelClosed
		c.Initiator.State, c.Initiator.LinkedAt = LinkClosed, nil
		c.Initiator.Version++
		m.Links = append(m.Links, c.Initiator)
	}
	m.Channel = f.Channel.State
}
