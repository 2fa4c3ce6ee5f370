package gqlhttp_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"linkspan/internal/gqlhttp"
)

// notice is an event on a board.
type notice struct {
	text   string
	apart  bool // it is for each subscriber alone
	hidden bool // nothing is to be seen of it
	fails  bool // its answer has an error
}

// board is a log whose sources share what its notices look like.
type board struct {
	mu      sync.Mutex
	notices []notice
	waiting map[*boardSource]func()
	resting map[*boardSource]func() // who gets what comes elsewhere
	early   int                     // skips of who had something ahead
	taken   int64                   // what was made before that many notices does not do any more

	made    atomic.Int64                     // answers
	working func(ctx context.Context, n int) // is called while the n-th is made
	asked   func()                           // is called when it is asked whether what was made still holds
	follows func(ctx context.Context)        // is called when a source begins
}

func newBoard() *board {
	return &board{waiting: map[*boardSource]func(){}, resting: map[*boardSource]func(){}, working: func(context.Context, int) {},
		asked: func() {}, follows: func(context.Context) {}}
}

// put adds notices and wakes all who wait.
func (b *board) put(notices ...notice) {
	b.mu.Lock()
	b.notices = append(b.notices, notices...)
	waiting := b.waiting
	b.waiting = map[*boardSource]func(){}
	b.mu.Unlock()
	for _, wake := range waiting {
		wake()
	}
}

// nudge wakes all who rest, for nothing.
func (b *board) nudge() {
	b.mu.Lock()
	resting := slices.Collect(maps.Values(b.resting))
	b.mu.Unlock()
	for _, wake := range resting {
		wake()
	}
}

func (b *board) follow(ctx context.Context, ended func()) graphql.ResponseHandler {
	s := &boardSource{board: b, out: make(chan notice, 1), ended: ended}
	gqlhttp.Pull(ctx, s)
	b.follows(ctx)
	return func(ctx context.Context) *graphql.Response {
		b.made.Add(1)
		n := <-s.out
		response := &graphql.Response{Data: fmt.Appendf(nil, `{"board":%q}`, n.text)}
		if n.fails {
			response.Errors = gqlerror.List{{Message: "of this request"}}
		}
		return response
	}
}

// boardSource is one subscriber's place on a board.
type boardSource struct {
	board *board
	at    int
	ahead bool // it has been told of the next notice
	out   chan notice
	ended func()
}

func (s *boardSource) next() (notice, bool) {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	if s.at == len(s.board.notices) {
		return notice{}, false
	}
	return s.board.notices[s.at], true
}

func (s *boardSource) Notify(wake func()) {
	s.board.mu.Lock()
	ready := s.at < len(s.board.notices)
	if !ready {
		s.board.waiting[s] = wake
	}
	s.board.mu.Unlock()
	if ready {
		wake()
	}
}

func (s *boardSource) Next(ctx context.Context) (sent, more bool) {
	n, ok := s.next()
	if !ok || ctx.Err() != nil {
		return false, ctx.Err() == nil
	}
	s.send(ctx, n)
	return true, true
}

func (s *boardSource) send(ctx context.Context, n notice) {
	s.pass()
	gqlhttp.AnnounceEvent(ctx, id(s.at))
	s.out <- n
}

func (s *boardSource) Ahead(_ context.Context, patient bool) (gqlhttp.EventKey, gqlhttp.Outlook) {
	n, ok := s.next()
	switch {
	case !ok:
		return gqlhttp.EventKey{}, gqlhttp.Nothing
	case !patient && strings.HasPrefix(n.text, "far"):
		return gqlhttp.EventKey{}, gqlhttp.Behind
	case n.apart:
		return gqlhttp.EventKey{}, gqlhttp.Apart
	}
	s.ahead = true
	return gqlhttp.EventKey{Number: int64(s.at)}, gqlhttp.Clear
}

func (s *boardSource) Takes(made gqlhttp.Stamp) bool {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	return made.Reached >= s.board.taken
}

func (s *boardSource) Holds(made gqlhttp.Stamp) bool {
	s.board.asked()
	return s.Takes(made)
}

func (s *boardSource) Make(ctx context.Context) (made gqlhttp.Stamp, sent, more bool) {
	s.board.mu.Lock()
	made = gqlhttp.Stamp{At: time.Now(), Reached: int64(len(s.board.notices))}
	s.board.mu.Unlock()
	s.board.working(ctx, s.at)
	n, _ := s.next()
	switch {
	case ctx.Err() != nil:
		return made, false, false
	case n.hidden:
		s.pass()
		return made, false, true
	}
	s.send(ctx, n)
	return made, true, true
}

func (s *boardSource) Pass() { s.pass() }

func (s *boardSource) pass() { s.at, s.ahead = s.at+1, false }

func (s *boardSource) At() gqlhttp.EventKey { return gqlhttp.EventKey{Number: int64(s.at) - 1} }

func (s *boardSource) Remind(wake func()) {
	s.board.mu.Lock()
	s.board.resting[s] = wake
	s.board.mu.Unlock()
	if _, ok := s.next(); ok {
		wake()
	}
}

func (s *boardSource) Skip(to gqlhttp.EventKey, _ time.Time) {
	if s.ahead {
		s.board.mu.Lock()
		s.board.early++
		s.board.mu.Unlock()
	}
	s.at = int(to.Number) + 1
}

func (s *boardSource) Close() {
	s.board.mu.Lock()
	delete(s.board.resting, s)
	s.board.mu.Unlock()
	s.ended()
}
