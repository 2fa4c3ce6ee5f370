package channel

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"linkspan/internal/ids"
)

// saying is a conversation in which whatever is asked for is done, and that counts what is read of it.
type saying struct {
	Conversation
	posts, reads int
	unread       error  // of the next read
	fails        error  // of the next change
	meanwhile    func() // is called before a post is answered, once
}

func (s *saying) Change(_ context.Context, c Change) (Changed, error) {
	if err := s.fails; err != nil {
		s.fails = nil
		return Changed{}, err
	}
	done := Changed{
		Standing: Standing{Channel: ChannelActive, Message: &MessageStanding{State: Posted, Author: c.By.ID}}, Done: true, Message: c.Message,
		Home: Group{c.By.ID.Group, "acme", "Acme as the channel's cluster knows it"},
	}
	if c.Kind == EventMessagePosted {
		s.posts++
		done.Message.Number, done.At = int64(s.posts), time.Unix(int64(s.posts), 0)
	}
	if f := s.meanwhile; f != nil {
		s.meanwhile = nil
		f()
	}
	return done, nil
}

func (s *saying) Messages(_ context.Context, _ Reader, messages []ids.Message) (map[ids.Message]*Message, error) {
	s.reads++
	if err := s.unread; err != nil {
		s.unread = nil
		return nil, err
	}
	found := map[ids.Message]*Message{}
	for _, id := range messages {
		found[id] = &Message{ID: id}
	}
	return found, nil
}

func (s *saying) Participants(context.Context, Reader, ids.Channel, []ids.User) (map[ids.User]User, error) {
	return nil, nil
}

func (s *saying) Named(context.Context, Reader, ids.Channel, Audience, []string) (map[string][]User, error) {
	return map[string][]User{"gil": {{Name: "Gil"}}}, nil
}

// fresh is a message that Ana has posted, as event 1 of a channel of which nothing else is known.
type fresh struct {
	t       *testing.T
	said    *saying
	service *Service
	ana     *Viewer
	id      ids.Channel
	event   LogEvent
	known   LogStanding
}

func newFresh(t *testing.T) *fresh {
	said := &saying{}
	group := Group{ID: ids.NewGroup(), Handle: "acme", Name: "Acme as it calls itself"}
	ana := &Viewer{User: User{ID: ids.UserOf(group.ID, "ana"), Name: "Ana", Group: group}, Group: group, Role: RoleAdmin}
	return &fresh{t: t, said: said, service: &Service{Conversation: said, Fresh: &FreshMessages{}}, ana: ana, id: ids.ChannelFrom([16]byte{0: 1, 6: 0x80, 8: 0x80})}
}

func (f *fresh) post(body string, reply *ids.Message) {
	f.t.Helper()
	p, err := f.service.PostMessage(f.t.Context(), f.ana, PostMessageInput{ChannelID: f.id, Body: body, ReplyToID: reply})
	if err != nil || len(p.Errors) > 0 {
		f.t.Fatal(p, err)
	}
	f.event = LogEvent{Number: p.Message.ID.Number, At: p.Message.CreatedAt, Kind: EventMessagePosted, Channel: f.id, Actor: f.ana.User.ID, Message: p.Message.ID}
	f.known.Known = f.event.Number
}

// shown renders the event for somebody else, and returns the message, when it looked so, and whether it was read.
func (f *fresh) shown() (*Message, time.Time, bool) {
	f.t.Helper()
	before := f.said.reads
	other := &Viewer{User: User{ID: ids.UserOf(f.ana.Group.ID, "ben")}, Group: f.ana.Group}
	c := &conversation{f.service, other, ChannelLogOf(f.id, other.Group.ID), nil}
	events, at, err := c.events(f.t.Context(), Delivery{Events: []LogEvent{f.event}}, f.known)
	if err != nil || len(events) != 1 {
		f.t.Fatal(events, err)
	}
	return events[0].(*MessagePosted).Message, at, f.said.reads > before
}

// as is Ana under another name.
func (f *fresh) as(name string) *Viewer {
	v := *f.ana
	v.User.Name = name
	return &v
}

