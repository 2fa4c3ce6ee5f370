package channel

import (
	"context"
	"errors"
	"time"

	"linkspan/internal/ids"
)

// ErrNotFound is what a port returns for a row that is not there.
var ErrNotFound = errors.New("channel: not found")

// Main is the directory and the judge. Implementations are safe for concurrent use. A main database out of reach is a
// retryable SHARD_UNAVAILABLE fault.
type Main interface {
	AuditLog
	// Decide runs fn in one transaction and commits it if fn returns nil; else it rolls back and returns fn's error as
	// it is. fn may run more than once (conflicts, a commit whose outcome is unknown, an operation that turns out to be
	// claimed): it claims its operation first and changes nothing outside the transaction. Only its last run counts.
	Decide(ctx context.Context, fn func(ctx context.Context, tx MainTx) error) error
	// FindGroup returns a group by its handle or id; ErrNotFound.
	FindGroup(ctx context.Context, by GroupSelector) (Group, error)
	// FindGroups returns those of the groups that there are. What was found is returned beside an error too.
	FindGroups(ctx context.Context, groups []ids.Group) (map[ids.Group]Group, error)
	// Sharing returns a group's sharing policy with the groups that it trusts and those that it blocks, by handle.
	Sharing(ctx context.Context, group ids.Group) (*Sharing, error)
	// Parties is [MainTx.Parties] of the moment, outside any transaction.
	Parties(ctx context.Context, from, to ids.Group) (own, other *Party, err error)
	// ForgetOperations removes at most limit operations that are older than the age by main's clock, and returns how
	// many it removed.
	ForgetOperations(ctx context.Context, age time.Duration, limit int) (int, error)
}

// MainTx is a deciding transaction in main.
type MainTx interface {
	// Claim keeps the operation and returns nil, or returns the operation that was kept under the id before; where
	// another transaction is just claiming it, that one's end decides.
	Claim(ctx context.Context, op Operation) (*Operation, error)
	// AmendOutcome replaces the outcome of an operation that this transaction claimed.
	AmendOutcome(ctx context.Context, op ids.Op, outcome Outcome) error

	// FindGroup returns a group by its handle or id; ErrNotFound.
	FindGroup(ctx context.Context, by GroupSelector) (Group, error)
	// InsertGroup registers a group; false if the handle is taken.
	InsertGroup(ctx context.Context, group Group) (bool, error)

	// Parties returns what two groups say about sharing with each other, and main's time; of the second's stance it reads nothing.
	Parties(ctx context.Context, from, to ids.Group) (at time.Time, own, other *Party, err error)
	// InsertChannel writes the channel of a first invitation with both links, and a row of history. Where the groups' policies are not as they
	// were judged, or the initiator's group has a live channel of that name, Decide runs its closure again.
	InsertChannel(ctx context.Context, m *Move) error
	// TakenNames returns which of the name keys the group's live channels have.
	TakenNames(ctx context.Context, group ids.Group, keys []string) (map[string]bool, error)

	// ChannelOf returns the channel of an invitation, and the group that made the channel; ErrNotFound.
	ChannelOf(ctx context.Context, id ids.Invitation) (ids.Channel, ids.Group, error)
	// LockInvitation has decisions about the channel of an invitation wait for the end of this one, and returns what is known of it;
	// ErrNotFound.
	LockInvitation(ctx context.Context, id ids.Invitation) (*Facts, error)
	// LockOverdue is LockInvitation for at most so many channels with invitations that are overdue by main's clock, and returns all of theirs
	// that are, the oldest first. It passes over channels that another transaction is just deciding about.
	LockOverdue(ctx context.Context, channels int) ([]*Facts, error)
	// LockNameHolder is LockOverdue for the group's own channel that has the name key. It waits for another transaction that is
	// just deciding about it; after that the name may be free though nothing is returned.
	LockNameHolder(ctx context.Context, group ids.Group, nameKey string) ([]*Facts, error)
	// LockDueNameHolder is LockNameHolder of a channel that only waits for invitations that are all overdue, for who has a channel locked: it never
	// waits. Where another transaction is just deciding about that channel Decide runs its closure again.
	LockDueNameHolder(ctx context.Context, group ids.Group, nameKey string) ([]*Facts, error)
	// Write writes a move of an invitation whose channel this transaction has locked, and a row of history with it. Where main is not as it was
	// judged, time included, or the name is that of a live channel of the group, Decide runs its closure again.
	Write(ctx context.Context, m *Move) error

	// LockChannel has decisions about a channel wait for the end of this one, and returns what is known of it, with the links of those groups and
	// of the initiator; ErrNotFound.
	// Of each link it tells whether the user is listed on that side.
	LockChannel(ctx context.Context, id ids.Channel, user ids.User, groups ...ids.Group) (*Links, error)
	// OpenInvitations returns what is known of the invitations to a channel, which this transaction has locked, that the group sent or got and nobody
	// has decided on, the oldest first, overdue ones among them.
	OpenInvitations(ctx context.Context, id ids.Channel, group ids.Group) ([]*Facts, error)
	// InsertInvitation writes an invitation to a channel that this transaction has locked, with the link of the invited group, which is as
	// m.Links has it, or not there, and a row of history. Where main is not as it was judged Decide runs its closure again.
	InsertInvitation(ctx context.Context, m *Move) error
	// WriteLinks writes a move of links with a channel that this transaction has locked, and a row of history with it. Where a name is that of
	// another live channel of the group Decide runs its closure again.
	WriteLinks(ctx context.Context, m *LinkMove) error
	// ListedMembers returns whether a user is listed on a group's side of a channel that this transaction has locked, and how many are.
	ListedMembers(ctx context.Context, id ids.Channel, group ids.Group, user ids.User) (ListedMembers, error)
	// WriteMember lists a user on the side of the move's first link, which it leaves as it is, or lists it no longer, and writes a row of history with it.
	// Where the link is not as it was judged Decide runs its closure again.
	WriteMember(ctx context.Context, m *LinkMove, move MemberMove) error

	// Policy returns a group's sharing policy, and main's time.
	Policy(ctx context.Context, group ids.Group) (at time.Time, policy SharingPolicy, err error)
	// SavePolicy writes a sharing policy whose version is one more than the one that was read, and a row of history. Where somebody else was
	// first Decide runs its closure again.
	SavePolicy(ctx context.Context, by Decision, policy SharingPolicy) error
	// Stance returns what a group thinks of another, and main's time.
	Stance(ctx context.Context, group, other ids.Group) (at time.Time, stance Stance, err error)
	// SaveStance is SavePolicy for what a group thinks of another.
	SaveStance(ctx context.Context, by Decision, other ids.Group, stance Stance) error

	// AppendSteps gives the steps their numbers, and what they need, and keeps them; the numbers are there once Decide
	// has returned. The caller is expected to deliver them right after: for a moment (the lease) nobody else will.
	AppendSteps(ctx context.Context, steps []Step) error
}

