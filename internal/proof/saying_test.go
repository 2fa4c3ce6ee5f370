package proof_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// The verbs of a conversation.
const (
	post   verb = "post"
	edit   verb = "edit"
	erase  verb = "delete"
	react  verb = "react"
	retake verb = "take a reaction back"
	read   verb = "mark read"
)

// talks reports whether an operation is one of a conversation.
func (op operation) talks() bool {
	return slices.Contains([]verb{post, edit, erase, react, retake, read}, op.do)
}

// everyone is the owner of what is for all in a channel.
const everyone = -1

// emoji is the one that all react with.
const emoji = "👍"

// saying is a message. Of its channel's messages it is known by its place in life.said.
type saying struct {
	owner           int // group, or everyone
	number, follows int64
	by              person
	body            string
	state           channel.MessageState
	version         int
	root            int // that it replies to; -1: none
	reactions       []person
	deletedBy       string
}

// happening is an event of a conversation, of a log's owner.
type happening struct {
	owner           int
	number, follows int64
	kind            channel.EventKind
	message         int64
	about           int // the group that GROUP_LINKED and GROUP_UNLINKED are about
}

// conversation is what is said in a channel.
type conversation struct {
	said        []saying
	happened    []happening
	head        int64            // of the public log
	privateHead map[int]int64    // by group
	users       map[person]place // who took part, and how far each has read
}

// place is where a message stands: behind that public event, and that private one.
type place struct{ follows, private int64 }

func (p place) less(o place) bool {
	return p.follows < o.follows || p.follows == o.follows && p.private < o.private
}

func (s *saying) place() place {
	if s.owner == everyone {
		return place{s.follows, 0}
	}
	return place{s.follows, s.number}
}

func (c conversation) clone() conversation {
	c.said, c.happened = slices.Clone(c.said), slices.Clone(c.happened)
	for i := range c.said {
		c.said[i].reactions = slices.Clone(c.said[i].reactions)
	}
	heads, users := c.privateHead, c.users
	c.privateHead, c.users = make(map[int]int64), make(map[person]place)
	for group, head := range heads {
		c.privateHead[group] = head
	}
	for user, at := range users {
		c.users[user] = at
	}
	return c
}

// sees reports whether a group may see a message.
func (l *life) sees(group, message int) bool {
	owner := l.said[message].owner
	return l.shownTo(group) == channel.ChannelActive && (owner == everyone || owner == group)
}

// joins notes a user who took part.
func (c *conversation) joins(user person) {
	if c.users == nil {
		c.users, c.privateHead = make(map[person]place), make(map[int]int64)
	}
	if _, ok := c.users[user]; !ok {
		c.users[user] = place{}
	}
}

// happens appends an event to a log; message 0 is the event itself.
func (c *conversation) happens(owner int, kind channel.EventKind, message int64) happening {
	h := happening{owner: owner, kind: kind, message: message}
	if owner == everyone {
		c.head++
		h.number, h.follows = c.head, c.head
	} else {
		c.privateHead[owner]++
		h.number, h.follows = c.privateHead[owner], c.head
	}
	if message == 0 {
		h.message = h.number
	}
	c.happened = append(c.happened, h)
	return h
}

// happensTo appends an event about a group to the log for everyone.
func (c *conversation) happensTo(group int, kind channel.EventKind) happening {
	h := c.happens(everyone, kind, 0)
	h.message, h.about = 0, group
	c.happened[len(c.happened)-1] = h
	return h
}

// owner is whose message a post makes.
func (m *model) owner(op operation) int {
	if m.isOwn(op) {
		return op.by.group
	}
	return everyone
}