// What was posted here a moment ago is shown without a read, unless something is known that may have changed it.
func TestFreshMessages(t *testing.T) {
	body := "hello"
	for name, test := range map[string]struct {
		happens func(f *fresh)
		read    bool
	}{
		"nothing":           {func(*fresh) {}, false},
		"almost a second":   {func(*fresh) { time.Sleep(staleAfter - 1) }, false},
		"a second":          {func(*fresh) { time.Sleep(staleAfter) }, true},
		"another message":   {func(f *fresh) { e := f.event; f.post("more", nil); f.event = e }, false},
		"a reply":           {func(f *fresh) { e := f.event; f.post("well", &e.Message); f.event = e }, true},
		"its author's name": {func(f *fresh) { f.ana = f.as("Anna"); e := f.event; f.post("more", nil); f.event = e }, true},
		"an edit": {func(f *fresh) {
			f.must(f.service.EditMessage(f.t.Context(), f.ana, EditMessageInput{MessageID: f.event.Message, Body: "x"}))
		}, true},
		"a deletion": {func(f *fresh) {
			f.must(f.service.DeleteMessage(f.t.Context(), f.ana, DeleteMessageInput{MessageID: f.event.Message}))
		}, true},
		"a deletion of which nobody knows": {func(f *fresh) {
			f.said.fails = errors.New("lost while it was committed")
			if _, err := f.service.DeleteMessage(f.t.Context(), f.ana, DeleteMessageInput{MessageID: f.event.Message}); err == nil {
				f.t.Error("no error")
			}
		}, true},
		"a reaction": {func(f *fresh) {
			f.must(f.service.AddReaction(f.t.Context(), f.ana, AddReactionInput{MessageID: f.event.Message, Emoji: "👍"}))
		}, true},
		"a reaction that goes": {func(f *fresh) {
			f.must(f.service.RemoveReaction(f.t.Context(), f.ana, RemoveReactionInput{MessageID: f.event.Message, Emoji: "👍"}))
		}, true},
		"something elsewhere":        {func(f *fresh) { f.known.Read = f.event.Number + 1 }, true},
		"a group's parting":          {func(f *fresh) { f.known.Needed = f.event.Number + 1 }, true},
		"a message before it":        {func(f *fresh) { f.known.Read, f.known.Needed = f.event.Number-1, f.event.Number-1 }, false},
		"the loss of its cluster":    {func(f *fresh) { f.event.At = f.event.At.Add(time.Microsecond) }, true},
		"an event of another kind":   {func(f *fresh) { f.event.Kind = EventMessagePosted + "?" }, true},
		"a post that names somebody": {func(f *fresh) { f.post("@Gil", nil) }, true},
		"a deletion before the post is answered": {func(f *fresh) {
			f.said.meanwhile = func() {
				id := ids.Message{Channel: f.id, Number: f.event.Message.Number + 1}
				f.must(f.service.DeleteMessage(f.t.Context(), f.ana, DeleteMessageInput{MessageID: id}))
			}
			f.post("hello", nil)
		}, true},
		"another name before the post is answered": {func(f *fresh) {
			f.said.meanwhile = func() {
				f.must(f.service.AddReaction(f.t.Context(), f.as("Anna"), AddReactionInput{MessageID: ids.Message{Channel: f.id, Number: 99}, Emoji: "👍"}))
			}
			f.post("hello", nil)
		}, true},
		"a second until the post is answered": {func(f *fresh) {
			f.said.meanwhile = func() { time.Sleep(staleAfter) }
			f.post("hello", nil)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFresh(t)
				began := time.Now()
				f.post(body, nil)
				test.happens(f)
				m, at, read := f.shown()
				if read != test.read {
					t.Fatalf("read: %v, want %v", read, test.read)
				}
				if want := map[bool]time.Time{false: began, true: time.Now()}[read]; !at.Equal(want) {
					t.Errorf("shown as it was at %v, want %v", at, want)
				}
				if read {
					return
				}
				if *m.Body != body || m.State != Posted || m.AuthorName != "Ana" || m.Writer != (User{f.ana.User.ID, "Ana", Group{f.ana.Group.ID, "acme", "Acme as the channel's cluster knows it"}}) {
					t.Errorf("shows %+v", m)
				}
				if again, _, _ := f.shown(); again == m {
					t.Error("two are shown one and the same, with what is shown together with it")
				}
			})
		})
	}
}

func (f *fresh) must(p *MessagePayload, err error) {
	f.t.Helper()
	if err != nil || len(p.Errors) > 0 {
		f.t.Fatal(p, err)
	}
}

// What was fresh when its cluster could not be read is read once it can be: much may have happened.
func TestNothingIsFreshAfterAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFresh(t)
		f.service.Logger = slog.New(slog.DiscardHandler)
		f.post("@Gil", nil) // which is read
		named := f.event
		f.post("hello", nil)
		f.said.unread = Unavailable(errors.New("down"))
		c := &conversation{f.service, f.ana, ChannelLogOf(f.id, f.ana.Group.ID), nil}
		events, at, err := c.events(t.Context(), Delivery{Events: []LogEvent{named, f.event}}, f.known)
		if err != nil || len(events) != 2 {
			t.Fatal(events, err)
		}
		if m := events[1].(*MessagePosted).Message; m.Body != nil || !at.Equal(time.Now()) {
			t.Errorf("shows what was fresh before, %+v, as it was %v ago", m, time.Since(at))
		}
	})
}

