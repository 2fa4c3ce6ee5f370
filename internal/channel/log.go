package channel

import (
	"context"
	"errors"
	"time"

	"linkspan/internal/ids"
)

// LogKey names a log.
type LogKey struct {
	Kind ids.LogKind
	ID   ids.Log
	Side ids.Group // of a channel: whose private log is read with the public one; else zero
}

// InboxOf names a group's inbox log.
func InboxOf(group ids.Group) LogKey { return LogKey{Kind: ids.LogInbox, ID: group.InboxLog()} }

// ChannelLogOf names a channel's public log together with a side's private one, in the one order that the side sees.
func ChannelLogOf(channel ids.Channel, side ids.Group) LogKey {
	return LogKey{Kind: ids.LogChannel, ID: channel.Log(), Side: side}
}

// check refuses a cursor of another log, or of another group's reading of it, with a BAD_USER_INPUT fault.
func (l LogKey) check(cursor *ids.LogCursor, reader ids.Group) error {
	if cursor != nil && (cursor.Kind != l.Kind || cursor.Log != l.ID || cursor.Reader != reader) {
		return BadInput("This cursor is of another log.")
	}
	return nil
}

// EndsWith reports whether the log ends with the event: the side takes part no longer. Behind it, until that is linked again, come in its
// private log at most deletions by nobody, and who of the group sees the channel.
func (l LogKey) EndsWith(e LogEvent) bool {
	return e.Kind == EventGroupUnlinked && e.Group.ID == l.Side
}

// BeginsAgainWith reports whether a log that had ended goes on with the event: the side is linked again.
func (l LogKey) BeginsAgainWith(e LogEvent) bool {
	return e.Kind == EventGroupLinked && e.Group.ID == l.Side
}

// TakesBack reports whether what was to be seen before the event is not to be seen any more as it was: a message says something
// else or nothing, or a group may not read any more, or wants to see nothing of another.
func (e LogEvent) TakesBack() bool {
	return e.Kind == EventMessageEdited || e.Kind == EventMessageDeleted || e.Kind == EventGroupUnlinked || e.Kind == EventGroupBlocked ||
		e.Kind == EventMembersChanged
}

// LogHead is where a log stands: the number of its newest event (0: none yet) in its history.
type LogHead struct {
	History ids.History
	Number  int64
	Floor   int64 // what is up to this number was removed, as too old
	Ended   bool  // nothing comes behind Number but deletions of its own by nobody and who of the group sees it, unless the reader's group is linked again
}

// Is reports whether a log stands where it stood, however much was removed.
func (h LogHead) Is(other LogHead) bool {
	return h.History == other.History && h.Number == other.Number
}

func (h LogHead) cursor(log LogKey, reader ids.Group) ids.LogCursor {
	return ids.LogCursor{Kind: log.Kind, Log: log.ID, Reader: reader, History: h.History, Position: h.Number}
}

// EventKind is what an event of a log tells.
type EventKind string

// The kinds of events of an inbox log.
const (
	EventInvitationReceived  EventKind = "INVITATION_RECEIVED"
	EventInvitationChanged   EventKind = "INVITATION_CHANGED"
	EventSharedChannelLinked EventKind = "SHARED_CHANNEL_LINKED"
	EventGroupBlocked        EventKind = "GROUP_BLOCKED" // is shown to nobody: from here on what that group asked is hidden
)

// The kinds of events of a channel's logs.
const (
	EventGroupLinked     EventKind = "GROUP_LINKED"
	EventGroupUnlinked   EventKind = "GROUP_UNLINKED"
	EventChannelChanged  EventKind = "CHANNEL_CHANGED"
	EventMessagePosted   EventKind = "MESSAGE_POSTED"
	EventMessageEdited   EventKind = "MESSAGE_EDITED"
	EventMessageDeleted  EventKind = "MESSAGE_DELETED"
	EventReactionAdded   EventKind = "REACTION_ADDED"
	EventReactionRemoved EventKind = "REACTION_REMOVED"
	EventMembersChanged  EventKind = "MEMBERS_CHANGED" // of a private log: who of the group sees the channel
)

// LogEvent is an event as its log keeps it: what happened, when, and to which objects. It has no bodies; objects are
// shown as they are when the event is.
type LogEvent struct {
	Number     int64 // 1, 2, 3 … in commit order, without gaps
	At         time.Time
	Kind       EventKind
	Invitation ids.Invitation
	Version    int32 // of the invitation then; 0 in events from before it was kept
	Channel    ids.Channel
	Group      Group    // the group that the event is about
	Actor      ids.User // who did it; zero: nobody (expiry)
	Message    ids.Message
	Emoji      string // of a reaction
}