// say decides on an operation of a conversation.
func (m *model) say(op operation) answer {
	l := &m.lives[op.life]
	refused := func(code channel.UserErrorCode) answer { return answer{refused: code} }
	state := l.shownTo(op.by.group)
	switch {
	case state == "" && (op.do == post || op.do == read):
		return refused(channel.CodeChannelNotFound)
	case state == "":
		return refused(channel.CodeMessageNotFound)
	case state != channel.ChannelActive:
		return refused(channel.CodeChannelNotActive)
	case op.do != post && !l.sees(op.by.group, op.message):
		return refused(channel.CodeMessageNotFound)
	}
	if op.do == post {
		return m.post(op)
	}
	s := &l.said[op.message]
	switch {
	case op.do == read:
		l.joins(op.by)
		if l.users[op.by].less(s.place()) {
			l.users[op.by] = s.place()
		}
		return answer{life: op.life, about: -1}
	case op.do == edit && op.by != s.by,
		op.do == erase && op.by != s.by && (!op.by.admin() || op.by.group != s.by.group):
		return refused(channel.CodeNotAllowed)
	case op.do != erase && s.state == channel.Deleted:
		return refused(channel.CodeMessageNotFound)
	}
	l.joins(op.by)
	reacted := slices.Index(s.reactions, op.by)
	switch {
	case op.do == edit:
		s.body, s.state, s.version = op.name, channel.Edited, s.version+1
		l.happens(s.owner, channel.EventMessageEdited, s.number)
	case op.do == erase && s.state != channel.Deleted:
		s.body, s.state, s.reactions, s.deletedBy = "", channel.Deleted, nil, op.by.name
		l.happens(s.owner, channel.EventMessageDeleted, s.number)
	case op.do == react && reacted < 0:
		s.reactions = append(s.reactions, op.by)
		l.happens(s.owner, channel.EventReactionAdded, s.number)
	case op.do == retake && reacted >= 0:
		s.reactions = slices.Delete(s.reactions, reacted, reacted+1)
		l.happens(s.owner, channel.EventReactionRemoved, s.number)
	}
	return answer{life: op.life, about: op.message}
}

func (m *model) post(op operation) answer {
	l := &m.lives[op.life]
	if op.message >= 0 {
		switch root := l.said[op.message]; {
		case !l.sees(op.by.group, op.message), root.state == channel.Deleted:
			return answer{refused: channel.CodeMessageNotFound}
		case root.root >= 0:
			return answer{refused: channel.CodeInvalidInput}
		}
	}
	l.joins(op.by)
	owner := m.owner(op)
	h := l.happens(owner, channel.EventMessagePosted, 0)
	l.said = append(l.said, saying{
		owner: owner, number: h.number, follows: h.follows, by: op.by, body: op.name, state: channel.Posted, version: 1, root: op.message,
	})
	return answer{life: op.life, about: len(l.said) - 1}
}

// replies counts those to a message that a group may see; own alone, if owner says so.
func (l *life) replies(message int, counts func(owner int) bool) (n int) {
	for i := range l.said {
		if l.said[i].root == message && counts(l.said[i].owner) {
			n++
		}
	}
	return n
}

// shows says what a user is shown of a message.
func (l *life) shows(message int, to person) string {
	s := &l.said[message]
	root := int64(0)
	if s.root >= 0 {
		root = l.said[s.root].number
	}
	replies := l.replies(message, func(owner int) bool { return owner == everyone || owner == to.group })
	return fmt.Sprintf("%d/%v %s %q by %s, to %d, %d replies, %d reactions %v, deleted by %q", s.number, s.owner != everyone, s.state, s.body,
		s.by.name, root, replies, len(s.reactions), slices.Contains(s.reactions, to), s.deletedBy)
}

// showMessage says what a user is shown of a message.
func showMessage(m *channel.Message) string {
	body, deleter := "", ""
	if m.Body != nil {
		body = *m.Body
	}
	if m.Deleter != nil {
		deleter = m.Deleter.Name
	}
	reactions, own := int32(0), false
	for _, r := range m.Reactions {
		reactions, own = reactions+r.Count, own || r.ViewerReacted
	}
	return fmt.Sprintf("%d/%v %s %q by %s, to %d, %d replies, %d reactions %v, deleted by %q", m.ID.Number, !m.ID.Owner.IsZero(), m.State, body,
		m.Writer.Name, m.Root.Number, m.ReplyCount, reactions, own, deleter)
}

// id is that of a message.
func (w *world) id(l *life, message int) ids.Message {
	s := &l.said[message]
	id := ids.Message{Channel: l.channel, Number: s.number}
	if s.owner != everyone {
		id.Owner = w.groups[s.owner].ID
	}
	return id
}

