package channel

import (
	"context"
	"time"

	"linkspan/internal/ids"
)

// Conversation reads and changes what is said in channels, on their shards. Implementations are safe for concurrent use,
// route by the ids alone and judge in each statement by the side of the reader's group what it may see: the other sides'
// private messages are to it what does not exist, and so is a channel that its group keeps from it. A group whose part has ended reads the channel as it stood then, but for what was
// deleted since; nothing else that came later exists for it. A cluster out of reach is a retryable SHARD_UNAVAILABLE fault.
type Conversation interface {
	// Change does what it is asked to, in one transaction with its event and its operation, or nothing. It does nothing
	// where the operation was kept before, where the channel is not ACTIVE for the group, where the message is none that
	// the group may see or is deleted, where it is not the user's to change, and where a reaction would be one with more than
	// MaxEmoji.
	Change(ctx context.Context, c Change) (Changed, error)
	// MarkRead notes that the user has read all up to a message that its group may see, unless it has read more, or the
	// operation was kept before. An operation that is nil is not kept. Read is set if the user has now read more than before.
	MarkRead(ctx context.Context, by User, admin bool, upTo ids.Message, op *Operation) (Changed, error)

	// Messages returns those of the messages that the reader's group may see.
	Messages(ctx context.Context, reader Reader, messages []ids.Message) (map[ids.Message]*Message, error)
	// ListMessages reads a part of a channel's messages in the order of its log, with the head of the log in the same
	// snapshot. Where the group may not read the channel it returns nothing, not even a head.
	ListMessages(ctx context.Context, reader Reader, channel ids.Channel, r MessageRange) (MessageRows, error)
	// OpenChannel reads a channel as Shards.Channels does and, as Unread and ListMessages do, how many of its messages the reader
	// has not read, if that is asked for, and a part of them, if there is one, in one round trip, or two where what was remembered of the part is not so any more.
	// What could be read of the channel and not of these is nil in Opened. Its messages and what the channel points to are others' too: nobody changes them.
	OpenChannel(ctx context.Context, reader Reader, channel ids.Channel, unread bool, messages *MessageRange) (Opened, error)
	// ListReplies reads that part of the replies to each of the messages as ListMessages does, with one query a cluster. Messages of
	// channels that the group may not read are absent. unread says for each that could not be read why.
	ListReplies(ctx context.Context, reader Reader, roots []ids.Message, r MessageRange) (replies map[ids.Message]MessageRows, unread map[ids.Message]error)
	// SearchMessages reads a part of the messages of a channel that the reader's group may see and that say what is searched
	// for, with the head of the log in the same snapshot. Where the group may not read the channel it returns nothing, not even a
	// head.
	SearchMessages(ctx context.Context, reader Reader, channel ids.Channel, search Search, r MessageRange) (MessageRows, error)
	// Versions returns what each of the messages has said, in order of writing, the newest MaxVersions, with one query a cluster:
	// nothing where it is deleted or not to be seen. unread says for each that could not be read why.
	Versions(ctx context.Context, reader Reader, messages []ids.Message) (said map[ids.Message][]MessageVersion, unread map[ids.Message]error)
	// Unread returns how many messages of others each channel has that the reader has not read, at most MaxUnread; channels
	// that the group may not read are absent. Unread says for each that could not be read why.
	Unread(ctx context.Context, reader Reader, channels []ids.Channel) (counts map[ids.Channel]int32, unread map[ids.Channel]error)
	// Participants returns those of the users who took part in a channel that the reader's group may read, and of those of
	// other groups only who did so for everyone to see, under the name that they had then.
	Participants(ctx context.Context, reader Reader, channel ids.Channel, users []ids.User) (map[ids.User]User, error)
	// Sees returns how a channel stands for a reader who sees it; ErrNotFound: it does not.
	Sees(ctx context.Context, reader Reader, channel ids.Channel) (Sight, error)
	// Named returns the users of the channel who have one of these names, as NameKey spells them, by name: whom everyone in the
	// channel knows, or for a message to the reader's group whom the group knows.
	Named(ctx context.Context, reader Reader, channel ids.Channel, audience Audience, keys []string) (map[string][]User, error)
}

// Opened is a channel with what was read with it. A Channel that is nil is not for the group's eyes.
type Opened struct {
	Channel  *SharedChannel
	Unread   *int32
	Messages *MessageRows
}

// MaxUnread is where unread messages are no longer counted.
const MaxUnread = 1000

// MaxEmoji is with how many different emoji users can react to one message.
const MaxEmoji = 100

// MaxVersions is how many versions of a message are shown; older ones are kept.
const MaxVersions = 100

// Change is a change of a channel's conversation.
type Change struct {
	Kind     EventKind // what to do, by the event that tells of it
	Op       Operation
	By       User
	Admin    bool        // By is an admin: may delete what others of its group wrote, and sees what the group keeps to some
	Message  ids.Message // to change; for a post its channel and owner alone
	Body     string      // of a post or edit
	Mentions []User      // of a post or edit
	ReplyTo  ids.Message // of a post; zero: nothing
	Emoji    string      // of a reaction
}

// Standing is how a channel and a message in it stand for a user's group.
type Standing struct {
	Channel SharedChannelState // empty: it is not for the group's eyes
	Message *MessageStanding   // nil: it is not for the group's eyes
}

// MessageStanding is what decides on changes of a message, and on replies to it.
type MessageStanding struct {
	State   MessageState
	Author  ids.User
	IsReply bool
}

// Changed is what came of a change: what was found, and, if Done, what was written.
type Changed struct {
	Standing             // of the message to change or reply to
	Kept     *Operation  // that was kept under the change's id before
	Done     bool        // the change has happened, now or before
	Message  ids.Message // the message that it happened to
	At       time.Time   // of a post
	Home     Group       // of a post: its author's group, as those who read the message see it
	Appended []Appended  // the event, for each side that may see it
	Read     *Place      // of a mark: how far the user has read now; nil: as far as before
}

// MessageRange is a checked part of a list of messages: at most Limit strictly between After and Before. Where Backward is
// set they are the last of them, else the first; the rows come in list order. That is ascending by place; of what a search
// found descending by rank and place.
type MessageRange struct {
	Limit         int
	After, Before *Place
	Backward      bool
}

func (r MessageRange) equal(other MessageRange) bool {
	return r.Limit == other.Limit && r.Backward == other.Backward && same(r.After, other.After) && same(r.Before, other.Before)
}

// Place is where a message stands in the order that its reader's group sees: behind that public event, and behind so many
// of the group's own private ones that follow it. What a search found by rank has that before all; else it is 0.
type Place struct {
	Public, Private int64
	Rank            float32
}

// Before reports whether a place of no search is before another.
func (p Place) Before(other Place) bool {
	return p.Public < other.Public || p.Public == other.Public && p.Private < other.Private
}

// MessageRows is what a port reads of a list of messages: the rows of a range in list order, whether more lie beyond on
// either side, and the head of the channel's log as the group sees it, all in one snapshot.
type MessageRows struct {
	Messages               []*Message
	Places                 []Place
	MoreBefore, MoreBehind bool
	Log                    LogHead
	Written                *Written // what was written of the page; nil: it is not kept
}