// Decision is who decided about a group's own sharing, what, and when by main's clock.
type Decision struct {
	Op   ids.Op
	Deed Deed
	At   time.Time
	By   User
}

// Shards reads and changes what lives on the shards. Implementations are safe for concurrent use and route by the ids
// alone. A cluster out of reach is a retryable SHARD_UNAVAILABLE fault and concerns its own slots alone.
type Shards interface {
	LogReader
	// SlotOf returns the slot of a group, by which its channels are placed.
	SlotOf(group ids.Group) uint16
	// ClusterOf returns the name of the cluster that holds the channel's slot now.
	ClusterOf(channel ids.Channel) string

	// Apply lets a step take effect at its destination, in one transaction with what plan asks for, if it is the next of
	// its stream there. It returns the events that plan appended, those of a channel's log once for each side that sees them; none if
	// the step had taken effect before; ErrStepGap if an earlier one has not.
	Apply(ctx context.Context, step Step, plan func(tx ShardTx)) ([]Appended, error)

	// Channels returns the channels as the reader's group sees them; those that the reader may not see, or that do not exist, are
	// absent. Unread says for each that could not be read why. The zero reader is an operator.
	Channels(ctx context.Context, reader Reader, channels []ids.Channel) (found map[ids.Channel]*SharedChannel, unread map[ids.Channel]error)
	// Invitations returns those of the invitations that the group sent or received.
	Invitations(ctx context.Context, group ids.Group, invitations []ids.Invitation) (map[ids.Invitation]*Invitation, error)
	// Users returns those of the users that the reader's group knows: its own, and those whom it met, in its channels too, as far as the reader sees
	// them.
	Users(ctx context.Context, reader Reader, users []ids.User) (map[ids.User]User, error)
	// ListChannels reads a part of the group's list of channels, of those that the reader sees.
	ListChannels(ctx context.Context, reader Reader, r Range) (Rows[ids.Channel], error)
	// ListSideMembers reads a part of those who are listed on the reader's group's side of a channel, under the names that they have now there,
	// without their group: nothing where the reader does not see the channel. Positions are theirs.
	ListSideMembers(ctx context.Context, reader Reader, channel ids.Channel, r Range) (Rows[User], error)
	// ListInvitations reads a part of one of the group's lists of invitations, and the length of it if the range asks so.
	ListInvitations(ctx context.Context, group ids.Group, f InvitationFilter, r Range) (Rows[*Invitation], error)

	// ShardClusters returns the names of the clusters that have shards.
	ShardClusters() []string
	// ForgetChannelOperations removes at most limit operations of conversations that are older than the age by the
	// cluster's clock, and returns how many it removed there.
	ForgetChannelOperations(ctx context.Context, cluster string, age time.Duration, limit int) (int, error)
	// ForgetEvents removes events older than the age by the cluster's clock from at most so many of its logs, and at most so
	// many events from each, and raises their floors: of a channel's logs always a beginning of the order that each side
	// sees. It returns in how many it got on; 0: nothing is left to do. Any number of processes may call it at once.
	ForgetEvents(ctx context.Context, cluster string, age time.Duration, logs, events int) (int, error)

	// DueSides returns at most limit sides of a cluster's channels whose groups may have messages there that are to be deleted by
	// now, by the cluster's clock: those that have been due for longest.
	DueSides(ctx context.Context, cluster string, limit int) ([]ids.Side, error)
	// DeleteOutdated deletes, by nobody, the oldest messages of a side's group that are older than the group keeps them by the cluster's
	// clock: at most limit for everyone and as many for the group alone, in one transaction with their events, and notes when to look
	// next. It does nothing to a side that is not due. Any number of processes may call it at once.
	DeleteOutdated(ctx context.Context, side ids.Side, limit int) (DeletedOutdated, error)
	// PutOffSide has a side that is due be due in a minute, behind all that are due by now. It waits for nobody who deletes there just now: what they
	// note holds.
	PutOffSide(ctx context.Context, side ids.Side) error
}

