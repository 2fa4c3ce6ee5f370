package channel

import (
	"time"

	"linkspan/internal/ids"
)

// SharedChannelState is the state of a channel for one group.
type SharedChannelState string

// The states; contract, "Words of state".
const (
	ChannelPending      SharedChannelState = "PENDING"
	ChannelActive       SharedChannelState = "ACTIVE"
	ChannelDisconnected SharedChannelState = "DISCONNECTED"
	ChannelClosed       SharedChannelState = "CLOSED"
	ChannelArchived     SharedChannelState = "ARCHIVED"
)

// over reports whether the group took part, and does not.
func (s SharedChannelState) over() bool { return s == ChannelDisconnected || s == ChannelArchived }

// LinkState is the state of a group's link with a channel: a row of the shard referential table, and its copy in the
// channel's side.
type LinkState string

// The states of a link; contract, "Words of state".
const (
	LinkInvited LinkState = "INVITED"
	LinkLinked  LinkState = "LINKED"
	LinkLeft    LinkState = "LEFT"
	LinkRemoved LinkState = "REMOVED"
	LinkClosed  LinkState = "CLOSED"
)

// SharedChannel is a channel as one viewer's group sees it.
type SharedChannel struct {
	ID        ids.Channel
	State     SharedChannelState
	Topic     *string
	CreatedAt time.Time
	Creator   *User // nil for an operator
	Initiator Group
	// InitiatorOfferedTo is the group that the initiator's role is offered to; nil: none.
	InitiatorOfferedTo *Group
	Own                *ChannelSide // the viewer's group's own side; nil for an operator
	Sides              []ChannelSide

	unread *batch[ids.Channel, int32] // of those that are shown with it; nil for one that is shown alone
	ahead  *messagesAhead             // nil: nothing was read ahead
}

// madeFor returns the channel of a first invitation as the initiator sees it when both have just been made: what its
// step writes and [Shards.Channels] then reads.
func madeFor(in *Invitation, topic *string) *SharedChannel {
	name, linkedAt, visible, muted, everyone := in.ProposedName, in.CreatedAt, true, false, SideEveryone
	own := ChannelSide{
		ID: ids.Side{Channel: in.ChannelID, Group: in.FromGroup.ID}, Group: in.FromGroup,
		Name: &name, LinkedAt: &linkedAt, Version: 1, NameVisible: &visible, MutedByDefault: &muted,
		Visibility: &everyone,
	}
	return &SharedChannel{
		ID: in.ChannelID, State: ChannelPending, Topic: topic, CreatedAt: in.CreatedAt,
		Creator: &in.Sender, Initiator: in.FromGroup, Own: &own, Sides: []ChannelSide{own},
	}
}

// IsNode marks the type as a Node of the schema.
func (*SharedChannel) IsNode() {}

// CreatedBy returns who made the channel.
func (c *SharedChannel) CreatedBy() Actor {
	if c.Creator == nil {
		return nil
	}
	return *c.Creator
}

// Name returns what the viewer's group calls the channel; for an operator a FORBIDDEN fault.
func (c *SharedChannel) Name() (string, error) {
	if c.Own == nil {
		return "", forbiddenToOperators()
	}
	return *c.Own.Name, nil
}

// ViewerSide returns the viewer's group's own side; for an operator a FORBIDDEN fault.
func (c *SharedChannel) ViewerSide() (*ChannelSide, error) {
	if c.Own == nil {
		return nil, forbiddenToOperators()
	}
	return c.Own, nil
}

func forbiddenToOperators() *Fault {
	return &Fault{Code: Forbidden, Message: "This belongs to a group's own view of a channel, and an operator has no group."}
}

// ChannelSide is one group's own view of a channel.
type ChannelSide struct {
	ID       ids.Side
	Group    Group
	Name     *string // nil where the group does not show it to the viewer's
	LinkedAt *time.Time
	Version  int32
	// MayInvite is whether the initiator lets the group ask others to share the channel.
	MayInvite bool
	// NameVisible is whether other groups see the name, MutedByDefault whether clients are silent about the channel until a user says otherwise;
	// nil where the side is not the viewer's group's own.
	NameVisible, MutedByDefault *bool
	// RetentionDays is after how many days the group's messages are deleted; nil: never, or the side is not the viewer's group's own.
	RetentionDays *int32
	// Visibility is who of the group sees the channel; nil where the side is not the viewer's group's own.
	Visibility *SideVisibility
}

// IsNode marks the type as a Node of the schema.
func (*ChannelSide) IsNode() {}

// ChannelShard tells where a channel's data lives.
type ChannelShard struct {
	ID      ids.Shard
	Slot    int32
	Cluster string
}

// IsNode marks the type as a Node of the schema.
func (*ChannelShard) IsNode() {}

type (
	// SharedChannelConnection is a page of channels.
	SharedChannelConnection = Page[SharedChannel]
	// SharedChannelEdge is an entry of such a page.
	SharedChannelEdge = Edge[SharedChannel]
)

// CreateSharedChannelInput is the input of Mutation.createSharedChannel.
type CreateSharedChannelInput struct {
	Target         GroupSelector
	Name           string
	Topic          *string
	Note           *string
	IdempotencyKey *string
}

// CreateSharedChannelPayload is the answer of Mutation.createSharedChannel.
type CreateSharedChannelPayload struct {
	SharedChannel *SharedChannel
	Invitation    *Invitation
	Errors        []UserError
}

// AcceptSharedChannelInput is the input of Mutation.acceptSharedChannel.
type AcceptSharedChannelInput struct {
	InvitationID   ids.Invitation
	Name           *string
	IdempotencyKey *string
}

// AcceptSharedChannelPayload is the answer of Mutation.acceptSharedChannel.
type AcceptSharedChannelPayload struct {
	SharedChannel   *SharedChannel
	Invitation      *Invitation
	NameChangedFrom *string
	Errors          []UserError
}