// What is kept is bounded, and none of it stays; where nothing more can be noted, what was changed is not shown as it was.
func TestFreshMessagesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFresh(t)
		for range maxFreshBytes/MaxBodyBytes + 2 {
			f.post(strings.Repeat("x", MaxBodyBytes), nil)
		}
		if _, bytes := f.kept(); bytes > maxFreshBytes || !f.read() {
			t.Errorf("%d bytes of bodies are kept", bytes)
		}
		time.Sleep(2 * staleAfter)
		if messages, bytes := f.kept(); messages+bytes > 0 {
			t.Errorf("after a while there are %d messages, %d bytes", messages, bytes)
		}
		reacts := func(to int) {
			f.service.Fresh.before(&Change{Kind: EventReactionAdded, By: f.ana.User, Message: ids.Message{Channel: f.id, Number: int64(to)}})
		}
		for n := range maxFresh - 1 {
			reacts(1000 + n)
		}
		f.post("the last", nil)
		if messages, _ := f.kept(); messages != maxFresh || f.read() {
			t.Errorf("%d messages are kept", messages)
		}
		last := f.event
		f.said.meanwhile = func() { time.Sleep(time.Nanosecond); reacts(int(last.Number) + 1) }
		f.post("there is no place for the reaction, and soon for this", nil)
		if messages, _ := f.kept(); messages != maxFresh || !f.read() {
			t.Errorf("%d messages are kept", messages)
		}
		f.event = last
		if f.read() {
			t.Error("what is kept must be read")
		}
	})
}

// A message that somebody reacts to before its post is answered is not kept, though there was no place to note that.
func TestFreshMessagesWithoutPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFresh(t)
		reacts := func(to int) {
			f.service.Fresh.before(&Change{Kind: EventReactionAdded, By: f.ana.User, Message: ids.Message{Channel: f.id, Number: int64(to)}})
		}
		for n := range maxFresh {
			if n == maxFresh/2 {
				time.Sleep(staleAfter / 2)
			}
			reacts(1000 + n)
		}
		f.said.meanwhile = func() {
			time.Sleep(time.Nanosecond)
			reacts(1)
			time.Sleep(staleAfter / 2) // now there is place
		}
		f.post("not as it was", nil)
		if !f.read() {
			t.Error("what was changed is shown")
		}
		if f.post("as it is", nil); f.read() {
			t.Error("nothing is kept any more")
		}
	})
}

// read reports whether the event is read to be shown.
func (f *fresh) read() bool {
	_, _, read := f.shown()
	return read
}

// kept is how much is.
func (f *fresh) kept() (messages, bytes int) {
	all := f.service.Fresh
	all.mu.Lock()
	defer all.mu.Unlock()
	return len(all.of) + len(all.names) - min(1, len(all.names)), all.bytes
}

// Where somebody always says something, names are forgotten all the same: those of others make room, and who has changed its name is
// fresh under the new one before long.
func TestFreshMessagesWithoutSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFresh(t)
		to := int64(1_000_000)
		acts := func(user ids.User, name string) {
			to++
			f.service.Fresh.before(&Change{Kind: EventReactionAdded, By: User{ID: user, Name: name}, Message: ids.Message{Channel: f.id, Number: to}})
		}
		for n := range maxFresh {
			acts(ids.UserOf(f.ana.Group.ID, strconv.Itoa(n)), "somebody")
		}
		passes := func() {
			for range 3 * staleAfter / (100 * time.Millisecond) {
				time.Sleep(100 * time.Millisecond)
				acts(ids.UserOf(f.ana.Group.ID, "ben"), "Ben")
			}
		}
		f.post("there is no place for her name", nil)
		if !f.read() {
			t.Error("nobody knows what else Ana is called")
		}
		passes()
		f.post("now there is", nil)
		if f.read() {
			t.Error("the names of before still take all the place")
		}
		f.ana = f.as("Anna")
		f.post("under another name", nil)
		if !f.read() {
			t.Error("Ana has just acted under another name")
		}
		passes()
		f.post("under the same name", nil)
		if f.read() {
			t.Error("the name of before still counts")
		}
	})
}