// DeletedOutdated is what was deleted of a side's messages because its group keeps them no longer.
type DeletedOutdated struct {
	Messages int
	Moved    []LogKey // the channel's log for each side that may see of it
}

// ErrStepGap is the error of a step that comes before its turn.
var ErrStepGap = errors.New("channel: an earlier step of the stream was not applied yet")

// ShardTx collects what a step changes on one shard. Everything is done in the order of the calls, in one transaction,
// after the last of them. Copies are replaced only by newer versions.
type ShardTx interface {
	// InsertInboxLog makes the group's inbox log.
	InsertInboxLog(group ids.Group)
	// AppendInbox appends an event to the group's inbox log. Its number is the position of what is added to the group's
	// lists after. At most once in a step.
	AppendInbox(group ids.Group, event LogEvent)
	// SaveUser keeps a user as the step knows it. A user has no version: of two steps whose order nothing tells, the last
	// to take effect counts.
	SaveUser(group ids.Group, user User)
	// SaveInvitation adds an invitation to the group's lists, or replaces an older copy where it is.
	SaveInvitation(group ids.Group, in *Invitation)
	// InsertListedChannel adds a channel to the group's list; one that is in it moves to its beginning.
	InsertListedChannel(group ids.Group, channel ids.Channel)

	// InsertChannel makes the channel shard with the initiator's side and the channel's log.
	InsertChannel(in *Invitation, topic *string)
	// LinkSide adds the side of the group that accepted, or has the one that parted take part again, makes the channel ACTIVE and
	// appends to the channel's log. It locks the log first.
	LinkSide(in *Invitation, link Link)
	// UnlinkSide ends the part of a group's side and appends to the channel's log the event that says so, which is the last that the
	// side sees; from here on it reads the channel as it stood there. by is who did it; nil: nobody. It locks the log first, and does
	// nothing to a side that does not take part.
	UnlinkSide(group Group, link Link, by *User)
	// CloseChannel closes the channel and the initiator's side.
	CloseChannel(link Link)
	// WaitUntil has a channel that nobody else is linked with be pending until that time.
	WaitUntil(id ids.Channel, until time.Time)
	// SaveChannel keeps whom the initiator's role is offered to, and archives a channel that no group takes part in.
	SaveChannel(id ids.Channel, e ChannelEffect)
	// ChangeChannel has sides say which has the initiator's role and who may ask others, the first of them also what its group calls the channel
	// and says about it, and the channel whom that role is offered to and what it is about; it appends to the channel's log an event about that
	// side, unless it is as new. It locks the log first.
	ChangeChannel(e Effect)
	// ChangeMembers has a side say whether the channel is for members alone, lists a user there, or lists it no longer, and appends an event to the
	// side's private log. A side that takes part no longer gets its version too. It locks the log first.
	ChangeMembers(e Effect)
	// ListMembers has the group's list of channels know both.
	ListMembers(e Effect)
	// SavePolicy keeps the group's sharing policy.
	SavePolicy(group ids.Group, policy *SharingPolicy)
	// SaveBlocking keeps whether the group blocks another. What it asked is hidden from the group's readers while it does.
	SaveBlocking(group ids.Group, b *Blocking)
	// ReceiveAgain appends an event to the group's inbox log, as if it came now, for each invitation from another group that can still be answered,
	// the oldest first. It locks the log first, so that none is missed that is just arriving. The invitations keep their places in the lists.
	ReceiveAgain(group, from ids.Group)
}