// LogPage is a run of events right behind a position, and the log's head in the same snapshot.
type LogPage struct {
	Events []LogEvent
	Head   LogHead
}

// LogReader reads logs from their shards. Implementations are safe for concurrent use; a cluster out of reach is a
// retryable SHARD_UNAVAILABLE fault.
type LogReader interface {
	// ReadLog returns at most limit events with numbers above after, in order; none if after is below the floor.
	// ErrNotFound: the log is not for that side.
	ReadLog(ctx context.Context, log LogKey, after int64, limit int) (LogPage, error)
	// LogHeads returns the heads of those logs that could be read, with one query a cluster and kind; the error joins what went
	// wrong with the others. Logs that are not for their side are absent.
	LogHeads(ctx context.Context, logs []LogKey) (map[LogKey]LogHead, error)
}

// Appended is an event that a transaction has added to a log and committed, in the log's history then.
type Appended struct {
	Log     LogKey
	History ids.History
	Event   LogEvent
}

// Hints carries word of new events after commits: to this process with the event, so that nobody here has to read it, to
// others as "log L has reached n". A hint may be lost, doubled or late; nothing correct hangs on one.
type Hints interface {
	// Publish tells everybody, this process too. It does not wait for anybody.
	Publish(a Appended)
	// Moved tells everybody that a log goes on, where nobody has the event at hand. It does not wait for anybody.
	Moved(log LogKey)
	// Marked tells everybody that a user has read on in a channel. It does not wait for anybody.
	Marked(m Marked)
}

// HubReader is what a hub reads.
type HubReader interface {
	LogReader
	ListReader
}

// Hub lets subscribers follow logs and watch lists. One a process.
type Hub interface {
	// Follow starts behind the position of the cursor, or where the log stands now if from is nil. A cursor of another
	// history, below the floor, or beyond the head, is a CURSOR_EXPIRED fault. The caller ends the subscription with Close.
	Follow(ctx context.Context, log LogKey, from *ids.LogCursor) (Subscription, error)
	// Watch tells a user, from now on, in which channels of its group's list something happens that the group may see, and which
	// the user has read on in. The caller ends it with Close.
	Watch(ctx context.Context, user ids.User) (Watching, error)
}

// ErrHubClosed is what Follow and Next return once the hub has ended, and Next after Close.
var ErrHubClosed = errors.New("channel: the hub is closed")

// Subscription is one subscriber's way through a log. It is used by one goroutine.
type Subscription interface {
	// Next waits for what comes behind the subscriber's position and moves the position behind what it returns. An
	// empty delivery comes first of all if there was no cursor, once when a replay has caught up (on the last page or,
	// if there was nothing to replay, alone), and whenever nothing came for the hub's idle time. While the log's
	// cluster is out of reach Next waits. Errors: ctx.Err, a CURSOR_EXPIRED fault (a restore changed the history, or what
	// comes next was removed, as too old), io.EOF (the log has ended for its side), ErrHubClosed, or what the reader could not do
	// and trying again would not help.
	Next(ctx context.Context) (Delivery, error)
	// Notify has f called once, when Next has something to say or an error other than the end of ctx, and so will not wait
	// long. f must return at once; it may be called before Notify returns. It replaces an f that was not called yet.
	Notify(f func())
	// Remind is Notify for who learns of events elsewhere: of the rest f is called, and at the latest when nothing was delivered for
	// the hub's idle time, or earlier, for nothing.
	Remind(f func())
	// Skip moves the position behind an event that the subscriber got elsewhere then.
	Skip(to int64, at time.Time)
	// Due reports whether Next has something to say, or an error other than the end of ctx.
	Due() bool
	// AtHand reports whether Next would not wait for a read of the log.
	AtHand() bool
	// Standing tells what is known of the log. Any goroutine may ask, also behind Close.
	Standing() LogStanding
	Close()
}

// LogStanding is what is known of a log, in numbers of its events.
type LogStanding struct {
	Known int64 // how far it has come
	// Needed is how far it must have come when an object is read so that the subscriber may be shown it: as far as when the
	// subscription began, and to the newest event that takes something back.
	Needed int64
	// Members is the newest event that tells who of the reader's group sees the channel, since the log is followed; 0: there was none.
	Members int64
	Read    int64 // the newest event that was read; those behind it are known because this process wrote them
}

// Delivery is what a subscriber gets at once: events in order without gaps, and its position behind them.
type Delivery struct {
	Events     []LogEvent // shared with other subscribers: read only
	Position   LogHead
	Checkpoint bool // tell the subscriber its position even if nothing in Events is for it
}