// talk runs an operation of a conversation in a process.
func (w *world) talk(ctx context.Context, s *channel.Service, m *model, op operation) (a answer, err error) {
	v, l := w.viewer(op.by), &m.lives[op.life]
	var key *string
	if op.key != "" {
		key = &op.key
	}
	var about *ids.Message
	if op.message >= 0 {
		id := w.id(l, op.message)
		about = &id
	}
	var done *channel.MessagePayload
	switch op.do {
	case post:
		in := channel.PostMessageInput{ChannelID: l.channel, Body: op.name, ReplyToID: about, IdempotencyKey: key}
		if op.own {
			own := channel.AudienceOwnGroup
			in.Audience = &own
		}
		done, err = s.PostMessage(ctx, v, in)
	case edit:
		done, err = s.EditMessage(ctx, v, channel.EditMessageInput{MessageID: *about, Body: op.name, IdempotencyKey: key})
	case erase:
		done, err = s.DeleteMessage(ctx, v, channel.DeleteMessageInput{MessageID: *about, IdempotencyKey: key})
	case react:
		done, err = s.AddReaction(ctx, v, channel.AddReactionInput{MessageID: *about, Emoji: emoji, IdempotencyKey: key})
	case retake:
		done, err = s.RemoveReaction(ctx, v, channel.RemoveReactionInput{MessageID: *about, Emoji: emoji, IdempotencyKey: key})
	case read:
		var marked *channel.MarkReadPayload
		marked, err = s.MarkRead(ctx, v, channel.MarkReadInput{ChannelID: l.channel, UpToMessageID: *about, IdempotencyKey: key})
		if err == nil {
			done = &channel.MessagePayload{Errors: marked.Errors}
			if (marked.SharedChannel == nil) != (len(marked.Errors) > 0) {
				err = errors.New("neither refused nor done")
			}
		}
	}
	switch {
	case err != nil:
		return a, fmt.Errorf("%v: %w", op, err)
	case len(done.Errors) > 1 || len(done.Errors) > 0 && done.Message != nil || len(done.Errors) == 0 && op.do != read && done.Message == nil:
		return a, fmt.Errorf("%v: neither refused nor done: %v, %v", op, done.Message, done.Errors)
	case len(done.Errors) > 0:
		a.refused = done.Errors[0].GetCode()
	case done.Message != nil:
		a.message, a.shown = done.Message.ID, showMessage(done.Message)
	}
	return a, nil
}

// messages opens a channel and says what a user is shown of it and of its messages, in their order, and how many it has not read.
func (w *world) messages(s *channel.Service, id ids.Channel, by person) (string, error) {
	ctx, v, first := context.Background(), w.viewer(by), int32(channel.MaxPageSize)
	args := channel.PageArgs{First: &first}
	node, err := s.Node(ctx, v, ids.ID{Kind: ids.KindChannel, Channel: id}, channel.Along{Unread: true, Messages: &args})
	c, ok := node.(*channel.SharedChannel)
	if err != nil || !ok {
		return "nothing", err
	}
	page, err := s.Messages(ctx, v, c, args)
	if err != nil {
		return "", err
	}
	var lines []string
	for _, edge := range page.Edges() {
		lines = append(lines, showMessage(edge.Value))
	}
	unread, err := s.UnreadCount(ctx, v, c)
	return fmt.Sprintf("%s, %d unread of [%s]", describe(c), unread, strings.Join(lines, "; ")), err
}

// messages is what it should be shown.
func (l *life) messages(by person) string {
	var order []int
	unread := 0
	for i := range l.said {
		if s := &l.said[i]; l.sees(by.group, i) {
			order = append(order, i)
			if s.state != channel.Deleted && s.by != by && l.users[by].less(s.place()) {
				unread++
			}
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		if l.said[a].place().less(l.said[b].place()) {
			return -1
		}
		return 1
	})
	var lines []string
	for _, i := range order {
		lines = append(lines, l.shows(i, by))
	}
	return fmt.Sprintf("%s, %d unread of [%s]", l.describe(by.group), unread, strings.Join(lines, "; "))
}

// isOwn reports whether a post is for the user's own group alone: it says so, or replies to what is.
func (m *model) isOwn(op operation) bool {
	return op.own || op.do == post && op.message >= 0 && m.lives[op.life].said[op.message].owner != everyone
}
