package proof_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// The verbs of a conversation.
const (
	post   verb = "post"
	edit   verb = "edit"
	remove verb = "delete"
	react  verb = "react"
	retake verb = "take a reaction back"
	read   verb = "mark read"
)

// talks reports whether an operation is one of a conversation.
func (op operation) talks() bool {
	return slices.Contains([]verb{post, edit, remove, react, retake, read}, op.do)
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

// owner is whose message a post makes.
func (m *model) owner(op operation) int {
	if op.own || op.message >= 0 && m.lives[op.life].said[op.message].owner != everyone {
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
	case op.do != post && !l.sees(op.by.group, op.message):
		return refused(channel.CodeMessageNotFound)
	case state != channel.ChannelActive:
		return refused(channel.CodeChannelNotActive)
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
		op.do == remove && op.by != s.by && (!op.by.admin() || op.by.group != s.by.group):
		return refused(channel.CodeNotAllowed)
	case op.do != remove && s.state == channel.Deleted:
		return refused(channel.CodeMessageNotFound)
	}
	l.joins(op.by)
	reacted := slices.Index(s.reactions, op.by)
	switch {
	case op.do == edit:
		s.body, s.state, s.version = op.name, channel.Edited, s.version+1
		l.happens(s.owner, channel.EventMessageEdited, s.number)
	case op.do == remove && s.state != channel.Deleted:
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
	case remove:
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

// conversationFacts are the lines of the tables of a conversation.
const conversationFacts = `
	UNION ALL SELECT concat_ws(' ', 'private log', e.channel_id, e.group_id, e.number, e.follows, e.kind, e.message_number)
	FROM linkspan_shard.private_event AS e JOIN linkspan_shard.channel AS c USING (slot, channel_id) WHERE c.initiator_group_id = ANY ($1)
	UNION ALL SELECT concat_ws(' ', 'message', m.channel_id, m.owner_group_id, m.number, m.follows, m.state, m.version,
		quote_literal(m.body), m.author_group_id, m.author_name, m.reply_to, m.reply_count)
	FROM linkspan_shard.message AS m JOIN linkspan_shard.channel AS c USING (slot, channel_id) WHERE c.initiator_group_id = ANY ($1)
	UNION ALL SELECT concat_ws(' ', 'replies apart', r.channel_id, r.number, r.group_id, r.reply_count)
	FROM linkspan_shard.private_replies AS r JOIN linkspan_shard.channel AS c USING (slot, channel_id) WHERE c.initiator_group_id = ANY ($1)
	UNION ALL SELECT concat_ws(' ', 'took part', u.channel_id, u.group_id, u.name, u.read_follows, u.read_number)
	FROM linkspan_shard.channel_user AS u JOIN linkspan_shard.channel AS c USING (slot, channel_id) WHERE c.initiator_group_id = ANY ($1)`

// ownerWord is how an owner stands in the tables.
func ownerWord(owner int) string {
	if owner == everyone {
		return "00000000-0000-0000-0000-000000000000"
	}
	return fmt.Sprintf("group-%d", owner)
}

// conversationFacts is what the tables of a conversation should hold, but for those who made and accepted the channel.
func (l *life) conversationFacts(i int, say func(format string, args ...any)) {
	for _, h := range l.happened {
		switch {
		case h.owner == everyone && h.kind != channel.EventGroupLinked:
			say("channel log channel-%d %d %s %d", i, h.number, h.kind, h.message)
		case h.owner != everyone:
			say("private log channel-%d group-%d %d %d %s %d", i, h.owner, h.number, h.follows, h.kind, h.message)
		}
	}
	for n := range l.said {
		s := &l.said[n]
		body, root := "", ""
		if s.state != channel.Deleted {
			body = "'" + s.body + "' "
		}
		if s.root >= 0 {
			root = fmt.Sprintf("%d ", l.said[s.root].number)
		}
		say("message channel-%d %s %d %d %s %d %sgroup-%d %s %s%d", i, ownerWord(s.owner), s.number, s.follows, s.state, s.version, body,
			s.by.group, s.by.name, root, l.replies(n, func(owner int) bool { return owner == s.owner }))
		for group := range 3 {
			if apart := l.replies(n, func(owner int) bool { return owner == group }); apart > 0 && s.owner == everyone {
				say("replies apart channel-%d %d group-%d %d", i, s.number, group, apart)
			}
		}
	}
	for user, at := range l.users {
		say("took part channel-%d group-%d %s %d %d", i, user.group, user.name, at.follows, at.private)
	}
}

// that returns the model whose conversations are those of the tables. Answers do not tell the order of a message for
// everyone and one for a group, which are numbered apart, nor that of a reaction and its taking back, of which one happens
// in either order and two in one.
func (w *world) that(t rapid.TB, models []*model) *model {
	t.Helper()
	var differences []string
	for _, m := range models {
		var want []string
		for i := range m.lives {
			m.lives[i].conversationFacts(i, func(format string, args ...any) { want = append(want, fmt.Sprintf(format, args...)) })
		}
		have := slices.DeleteFunc(w.facts(t, m), func(line string) bool {
			return !isTalk(line) && !slices.Contains(want, line)
		})
		slices.Sort(want)
		difference := cmp.Diff(want, have)
		if difference == "" {
			return m
		}
		differences = append(differences, difference)
	}
	t.Fatalf("the tables are those of neither order (-want +got):\n%s", strings.Join(differences, "\n"))
	return nil
}

// isTalk reports whether a line of the tables is one that a conversation alone writes: who took part is written with a
// channel, too.
func isTalk(line string) bool {
	if strings.HasPrefix(line, "channel log ") {
		return !strings.Contains(line, string(channel.EventGroupLinked))
	}
	return slices.ContainsFunc([]string{"private log ", "message ", "replies apart "}, func(table string) bool {
		return strings.HasPrefix(line, table)
	})
}

// TestThatOrder reacts and takes it back: both orders of the two give these answers, and one these tables.
func TestThatOrder(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	p := in.open(t)
	defer p.stop()
	s := &story{world: newWorld(t, in, p, 3), process: p, model: newModel(), did: make(map[string]int)}
	for _, op := range []operation{
		{do: create, by: ana, target: 1, name: "launch"}, {do: accept, by: targetAna}, {do: post, by: ana, name: "one", message: -1},
	} {
		s.run(t, op)
	}
	ops := [2]operation{{do: react, by: ana}, {do: retake, by: ana}}
	before, got := s.model.clone(), [2]answer{}
	for i, op := range ops {
		want := s.model.apply(op)
		var err error
		if got[i], err = s.world.do(t.Context(), p.Service, s.model, op); err != nil || !s.model.takes(want, got[i]) {
			t.Fatalf("%v: %+v, want %+v: %v", op, got[i], want, err)
		}
	}
	orders := before.orders(ops, got)
	if len(orders) != 2 {
		t.Fatalf("%d orders give these answers", len(orders))
	}
	for range orders {
		slices.Reverse(orders)
		if diff := cmp.Diff(s.model.facts(3), s.world.that(t, orders).facts(3)); diff != "" {
			t.Errorf("another order (-want +got):\n%s", diff)
		}
	}
	s.world.compare(t, s.model)
	in.check(t, p)
}

// messages says what a user is shown of a channel's messages, in their order, and how many it has not read.
func (w *world) messages(s *channel.Service, id ids.Channel, by person) (string, error) {
	ctx, first := context.Background(), int32(channel.MaxPageSize)
	page, err := s.ChannelMessages(ctx, w.viewer(by), id, channel.PageArgs{First: &first})
	if err != nil {
		return "", err
	}
	var lines []string
	for _, edge := range page.Edges {
		lines = append(lines, showMessage(edge.Value))
	}
	unread, err := s.UnreadCount(ctx, w.viewer(by), &channel.SharedChannel{ID: id})
	return fmt.Sprintf("%d unread of [%s]", unread, strings.Join(lines, "; ")), err
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
	return fmt.Sprintf("%d unread of [%s]", unread, strings.Join(lines, "; "))
}
