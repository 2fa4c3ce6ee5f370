package proof_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
)

// talkers write on each side, talkReaders take pages and follow from them.
const (
	talkers       = 16
	talkReaders   = 4
	stayers       = 3
	changesARound = 16
)

// told is an event of a conversation as a subscriber got it.
type told struct {
	position int64
	kind     string
	message  ids.Message
}

// feed is a subscription of a side to a channel, read by one goroutine.
type feed struct {
	*channel.Feed[channel.ChannelEvent]
	news chan struct{}
}

func follow(ctx context.Context, s *channel.Service, v *channel.Viewer, id ids.Channel, after *ids.LogCursor) (*feed, error) {
	events, err := s.ChannelEvents(ctx, v, id, after)
	if err != nil {
		return nil, err
	}
	f := &feed{events, make(chan struct{}, 1)}
	f.Notify(f.wake)
	return f, nil
}

func (f *feed) wake() {
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// next waits for an event.
func (f *feed) next(ctx context.Context) (channel.ChannelEvent, error) {
	for {
		event, ok, err := f.Next(ctx)
		if err != nil || ok {
			return event, err
		}
		f.Notify(f.wake)
		select {
		case <-f.news:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// note is the event as it is compared, and what its message says; false for a checkpoint.
func note(event channel.ChannelEvent) (told, *channel.Message, bool) {
	t := told{position: event.Position().Position, kind: strings.TrimPrefix(fmt.Sprintf("%T", event), "*channel.")}
	var message *channel.Message
	switch event := event.(type) {
	case *channel.ChannelCheckpoint:
		return t, nil, false
	case *channel.MessagePosted:
		message = event.Message
	case *channel.MessageEdited:
		message = event.Message
	case *channel.MessageDeleted:
		message = event.Message
	case *channel.ReactionChanged:
		message = event.Message
		t.kind += fmt.Sprint(event.Emoji, event.Added)
	default:
		return t, nil, true
	}
	t.message = message.ID
	return t, message, true
}

// talk is one channel between two groups, seen from two processes.
type talk struct {
	world     *world
	processes []*process
	id        ids.Channel
	tokens    chan *sync.WaitGroup // each is a change that somebody waits for
}

// newTalk links two groups with a channel.
func newTalk(t testing.TB, w *world, processes ...*process) *talk {
	t.Helper()
	m := newModel()
	for _, op := range []operation{{do: create, by: ana, target: 1, name: "talk"}, {do: accept, by: targetAna}} {
		want := m.apply(op)
		got, err := w.do(t.Context(), processes[0].Service, m, op)
		if err != nil || !m.takes(want, got) {
			t.Fatalf("%v: %+v, %v", op, got, err)
		}
	}
	return &talk{world: w, processes: processes, id: m.lives[0].channel, tokens: make(chan *sync.WaitGroup, 1<<16)}
}

func (k *talk) viewer(side int, name string) *channel.Viewer {
	return k.world.viewer(person{side, name})
}

// said takes the message of a payload; a refusal is an error.
func said(payload *channel.MessagePayload, err error) (*channel.Message, error) {
	if err == nil && len(payload.Errors) > 0 {
		err = fmt.Errorf("refused: %v", payload.Errors)
	}
	if err != nil {
		return nil, err
	}
	return payload.Message, nil
}

func (k *talk) post(ctx context.Context, s *channel.Service, v *channel.Viewer, own bool, body string, replyTo *ids.Message) (*channel.Message, error) {
	in := channel.PostMessageInput{ChannelID: k.id, Body: body, ReplyToID: replyTo}
	if own {
		audience := channel.AudienceOwnGroup
		in.Audience = &audience
	}
	return said(s.PostMessage(ctx, v, in))
}

// write makes one change for each token, until there are no more: posts for both audiences, replies, edits, deletions and
// reactions, each from one of the processes.
func (k *talk) write(ctx context.Context, side, n int) error {
	v := k.viewer(side, fmt.Sprintf("writer %d", n))
	var own []*channel.Message
	for waiting := range k.tokens {
		s := k.processes[rand.N(len(k.processes))].Service
		var err error
		var m *channel.Message
		var of *channel.Message
		if len(own) > 0 {
			of = own[rand.N(len(own))]
		}
		switch what := rand.N(10); {
		case of == nil || what < 4:
			if m, err = k.post(ctx, s, v, rand.N(2) == 0, "said", nil); err == nil {
				own = append(own, m)
			}
		case what < 6:
			_, err = k.post(ctx, s, v, of.Audience() == channel.AudienceOwnGroup || rand.N(2) == 0, "replied", &of.ID)
		case what < 7:
			_, err = said(s.EditMessage(ctx, v, channel.EditMessageInput{MessageID: of.ID, Body: "edited"}))
		case what < 8:
			_, err = said(s.AddReaction(ctx, v, channel.AddReactionInput{MessageID: of.ID, Emoji: "👍"}))
		case what < 9:
			_, err = said(s.RemoveReaction(ctx, v, channel.RemoveReactionInput{MessageID: of.ID, Emoji: "👍"}))
		default:
			if _, err = said(s.DeleteMessage(ctx, v, channel.DeleteMessageInput{MessageID: of.ID})); err == nil {
				own = slices.DeleteFunc(own, func(m *channel.Message) bool { return m == of })
			}
		}
		waiting.Done()
		if err != nil {
			return err
		}
	}
	return nil
}

// changes lets the writers make so many and waits for them.
func (k *talk) changes(n int) {
	var waiting sync.WaitGroup
	waiting.Add(n)
	for range n {
		k.tokens <- &waiting
	}
	waiting.Wait()
}

// view is a page of the newest messages and what a subscriber then heard from its cursor.
type talkView struct {
	side  int
	page  []ids.Message
	after int64
	heard []told
}

// look takes a page while others write, and follows from its cursor until a message of its own comes by.
func (k *talk) look(ctx context.Context, side, n int) (*talkView, error) {
	s, v := k.processes[n%len(k.processes)].Service, k.viewer(side, fmt.Sprintf("reader %d", n%talkReaders))
	last := int32(20)
	page, err := s.ChannelMessages(ctx, v, k.id, channel.PageArgs{Last: &last})
	if err != nil {
		return nil, err
	}
	view := &talkView{side: side, after: page.LogCursor().Position}
	for _, edge := range page.Edges() {
		view.page = append(view.page, edge.Value.ID)
	}
	f, err := follow(ctx, s, v, k.id, new(page.LogCursor()))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	mark, failed := fmt.Sprintf("mark %d of %d", n, side), make(chan error, 1)
	go func() {
		k.changes(changesARound)
		_, err := k.post(ctx, k.processes[(n+1)%len(k.processes)].Service, v, n%2 == 0, mark, nil)
		failed <- err
	}()
	for {
		event, err := f.next(ctx)
		if err != nil {
			return nil, fmt.Errorf("behind %d, after %d events: %w", view.after, len(view.heard), err)
		}
		heard, message, ok := note(event)
		if !ok {
			continue
		}
		view.heard = append(view.heard, heard)
		if message != nil && message.Body != nil && *message.Body == mark {
			return view, <-failed
		}
	}
}

// wrong tells where the view is not what the side's whole log says.
func (view *talkView) wrong(log []told) string {
	end := view.after + int64(len(view.heard))
	if end > int64(len(log)) || !slices.Equal(view.heard, log[view.after:end]) {
		return fmt.Sprintf("behind %d it heard %v", view.after, view.heard)
	}
	var posted []ids.Message
	for _, event := range log[:view.after] {
		if event.kind == "MessagePosted" {
			posted = append(posted, event.message)
		}
	}
	if posted = posted[max(0, len(posted)-20):]; !slices.Equal(posted, view.page) {
		return fmt.Sprintf("at %d the page has %v, and the log before it %v", view.after, view.page, posted)
	}
	return ""
}

// stay follows a side's log from its beginning, each time a few events more, from the last cursor on, until the end.
func (k *talk) stay(ctx context.Context, side, n int, last string) ([]told, int, error) {
	var heard []told
	var after *ids.LogCursor
	v := k.viewer(side, "stayer")
	first := int32(0)
	page, err := k.processes[0].ChannelMessages(ctx, v, k.id, channel.PageArgs{First: &first})
	if err != nil {
		return nil, 0, err
	}
	after = new(page.LogCursor())
	after.Position = 0
	for times := 1; ; times++ {
		f, err := follow(ctx, k.processes[(n+times)%len(k.processes)].Service, v, k.id, after)
		if err != nil {
			return heard, times, err
		}
		for range 1 + rand.N(60) {
			event, err := f.next(ctx)
			if err != nil {
				f.Close()
				return heard, times, err
			}
			position := event.Position()
			after = &position
			if told, message, ok := note(event); ok {
				heard = append(heard, told)
				if message != nil && message.Body != nil && *message.Body == last {
					f.Close()
					return heard, times, nil
				}
			}
		}
		f.Close()
	}
}

// whole replays a side's log from its beginning; what was deleted has no body there.
func (k *talk) whole(t testing.TB, side int, end string) []told {
	t.Helper()
	heard, _, err := k.stay(t.Context(), side, 0, end)
	if err != nil {
		t.Fatal(err)
	}
	for i, event := range heard {
		if event.position != int64(i)+1 {
			t.Fatalf("side %d: event %d stands at %d", side, i, event.position)
		}
	}
	return heard
}

// talkRounds is how often somebody takes a page and follows from it.
func talkRounds() int { return number(24, 1000) }

// TestTalk has 32 writers of both sides say and do things for both audiences, at two processes that lose half their hints.
// Whoever takes a page and follows from its cursor misses nothing and hears nothing twice; so does who drops its
// subscription at random and resumes; each side has one dense order, which a later replay repeats, with the public events of
// both in the same order.
func TestTalk(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Minute)
	defer cancel()
	in := newInstallation(t)
	in.config.PoolSize = 8
	nats, _ := servertest.NATS(t)
	processes := []*process{in.openLossy(t, nats), in.openLossy(t, nats)}
	k := newTalk(t, newWorld(t, in, processes[0], 2), processes...)

	var writing, staying, reading sync.WaitGroup
	const end = "the end"
	stayed := make([][]told, 2*stayers)
	for n := range stayed {
		staying.Go(func() {
			heard, times, err := k.stay(ctx, n%2, n, end)
			if err != nil {
				t.Errorf("who stays on side %d, after %d events and %d subscriptions: %v", n%2, len(heard), times, err)
			}
			stayed[n] = heard
		})
	}
	for n := range 2 * talkers {
		writing.Go(func() {
			if err := k.write(ctx, n%2, n); err != nil {
				t.Errorf("writer %d: %v", n, err)
				cancel()
				for waiting := range k.tokens { // whoever waits goes on
					waiting.Done()
				}
			}
		})
	}
	var mu sync.Mutex
	var views []*talkView
	for n := range talkReaders {
		reading.Go(func() {
			for round := n; round < talkRounds(); round += talkReaders {
				view, err := k.look(ctx, round/talkReaders%2, round)
				if err != nil {
					t.Errorf("round %d: %v", round, err)
					return
				}
				mu.Lock()
				views = append(views, view)
				mu.Unlock()
			}
		})
	}
	reading.Wait()
	close(k.tokens)
	writing.Wait()
	for side := range 2 {
		if _, err := k.post(ctx, processes[side].Service, k.viewer(side, "ana"), true, end, nil); err != nil {
			t.Fatal(err)
		}
	}
	staying.Wait()

	logs := [2][]told{k.whole(t, 0, end), k.whole(t, 1, end)}
	for _, view := range views {
		if wrong := view.wrong(logs[view.side]); wrong != "" {
			t.Errorf("side %d: %s", view.side, wrong)
		}
	}
	for n, heard := range stayed {
		if !slices.Equal(heard, logs[n%2]) {
			t.Errorf("who stayed on side %d heard %d events of %d, or others", n%2, len(heard), len(logs[n%2]))
		}
	}
	public := [2][]told{publicOf(logs[0]), publicOf(logs[1])}
	if !slices.Equal(public[0], public[1]) {
		t.Errorf("the sides have %d and %d public events, or others", len(public[0]), len(public[1]))
	}
	for _, p := range processes {
		if lost := p.lost.Load(); lost == 0 {
			t.Error("no hint was lost")
		}
	}
	t.Logf("%d pages with what came behind them; %d and %d events, %d of them public", len(views), len(logs[0]), len(logs[1]), len(public[0]))
	in.check(t, processes[0])
}

// publicOf are the public events of a side's log, without their places.
func publicOf(log []told) (public []told) {
	for _, event := range log {
		if event.message.Owner.IsZero() {
			event.position = 0
			public = append(public, event)
		}
	}
	return public
}

// expired reports whether the error is CURSOR_EXPIRED.
func expired(err error) bool {
	var fault *channel.Fault
	return errors.As(err, &fault) && fault.Code == channel.CursorExpired
}
