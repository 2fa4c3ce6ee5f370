package channel

import (
	"time"

	"linkspan/internal/ids"
)

// DefaultMaxGroups is how many groups a channel has at most where nothing else is configured, those that are asked among them.
const DefaultMaxGroups = 250

// Links are what main knows of a channel and of some groups' links with it, while nobody else decides about that channel.
type Links struct {
	At      time.Time // by main's clock, behind the channel's lock
	Channel *ChannelFacts
	Of      map[ids.Group]*Link // of those that were asked for and have one
	Until   *time.Time          // until when the last of the channel's open invitations can be decided on; nil: there is none
}

// state is that of the channel now: time has closed one that only waits for invitations that are overdue.
func (l *Links) state() SharedChannelState {
	if l.Channel.State == ChannelPending && (l.Until == nil || !l.Until.After(l.At)) {
		return ChannelClosed
	}
	return l.Channel.State
}

// stateFor is that of the channel for a viewer's group; empty where the group or the viewer may not see it.
func (l *Links) stateFor(v *Viewer) SharedChannelState {
	link := l.Of[v.Group.ID]
	switch {
	case link == nil || !link.everLinked(), link.hiddenFrom(v):
		return ""
	case l.Channel.State != ChannelArchived && link.parted():
		return ChannelDisconnected
	}
	return l.state()
}

// initiates reports whether the group has the initiator's role, taking part or not.
func (l *Links) initiates(group ids.Group) bool { return l.Channel.Initiator.Group == group }

// everLinked reports whether the group is or was linked: then it calls the channel something.
func (l *Link) everLinked() bool { return l.Name != "" }

// hiddenFrom reports whether the group keeps the channel to some of its users, and the viewer, who is one of the group, is none of these.
func (l *Link) hiddenFrom(v *Viewer) bool { return l.MembersOnly && v.Role != RoleAdmin && !l.Listed }

// parted reports whether the group took part, and does not.
func (l *Link) parted() bool { return l.State == LinkLeft || l.State == LinkRemoved }

// LinkMove is what a decision makes of groups' links with a channel, and of the channel. Each is as it is after it, the link that it is about
// first, with a version that is one more than before.
type LinkMove struct {
	Op      ids.Op
	Deed    Deed
	Rule    SharingRule
	At      time.Time
	By      User
	Reason  *string
	Channel *ChannelFacts
	Links   []*Link
	About   ids.Group // whom it concerns beside the group of who did it; zero: the group of the first link
}

// move begins a move of the links.
func (l *Links) move(op ids.Op, deed Deed, rule SharingRule, by User, reason *string) *LinkMove {
	return &LinkMove{Op: op, Deed: deed, Rule: rule, At: l.At, By: by, Reason: reason, Channel: l.Channel}
}

// changes has a move change a group's link.
func (l *Links) changes(m *LinkMove, link *Link) *Link {
	link.Version++
	m.Links = append(m.Links, link)
	return link
}

// part has a move end a group's part. The last one archives the channel.
func (l *Links) part(m *LinkMove, group ids.Group, state LinkState) *Link {
	link := l.changes(m, l.Of[group])
	link.State, link.UnlinkedAt, link.MayInvite = state, &m.At, false
	c := l.Channel
	if c.Offered == group {
		c.Offered = ids.Group{}
	}
	if l.initiates(group) {
		c.Initiator = *link
	} else {
		c.Linked--
	}
	if c.Linked == 0 && c.Initiator.State != LinkLinked {
		c.State = ChannelArchived
	}
	return link
}

// hand has a move hand the initiator's role to a group.
func (l *Links) hand(m *LinkMove, to ids.Group) *Link {
	c := l.Channel
	from, link := l.Of[c.Initiator.Group], l.Of[to]
	l.changes(m, link)
	link.MayInvite = false
	if from.State == LinkLinked { // a side that parted stays as it was
		l.changes(m, from)
		c.Linked++
	}
	c.Linked--
	from.Initiator, link.Initiator = false, true
	c.Initiator, c.Offered = *link, ids.Group{}
	return link
}

// aboutLink returns a step by which a channel's shard gets to know of a move.
func aboutLink(m *LinkMove, kind StepKind, group Group) Step {
	id := m.Channel.ID
	effect := Effect{Group: &group, Link: m.Links[0], By: &m.By, Channel: &ChannelEffect{
		Archived: m.Channel.State == ChannelArchived, Offered: m.Channel.Offered, Topic: m.Channel.Topic,
	}}
	if m.Deed == DeedTake {
		effect.Channel.Initiator = &group
	}
	if len(m.Links) > 1 {
		effect.Other = m.Links[1]
	}
	if effect.RetentionDays = m.Links[0].RetentionDays; effect.RetentionDays == nil {
		effect.RetentionDays = new(int32)
	}
	return Step{Stream: Stream{Subject: id.Bytes(), Destination: toChannel(id)}, Op: m.Op, Kind: kind, Effect: effect}
}
