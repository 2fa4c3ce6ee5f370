package channel

import (
	"cmp"
	"context"
	"time"

	"linkspan/internal/ids"
)

// StepKind is what a step of the outbox does at its destination.
type StepKind string

// The kinds of steps. Those for a channel run on the channel's slot, where the rows of its home live too, the group that made it, so that
// the channel shard and home's lists and inbox change in one transaction. Those for a group run on its slot.
const (
	StepRegisterGroup     StepKind = "REGISTER_GROUP"     // for a group: its inbox log
	StepCreateChannel     StepKind = "CREATE_CHANNEL"     // for a channel: shard, initiator's side, list and inbox
	StepReceiveInvitation StepKind = "RECEIVE_INVITATION" // for a group: list and inbox
	StepLinkGroup         StepKind = "LINK_GROUP"         // for a channel: the new side, log, initiator's list and inbox
	StepReceiveChannel    StepKind = "RECEIVE_CHANNEL"    // for a group: lists and inbox
	StepCloseChannel      StepKind = "CLOSE_CHANNEL"      // for a channel: shard, initiator's side, lists and inbox
	StepChangeInvitation  StepKind = "CHANGE_INVITATION"  // for a group: list and inbox
	StepTellInvitation    StepKind = "TELL_INVITATION"    // for who asked: list and inbox; for a channel also how long it is pending
	StepSavePolicy        StepKind = "SAVE_POLICY"        // for a group: its sharing policy
	StepSaveStance        StepKind = "SAVE_STANCE"        // for a group: whether it blocks another, and its inbox
	// Those of channels of many groups: not all of them are home, where the channel's own steps change their lists, or asked by who is.
	StepLinkSide      StepKind = "LINK_SIDE"      // for a channel: the new side and log; nobody's lists
	StepTellLinked    StepKind = "TELL_LINKED"    // for a group that asked: list and inbox
	StepUnlinkGroup   StepKind = "UNLINK_GROUP"   // for a channel: the side that parts, and log
	StepChangeChannel StepKind = "CHANGE_CHANNEL" // for a channel: who has or is offered the initiator's role, what a side says, and log
	// Those of above where they go elsewhere: to a group that asks and is not home, and to home where that is asked. They are kinds of their own
	// because the release before would take them for the others.
	StepTellInvitationAway    StepKind = "TELL_INVITATION_AWAY"
	StepReceiveInvitationHome StepKind = "RECEIVE_INVITATION_HOME"
	StepChangeInvitationHome  StepKind = "CHANGE_INVITATION_HOME"
	StepReceiveChannelHome    StepKind = "RECEIVE_CHANNEL_HOME"
	// Those of who of a group sees a channel, which the release before does not know.
	StepChangeVisibility StepKind = "CHANGE_VISIBILITY" // for a channel: ChangeChannel, and whether a side is for members alone
	StepChangeMembers    StepKind = "CHANGE_MEMBERS"    // for a channel: a user who is listed on a side, or no longer
	StepListMembers      StepKind = "LIST_MEMBERS"      // for a group: both, in its list of channels
)

func (k StepKind) known() bool {
	switch k {
	case StepRegisterGroup, StepCreateChannel, StepReceiveInvitation, StepLinkGroup, StepReceiveChannel, StepCloseChannel, StepChangeInvitation,
		StepTellInvitation, StepSavePolicy, StepSaveStance, StepLinkSide, StepTellLinked, StepUnlinkGroup, StepChangeChannel,
		StepTellInvitationAway, StepReceiveInvitationHome, StepChangeInvitationHome, StepReceiveChannelHome,
		StepChangeVisibility, StepChangeMembers, StepListMembers:
		return true
	}
	return false
}

// elsewhereKinds are the kinds of steps that go elsewhere, by those that do the same where it is usual.
var elsewhereKinds = map[StepKind]StepKind{
	StepTellInvitation: StepTellInvitationAway, StepReceiveInvitation: StepReceiveInvitationHome,
	StepChangeInvitation: StepChangeInvitationHome, StepReceiveChannel: StepReceiveChannelHome,
}

// to is the kind of a step that goes to a destination: who asks is usually told with the channel, who is asked apart.
func (k StepKind) to(d Destination) StepKind {
	if usual := d.Channel.IsZero() != (k == StepTellInvitation); usual {
		return k
	}
	return cmp.Or(elsewhereKinds[k], k)
}

// plain is the kind by what the step does there.
func (k StepKind) plain() StepKind {
	for plain, elsewhere := range elsewhereKinds {
		if k == elsewhere {
			return plain
		}
	}
	return k
}

// Destination is where a step takes effect: a channel or a group. It is routed when the step is delivered, so that
// steps survive the move of a slot. Exactly one field is set.
type Destination struct {
	Channel ids.Channel
	Group   ids.Group
}

// Stream names a sequence of steps that take effect in order: one for each subject and destination. Subject is the
// channel, or the group whose own affair it is, that the steps are about.
type Stream struct {
	Subject     [16]byte
	Destination Destination
}

