package proof_test

import (
	"fmt"
	"slices"
	"strings"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// life is a channel with the links of its groups and their invitations. It begins without ids, which the installation makes.
type life struct {
	channel     ids.Channel
	state       channel.SharedChannelState // as main has it
	home        int                        // the group that made it: the channel is on its slot for good
	initiator   int                        // the group whose that role is
	offered     int                        // the group that it is offered to, or nobody
	links       []link                     // of each group that was ever asked, home's first
	invitations []invitation               // in the order in which they were sent
	told        []telling
	conversation
}

// link is that of a group with a channel.
type link struct {
	group      int
	state      channel.LinkState
	version    int
	name       string // what the group calls the channel; "": it was never linked
	invitation int    // the number of the last one to it; home's own: of the first that it sent
	until      int64  // the public event that ended its part; 0: none did
	mayInvite  bool   // the initiator lets it
}

// invitation is one of a channel's.
type invitation struct {
	id       ids.Invitation
	from, to int // groups
	sender   person
	name     string                  // that it proposes
	state    channel.InvitationState // as main has it
	version  int
	overdue  bool // open in main, and its time has run out
	resolver string
	approval
}

// telling is what a group's inbox hears of an invitation.
type telling struct {
	group      int
	invitation int // its number
	version    int
	kind       channel.EventKind
}

func (l *life) clone() life {
	c := *l
	c.links, c.invitations, c.told = slices.Clone(l.links), slices.Clone(l.invitations), slices.Clone(l.told)
	for i := range c.invitations {
		in := &c.invitations[i]
		in.approval = in.clone()
	}
	c.conversation = l.conversation.clone()
	return c
}

// openStates are those in which an invitation may still be decided on.
var openStates = []channel.InvitationState{
	channel.InvitationRequested, channel.InvitationPending, channel.InvitationAwaitingApproval,
}

// open reports whether main has it as one that may still be decided on.
func (in invitation) open() bool { return slices.Contains(openStates, in.state) }

// waits reports whether anybody may still decide on it.
func (in invitation) waits() bool { return in.open() && !in.overdue }

// shown is the state as anybody reads it, shownVersion its version.
func (in invitation) shown() channel.InvitationState {
	if in.overdue {
		return channel.InvitationExpired
	}
	return in.state
}

func (in invitation) shownVersion() int {
	if in.overdue {
		return in.version + 1
	}
	return in.version
}

func (k *link) moves(to channel.LinkState) {
	k.state = to
	k.version++
}

// wasLinked reports whether the group is or was linked.
func (k *link) wasLinked() bool { return k.name != "" }

func (k *link) linked() bool { return k.state == channel.LinkLinked }

// link is that of a group; nil: it was never asked.
func (l *life) link(group int) *link {
	for i := range l.links {
		if l.links[i].group == group {
			return &l.links[i]
		}
	}
	return nil
}

// groups are those that were ever asked, home first.
func (l *life) groups() []int {
	all := make([]int, len(l.links))
	for i, k := range l.links {
		all[i] = k.group
	}
	return all
}

// tells notes what an invitation's two groups hear of it, the invited one if it may.
func (l *life) tells(number int, from, to channel.EventKind) {
	in := &l.invitations[number]
	l.told = append(l.told, telling{in.from, number, in.version, from})
	if !in.unsent {
		l.told = append(l.told, telling{in.to, number, in.version, to})
	}
}

// begins is a channel as a group makes it.
func begins(by person, name string) life {
	l := life{
		state: channel.ChannelPending, home: by.group, initiator: by.group, offered: nobody,
		links: []link{{group: by.group, state: channel.LinkLinked, version: 1, name: name}},
	}
	l.joins(by)
	l.happensTo(by.group, channel.EventGroupLinked)
	return l
}

// invites asks a group, which is not asked yet and not linked. Where it is not sent, an admin of the own group has yet to agree.
func (l *life) invites(by person, to int, name string, sent bool) {
	number := len(l.invitations)
	in := invitation{from: by.group, to: to, sender: by, name: name, state: channel.InvitationPending, version: 1}
	in.approvedFrom = by.admin()
	if !sent {
		in.state, in.unsent, in.awaitsFrom = channel.InvitationRequested, true, true
	}
	l.invitations = append(l.invitations, in)
	l.notes(number, channel.DeedCreate)
	switch k := l.link(to); {
	case k == nil:
		l.links = append(l.links, link{group: to, state: channel.LinkInvited, version: 1, invitation: number})
	case k.state == channel.LinkClosed:
		k.invitation = number
		k.moves(channel.LinkInvited)
	default: // it keeps the view that it has until it is linked again
		k.invitation = number
	}
	l.tells(number, channel.EventInvitationChanged, channel.EventInvitationReceived)
}

// resolves moves an invitation to a state in which nobody may decide on it any more.
func (l *life) resolves(number int, deed channel.Deed, state channel.InvitationState, resolver string) *invitation {
	in := &l.invitations[number]
	in.state, in.overdue, in.resolver = state, false, resolver
	in.version++
	l.notes(number, deed)
	return in
}

// accepts links the group that an invitation asks, under a name. The deed is the yes, or the last approval.
func (l *life) accepts(number int, deed channel.Deed, by person, name string) {
	in := l.resolves(number, deed, channel.InvitationAccepted, by.name)
	k := l.link(in.to)
	k.moves(channel.LinkLinked)
	k.name, k.until = name, 0
	if l.state == channel.ChannelPending {
		l.state = channel.ChannelActive
	}
	l.joins(by)
	l.happensTo(in.to, channel.EventGroupLinked)
	l.tells(number, channel.EventSharedChannelLinked, channel.EventSharedChannelLinked)
}

// ends ends an invitation without a link. Nobody did it where the resolver is "".
func (l *life) ends(number int, state channel.InvitationState, resolver string) {
	in := l.resolves(number, endings[state], state, resolver)
	if k := l.link(in.to); k.state == channel.LinkInvited {
		k.moves(channel.LinkClosed)
	}
	l.tells(number, channel.EventInvitationChanged, channel.EventInvitationChanged)
	if l.state == channel.ChannelPending && !slices.ContainsFunc(l.invitations, invitation.open) {
		l.state = channel.ChannelClosed
		l.link(l.home).moves(channel.LinkClosed)
	}
}

// parts ends a linked group's part, and what it asked others: where it is removed, nobody takes that back. The last one archives the channel.
func (l *life) parts(group int, state channel.LinkState, by person) {
	for n := range l.invitations {
		switch in := &l.invitations[n]; {
		case in.from != group || !in.open():
		case in.overdue:
			l.ends(n, channel.InvitationExpired, "")
		case by.group != group:
			l.ends(n, channel.InvitationRevoked, "")
		default:
			l.ends(n, channel.InvitationRevoked, by.name)
		}
	}
	k := l.link(group)
	l.joins(by)
	k.until, k.mayInvite = l.happensTo(group, channel.EventGroupUnlinked).number, false
	k.moves(state)
	if l.offered == group {
		l.offered = nobody
	}
	if !slices.ContainsFunc(l.links, func(k link) bool { return k.linked() }) {
		l.state = channel.ChannelArchived
	}
}

// runsOut makes an invitation overdue.
func (l *life) runsOut(number int) { l.invitations[number].overdue = true }

// sweep ends what is overdue.
func (l *life) sweep() {
	for n := range l.invitations {
		if l.invitations[n].overdue {
			l.ends(n, channel.InvitationExpired, "")
		}
	}
}

// shownTo is the channel's state for a group; "" if the group may not see it.
func (l *life) shownTo(group int) channel.SharedChannelState {
	k := l.link(group)
	switch {
	case k == nil || !k.wasLinked():
		return ""
	case l.state == channel.ChannelArchived:
		return channel.ChannelArchived
	case k.state == channel.LinkLeft || k.state == channel.LinkRemoved:
		return channel.ChannelDisconnected
	case l.state == channel.ChannelPending && !slices.ContainsFunc(l.invitations, invitation.waits):
		return channel.ChannelClosed
	}
	return l.state
}

// describe says what a group is shown of the channel: its state, and each side that it sees with its name.
func (l *life) describe(group int) string {
	state := l.shownTo(group)
	if state == "" {
		return "nothing"
	}
	var sides []string
	for _, k := range l.links {
		if k.group == group || k.linked() && l.link(group).until == 0 {
			sides = append(sides, fmt.Sprintf("Group %d=%q", k.group, k.name))
		}
	}
	slices.Sort(sides)
	return fmt.Sprint(state, sides)
}

// facts is what the tables should hold of the channel, which is the i-th.
func (l *life) facts(i int, say func(format string, args ...any)) {
	say("main: channel channel-%d %s of group-%d%s", i, l.state, l.initiator, l.offeredWords())
	say("channel shard channel-%d %s of group-%d%s", i, l.state, l.initiator, l.offeredWords())
	for _, k := range l.links {
		role := "TARGET"
		if k.group == l.initiator {
			role = "INITIATOR"
		}
		say("main: link channel-%d group-%d %s %s %d invitation-%d.%d %s%s", i, k.group, role, k.state, k.version, i, k.invitation, k.name, l.linkWords(k))
		if !k.wasLinked() {
			continue
		}
		until := ""
		if k.until > 0 {
			until = fmt.Sprint(" until ", k.until)
		}
		say("side channel-%d group-%d %s %s %d %s%s%s", i, k.group, role, k.state, k.version, k.name, until, l.linkWords(k))
		say("list of group-%d channel-%d", k.group, i)
	}
	for n, in := range l.invitations {
		say("main: invitation invitation-%d.%d from group-%d to group-%d channel-%d %s %d %s", i, n, in.from, in.to, i, in.state, in.version, words(in.resolver, in.awaited()))
		say("main: history of invitation-%d.%d: %s", i, n, strings.Join(in.history, ", "))
		say("list of group-%d SENT invitation-%d.%d %s %d %s", in.from, i, n, in.state, in.version, words(in.resolverFor(in.from), in.awaited()))
		if !in.unsent {
			say("list of group-%d RECEIVED invitation-%d.%d %s %d %s", in.to, i, n, in.state, in.version, words(in.resolverFor(in.to), in.awaited()))
		}
	}
	for _, h := range l.told {
		say("inbox of group-%d invitation-%d.%d %d %s", h.group, i, h.invitation, h.version, h.kind)
	}
	l.conversationFacts(i, say)
}
