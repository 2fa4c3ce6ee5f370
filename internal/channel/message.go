package channel

import (
	"context"
	"iter"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"linkspan/internal/ids"
)

// Audience is who may see a message.
type Audience string

// The audiences.
const (
	AudienceEveryone Audience = "EVERYONE"
	AudienceOwnGroup Audience = "OWN_GROUP"
)

// MessageState is the state of a message.
type MessageState string

// The states of a message.
const (
	Posted  MessageState = "POSTED"
	Edited  MessageState = "EDITED"
	Deleted MessageState = "DELETED"
)

// Message is a message as a user of one group sees it.
type Message struct {
	ID         ids.Message
	Body       *string // nil once it is deleted
	State      MessageState
	Writer     User // under its name of now
	AuthorName string
	CreatedAt  time.Time
	EditedAt   *time.Time
	DeletedAt  *time.Time
	Deleter    *User
	Root       ids.Message // that it replies to; zero: none
	ReplyCount int32
	Reactions  []Reaction
	Mentioned  []User

	thread *thread // of those that are shown together
}

// noMessage is an id that no message of a channel has. It stands for one of another channel, so that this is answered like
// every id that names nothing.
func noMessage(channel ids.Channel) ids.Message {
	return ids.Message{Channel: channel, Number: math.MaxInt64}
}

// IsNode marks the type as a Node of the schema.
func (*Message) IsNode() {}

// Audience returns who may see the message.
func (m *Message) Audience() Audience { return audienceOf(m.ID) }

func audienceOf(id ids.Message) Audience {
	if id.Owner.IsZero() {
		return AudienceEveryone
	}
	return AudienceOwnGroup
}

// Author returns who wrote the message.
func (m *Message) Author() Actor { return m.Writer }

// DeletedBy returns who deleted the message; nil: nobody did.
func (m *Message) DeletedBy() Actor {
	if m.Deleter == nil {
		return nil
	}
	return *m.Deleter
}

// Mentions returns the users whom the message names.
func (m *Message) Mentions() []Actor {
	actors := make([]Actor, len(m.Mentioned))
	for i, user := range m.Mentioned {
		actors[i] = user
	}
	return actors
}

// Reaction is how users have reacted to a message with one emoji.
type Reaction struct {
	Emoji         string
	Count         int32
	ViewerReacted bool
}

// MessageVersion is what a message said at one time.
type MessageVersion struct {
	Body  string
	At    time.Time
	Actor Actor
}

// MessageConnection is a page of messages. What is on it is made when somebody first asks: who gets what was written of it needs none of it. It is safe for
// concurrent use.
type MessageConnection struct {
	Written *Written // what was written of the page before; nil: nothing is kept
	page    func() *Page[Message]
}

// Page returns what is on the page.
func (c *MessageConnection) Page() *Page[Message] { return c.page() }

// Edges returns the entries of the page, in the order of its list.
func (c *MessageConnection) Edges() []MessageEdge { return c.page().Edges }

// PageInfo tells where the page stands in its list.
func (c *MessageConnection) PageInfo() PageInfo { return c.page().PageInfo }

// LogCursor is the position of the channel's log that the page matches.
func (c *MessageConnection) LogCursor() ids.LogCursor { return c.page().LogCursor }

// MessageEdge is an entry of such a page.
type MessageEdge = Edge[Message]

// thread is messages that are shown together. What they reply to, what replies to them, and what they have said is read together.
type thread struct {
	messages []ids.Message
	roots    *batch[ids.Message, *Message]
	history  *batch[ids.Message, []MessageVersion]

	mu      sync.Mutex
	replies map[MessageRange]*batch[ids.Message, MessageRows] // by the part that is asked for, which names no place
}

// showTogether has messages share their reads, before anything is asked for.
func showTogether(messages iter.Seq[*Message]) {
	together := &thread{roots: batchOf[ids.Message, *Message](), replies: map[MessageRange]*batch[ids.Message, MessageRows]{}}
	for m := range messages {
		m.thread = together
		together.messages = append(together.messages, m.ID)
		if !m.Root.IsZero() {
			together.roots.keys = append(together.roots.keys, m.Root)
		}
	}
	together.history = batchOf[ids.Message, []MessageVersion](together.messages...)
}

// copiedTogether returns copies of messages, which are others' too, that share their reads.
func copiedTogether(messages []*Message) []*Message {
	values, copies := make([]Message, len(messages)), make([]*Message, len(messages))
	for i, m := range messages {
		values[i] = *m
		copies[i] = &values[i]
	}
	showTogether(slices.Values(copies))
	return copies
}

// repliesIn returns the batch of replies for that part, which has neither After nor Before.
func (t *thread) repliesIn(part MessageRange) *batch[ids.Message, MessageRows] {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.replies[part] == nil {
		t.replies[part] = batchOf[ids.Message, MessageRows](t.messages...)
	}
	return t.replies[part]
}

// ReplyTo returns the message that another replies to; nil: it replies to none. Whoever may see a reply may see that.
func (s *Service) ReplyTo(ctx context.Context, v *Viewer, m *Message) (*Message, error) {
	if m.Root.IsZero() {
		return nil, nil
	}
	roots := batchOf[ids.Message, *Message](m.Root)
	if m.thread != nil {
		roots = m.thread.roots
	}
	root, err := roots.get(m.Root, func(wanted []ids.Message) (map[ids.Message]*Message, map[ids.Message]error) {
		found, err := s.messages(ctx, v, wanted)
		return found, unreadAll(wanted, err)
	})
	if err == nil && root == nil {
		err = s.shown(ctx, v, m.ID.Channel)
	}
	return root, err
}

// messages returns those of the messages that the viewer's group may see.
func (s *Service) messages(ctx context.Context, v *Viewer, wanted []ids.Message) (map[ids.Message]*Message, error) {
	return s.messagesFor(ctx, v.reader(), wanted)
}

func (s *Service) messagesFor(ctx context.Context, reader Reader, wanted []ids.Message) (map[ids.Message]*Message, error) {
	found, err := s.Conversation.Messages(ctx, reader, wanted)
	showTogether(maps.Values(found))
	return found, err
}