// Step is one effect on another cluster than main, written into the deciding transaction. Number is dense within the
// stream, from 1; the destination keeps the last number that it applied, in the effect's own transaction, so that each
// step takes effect exactly once and in order whoever delivers it, and however often.
type Step struct {
	Stream Stream
	Number int64
	// Needs is the number in the subject's stream to the channel that must have taken effect before; 0: none. By it
	// nobody hears of a channel that is not there yet.
	Needs  int64
	Op     ids.Op
	Kind   StepKind
	Effect Effect
}

// AfterChannel reports whether the step waits for the channel's own step of the same decision: a group hears of a link
// when its side is there. Where it goes to the channel itself it is behind that anyway.
func (k StepKind) AfterChannel() bool {
	return k == StepReceiveChannel || k == StepTellLinked || k == StepListMembers
}

// Effect is what a step needs to know, as it was decided.
type Effect struct {
	Group      *Group         `json:"group,omitempty"`      // RegisterGroup; UnlinkGroup, ChangeChannel: whose link it is first of all
	Policy     *SharingPolicy `json:"policy,omitempty"`     // SavePolicy
	Blocking   *Blocking      `json:"blocking,omitempty"`   // SaveStance
	Invitation *Invitation    `json:"invitation,omitempty"` // all others: as it is after the transition
	Topic      *string        `json:"topic,omitempty"`      // CreateChannel
	// PendingUntil is until when somebody can still come into the channel; nil: nobody is asked. TellInvitation
	PendingUntil *time.Time `json:"pendingUntil,omitempty"`
	Link         *Link      `json:"link,omitempty"` // LinkGroup, LinkSide, ReceiveChannel: the target's; CloseChannel: the initiator's
	// What UnlinkGroup and ChangeChannel tell beside: who did it, another link that changed, and what changes of the channel.
	By      *User          `json:"by,omitempty"`
	Other   *Link          `json:"other,omitempty"`
	Channel *ChannelEffect `json:"channel,omitempty"`
	// Members is who of the group sees the channel: ChangeVisibility, ChangeMembers, ListMembers.
	Members *MembersEffect `json:"members,omitempty"`
	// RetentionDays is after how many days the link's group's messages are deleted; 0: never; nil: what the shard knows, as in steps of the
	// release before, which does not say it. ChangeChannel
	RetentionDays *int32 `json:"retentionDays,omitempty"`
}

// ChannelEffect is what a channel's shard needs to know of the channel as a whole.
type ChannelEffect struct {
	Archived  bool      `json:"archived,omitempty"`  // the last group is gone
	Initiator *Group    `json:"initiator,omitempty"` // has the role from now on; nil: who has it keeps it
	Offered   ids.Group `json:"offered,omitzero"`    // that the role is offered to; zero: none
	Topic     *string   `json:"topic,omitempty"`     // what it is about, for all; "": nothing is said; nil: what the shard knows
}

// Link is a row of the shard referential table: a group's link with a channel.
type Link struct {
	Channel   ids.Channel    `json:"channel"`
	Group     ids.Group      `json:"group"`
	State     LinkState      `json:"state"`
	Version   int32          `json:"version"`
	Name      string         `json:"name"`
	Asked     ids.Invitation `json:"-"` // the last invitation to the group; zero: there was none
	LinkedAt  *time.Time     `json:"linkedAt,omitempty"`
	Initiator bool           `json:"initiator,omitempty"` // has the initiator's role; of links that [LinkMove] changes
	MayInvite bool           `json:"mayInvite,omitempty"` // the initiator lets it ask others
	// What the group says about its side, and the name that the invitation by which it came in proposed. Of [Links]
	NameVisible    bool    `json:"nameVisible,omitempty"`    // whether other groups see the name
	Topic          *string `json:"topic,omitempty"`          // what the channel is about for the group alone; nil: what it is about for all
	MutedByDefault bool    `json:"mutedByDefault,omitempty"` // whether clients are silent until a user says otherwise
	RetentionDays  *int32  `json:"-"`                        // after how many days the group's messages are deleted; nil: never; in steps: [Effect]
	MembersOnly    bool    `json:"membersOnly,omitempty"`    // whether the channel is for admins of the group and those whom they add alone
	Proposed       string  `json:"-"`
	Listed         bool    `json:"-"` // the user who decides is one of those
	// UnlinkedAt is when the group's part ended; nil while it takes part.
	UnlinkedAt *time.Time `json:"unlinkedAt,omitempty"`
}

// Outbox delivers steps to their destinations. What it begins goes on when ctx ends, and what it can't finish is finished
// later by itself.
type Outbox interface {
	// Drive begins to deliver steps that the caller's own transaction has just appended.
	Drive(ctx context.Context, steps []Step) Underway
	// Settle begins to deliver whatever is still open for the subject, for an answer that repeats an earlier one.
	Settle(ctx context.Context, subject [16]byte) (Underway, error)
}

// Underway is steps on their way. It is safe for concurrent use.
type Underway interface {
	// Wait returns when the steps to these destinations have taken effect. The error is a retryable SHARD_UNAVAILABLE
	// fault where one of them is out of reach; the step is delivered later all the same.
	Wait(ctx context.Context, required ...Destination) error
	// Linger waits for all steps, but no longer than a moment: for what an answer does not promise and yet would rather
	// have.
	Linger(ctx context.Context)
}
