package channel

import (
	"context"
	"math"
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

// MessageConnection is a page of messages.
type MessageConnection = Page[Message]

// MessageEdge is an entry of such a page.
type MessageEdge = Edge[Message]

// thread is messages that are shown together. What they reply to is read together, when the first is asked for.
type thread struct {
	roots []ids.Message
	once  sync.Once
	found map[ids.Message]*Message
	err   error
}

// showTogether has messages share their reads, before anything is asked for.
func showTogether[M ~map[ids.Message]*Message](messages M) {
	together := &thread{}
	for _, m := range messages {
		m.thread = together
		if !m.Root.IsZero() {
			together.roots = append(together.roots, m.Root)
		}
	}
}

// ReplyTo returns the message that another replies to; nil: it replies to none. Whoever may see a reply may see that.
func (s *Service) ReplyTo(ctx context.Context, v *Viewer, m *Message) (*Message, error) {
	if m.Root.IsZero() {
		return nil, nil
	}
	t := m.thread
	if t == nil {
		t = &thread{roots: []ids.Message{m.Root}}
	}
	t.once.Do(func() { t.found, t.err = s.messages(ctx, v, t.roots) })
	return t.found[m.Root], t.err
}

// messages returns those of the messages that the viewer's group may see.
func (s *Service) messages(ctx context.Context, v *Viewer, wanted []ids.Message) (map[ids.Message]*Message, error) {
	found, err := s.Conversation.Messages(ctx, v.User.ID, wanted)
	showTogether(found)
	return found, err
}
