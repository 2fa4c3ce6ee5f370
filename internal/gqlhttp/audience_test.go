package gqlhttp_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"

	"linkspan/internal/gqlhttp"
)

const boardDocument = "subscription { board }"

// crowds runs a test of audiences whose members look for themselves, and of such that have a lead.
func crowds(t *testing.T, test func(t *testing.T, crowd int)) {
	t.Parallel()
	for name, crowd := range map[string]int{"few": 1000, "a crowd": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, crowd)
		})
	}
}

// together has all who ask for the same be one audience, unless their operation has a name.
func together(config gqlhttp.Config) gqlhttp.Config {
	config.Audience = func(ctx context.Context, operation *graphql.OperationContext) (string, context.Context) {
		if operation.Operation.Name != "" {
			return "", ctx
		}
		return operation.RawQuery, ctx
	}
	return config
}

// follow subscribes to the board on a socket of its own.
func (s *site) follow(document string) *socket {
	s.t.Helper()
	running := s.running.Load()
	k := s.connect()
	k.send(subscribe("1", document))
	eventually(s.t, "the subscription runs", func() bool { return s.running.Load() > running })
	return k
}

func next(text string) string {
	return fmt.Sprintf(`{"id":"1","type":"next","payload":{"data":{"board":%q}}}`, text)
}

// TestAudience has an event made once for all, on whichever connection, in order.
func TestAudience(t *testing.T) {
	crowds(t, audience)
}

// readNotices reads so many notices of the board, from the first on, and calls got for each; i is the socket's number.
func (k *socket) readNotices(i, count int, got func()) {
	k.t.Helper()
	for n := range count {
		if text, closed := k.read(); text != next(fmt.Sprint("notice ", n)) {
			k.t.Errorf("socket %d: the event %d is %s %v", i, n, text, closed)
			return
		}
		got()
	}
}

func audience(t *testing.T, crowd int) {
	s := serve(t, together(gqlhttp.Config{Crowd: crowd}))
	const events = 50
	var readers sync.WaitGroup
	for i := range 20 {
		k := s.follow(boardDocument)
		k.t = &group{TB: t}
		readers.Go(func() { k.readNotices(i, events, func() {}) })
	}
	for _, accept := range []string{"text/event-stream", `multipart/mixed;subscriptionSpec=1.0`} {
		running := s.running.Load()
		response := s.begin(t.Context(), http.MethodPost, "", quote(boardDocument), "Content-Type", "application/json", "Accept", accept)
		t.Cleanup(func() { response.Body.Close() })
		eventually(t, "the stream runs", func() bool { return s.running.Load() > running })
		readers.Go(func() {
			n, lines := 0, bufio.NewScanner(response.Body)
			for eventID := ""; n < events && lines.Scan(); {
				if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
					eventID = id
				}
				if !strings.Contains(lines.Text(), `"board"`) {
					continue
				}
				if !strings.Contains(lines.Text(), fmt.Sprintf(`{"data":{"board":"notice %d"}}`, n)) {
					t.Errorf("%s: the event %d is %s", accept, n, lines.Text())
				}
				if n++; accept == "text/event-stream" && eventID != fmt.Sprint("event-", n) {
					t.Errorf("the id of event %d is %s", n, eventID)
				}
			}
			if n < events {
				t.Errorf("%s: %d events: %v", accept, n, lines.Err())
			}
		})
	}
	alone := s.follow("subscription Alone { board }")
	for n := range events {
		s.board.put(notice{text: fmt.Sprint("notice ", n)})
		alone.expect(next(fmt.Sprint("notice ", n)))
	}
	readers.Wait()
	if made := s.board.made.Load(); made < 2*events || made > 4*events { // who comes a second late has to make it anew
		t.Errorf("%d events for an audience and one alone were made %d times", events, made)
	}
}

// group lets goroutines of a test say what is wrong without ending it.
type group struct{ testing.TB }

func (g *group) Fatalf(format string, args ...any) { g.Errorf(format, args...) }

// TestAudienceApart sends what is not the same for all to each as its own.
func TestAudienceApart(t *testing.T) {
	crowds(t, audienceApart)
}

func audienceApart(t *testing.T, crowd int) {
	s := serve(t, together(gqlhttp.Config{Crowd: crowd}))
	const subscribers = 5
	var sockets []*socket
	for range subscribers {
		sockets = append(sockets, s.follow(boardDocument))
	}
	s.board.put(notice{text: "first"}, notice{text: "apart", apart: true}, notice{text: "hidden", hidden: true}, notice{text: "far away"},
		notice{text: "fails", fails: true}, notice{text: "last"})
	for _, k := range sockets {
		k.expect(next("first"), next("apart"), next("far away"),
			`{"id":"1","type":"next","payload":{"errors":[{"message":"of this request"}],"data":{"board":"fails"}}}`, next("last"))
	}
	if made := s.board.made.Load(); made < 3+2*subscribers || made > 3+2*(subscribers+1) { // the lead is one more
		t.Errorf("they were made %d times", made)
	}
}

// TestAudienceTakesBack makes an event anew once what it showed does not do any more, and when it is old.
func TestAudienceTakesBack(t *testing.T) {
	crowds(t, audienceTakesBack)
}

func audienceTakesBack(t *testing.T, crowd int) {
	s := serve(t, together(gqlhttp.Config{Crowd: crowd}))
	first := s.follow(boardDocument)
	s.board.put(notice{text: "said"})
	first.expect(next("said"))
	s.follow(boardDocument).expect(next("said"))
	if made := s.board.made.Load(); made != 1 {
		t.Errorf("what others have is made %d times", made)
	}
	s.board.mu.Lock()
	s.board.notices[0].text, s.board.taken = "taken back", 2
	s.board.mu.Unlock()
	s.board.put(notice{text: "more"})
	s.follow(boardDocument).expect(next("taken back"), next("more"))
	first.expect(next("more"))
}

// TestAudienceOutlivesItsMaker has another subscriber make an event when the one who does goes away.
func TestAudienceOutlivesItsMaker(t *testing.T) {
	t.Parallel()
	type numberKey struct{}
	connected := 0
	s := serve(t, together(gqlhttp.Config{Heartbeat: patience, Init: func(ctx context.Context, _ json.RawMessage) (context.Context, error) {
		connected++
		return context.WithValue(ctx, numberKey{}, connected-1), nil
	}}))
	makers := make(chan int, 1)
	s.board.working = func(ctx context.Context, _ int) {
		select {
		case makers <- ctx.Value(numberKey{}).(int):
			<-ctx.Done() // the first one never gets ready
		default:
		}
	}
	var sockets []*socket
	for range 8 {
		sockets = append(sockets, s.follow(boardDocument))
	}
	s.board.put(notice{text: "said"})
	eventually(t, "somebody makes it", func() bool { return len(makers) == 1 })
	maker := <-makers
	makers <- maker // and is the only one
	sockets[maker].send(`{"id":"1","type":"complete"}`)
	for i, k := range sockets {
		if i != maker {
			k.expect(next("said"))
		}
	}
}

// TestAudienceOfSlowReaders has those who read not wait for those who don't.
func TestAudienceOfSlowReaders(t *testing.T) {
	crowds(t, audienceOfSlowReaders)
}

func audienceOfSlowReaders(t *testing.T, crowd int) {
	s := serve(t, together(gqlhttp.Config{Crowd: crowd, Heartbeat: patience, WriteTimeout: patience}))
	good := s.follow(boardDocument)
	s.readBuffer = 64 << 10
	slow := s.follow(boardDocument)
	const events = 20 // of which the slow one's buffers hold some
	text := func(n int) string { return fmt.Sprint(n, strings.Repeat("x", 200_000)) }
	for n := range events {
		s.board.put(notice{text: text(n)})
		good.expect(next(text(n)))
	}
	for n := range events {
		slow.expect(next(text(n)))
	}
}

// TestAudienceOfThoseWhoPart has those who are there not wait for those whose connections have ended, however long it takes to end these.
func TestAudienceOfThoseWhoPart(t *testing.T) {
	crowds(t, audienceOfThoseWhoPart)
}

func audienceOfThoseWhoPart(t *testing.T, crowd int) {
	s := serve(t, together(gqlhttp.Config{Crowd: crowd, Heartbeat: patience}))
	good := s.follow(boardDocument)
	var parting []*socket
	for range runtime.GOMAXPROCS(0) + 1 { // more than the crew has goroutines
		parting = append(parting, s.follow(boardDocument))
	}
	letGo := sync.OnceFunc(s.transport.HoldParting())
	defer letGo()
	for _, k := range parting {
		_ = k.conn.CloseNow()
	}
	for n := range 20 { // the first go into connections that have ended, the next find that out
		s.board.put(notice{text: fmt.Sprint(n)})
		good.expect(next(fmt.Sprint(n)))
	}
	letGo()
	eventually(t, "those who have gone are gone", func() bool { return s.watch.count(gqlhttp.WebSocket) == 1 })
}

// TestAudienceEnds keeps nothing of an audience that has gone.
func TestAudienceEnds(t *testing.T) {
	crowds(t, audienceEnds)
}

func audienceEnds(t *testing.T, crowd int) {
	s := serve(t, together(gqlhttp.Config{Crowd: crowd}))
	for round := range 3 {
		k := s.follow(boardDocument)
		s.board.put(notice{text: fmt.Sprint(round)})
		for n := range round + 1 {
			k.expect(next(fmt.Sprint(n)))
		}
		k.send(`{"id":"1","type":"complete"}`)
		eventually(t, "the subscription ends", func() bool { return s.running.Load() == 0 })
		if made := s.board.made.Load(); made != int64((round+1)*(round+2)/2) {
			t.Errorf("a new audience has what an old one had: %d were made", made)
		}
	}
}

// TestAudienceLead has one lead, from as many subscribers on as are a crowd, however they come and go, and none when all have gone.
func TestAudienceLead(t *testing.T) {
	t.Parallel()
	s := serve(t, together(gqlhttp.Config{Crowd: 2}))
	run := func(want int64) {
		t.Helper()
		eventually(t, fmt.Sprint(want, " subscriptions run"), func() bool { return s.running.Load() == want })
	}
	first := s.follow(boardDocument)
	run(1)
	for round := range 3 {
		second := s.follow(boardDocument)
		run(3)
		text := fmt.Sprint("round ", round)
		s.board.put(notice{text: text})
		first.expect(next(text))
		for n := range round + 1 {
			second.expect(next(fmt.Sprint("round ", n)))
		}
		second.send(`{"id":"1","type":"complete"}`)
		run(2)
	}
	first.send(`{"id":"1","type":"complete"}`)
	run(0)
}

// TestAudienceIsNudged wakes those who rest for nothing while events come. Each gets each event once, and none is handed what it has
// ahead already.
func TestAudienceIsNudged(t *testing.T) {
	t.Parallel()
	s := serve(t, together(gqlhttp.Config{Crowd: 1, Heartbeat: time.Minute}))
	const events, sockets = 60, 40
	var read atomic.Int64
	s.board.working = func(ctx context.Context, n int) { // goes on until the event before that one is everywhere
		for read.Load() < int64(n*sockets) && ctx.Err() == nil && !t.Failed() {
			s.board.nudge()
			runtime.Gosched()
		}
	}
	var readers sync.WaitGroup
	for i := range sockets {
		k := s.follow(boardDocument)
		k.t = &group{TB: t}
		readers.Go(func() { k.readNotices(i, events, func() { read.Add(1) }) })
	}
	for n := range events {
		s.board.put(notice{text: fmt.Sprint("notice ", n)})
		eventually(t, "the event comes somewhere", func() bool { return read.Load() > int64(n*sockets) || t.Failed() })
	}
	readers.Wait()
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	if s.board.early > 0 {
		t.Errorf("%d times somebody was handed an event that it had ahead already", s.board.early)
	}
}

// TestAudienceHandsNothingThatWasTakenBack takes back what an event shows while it is handed to those who rest: who has not got it yet looks for itself.
func TestAudienceHandsNothingThatWasTakenBack(t *testing.T) {
	t.Parallel()
	s := serve(t, together(gqlhttp.Config{Crowd: 1, Heartbeat: time.Minute}))
	const sockets = 20
	asked := 0 // guarded by the board's mutex
	s.board.asked = func() {
		s.board.mu.Lock()
		defer s.board.mu.Unlock()
		if len(s.board.notices) != 2 {
			return
		}
		if asked++; asked == 2 { // behind the lead, the first of those who get it
			s.board.notices = append(s.board.notices, notice{text: "more"})
			s.board.notices[1].text, s.board.taken = "taken back", 3
		}
	}
	var all []*socket
	for range sockets {
		all = append(all, s.follow(boardDocument))
	}
	s.board.put(notice{text: "first"})
	for _, k := range all {
		k.expect(next("first"))
	}
	eventually(t, "all rest", func() bool {
		s.board.mu.Lock()
		defer s.board.mu.Unlock()
		return len(s.board.resting) == sockets
	})
	s.board.put(notice{text: "said"})
	for _, k := range all {
		k.expect(next("taken back"), next("more"))
	}
}

// TestAudienceKeepsContextsApart gives each who subscribes, and who leads, the context of one subscription.
func TestAudienceKeepsContextsApart(t *testing.T) {
	t.Parallel()
	type ownKey struct{}
	config := together(gqlhttp.Config{Crowd: 2})
	shared := config.Audience
	config.Audience = func(ctx context.Context, operation *graphql.OperationContext) (string, context.Context) {
		key, ctx := shared(ctx, operation)
		return key, context.WithValue(ctx, ownKey{}, new(int))
	}
	s := serve(t, config)
	var mu sync.Mutex
	followed := map[any]int{}
	s.board.follows = func(ctx context.Context) {
		mu.Lock()
		defer mu.Unlock()
		followed[ctx.Value(ownKey{})]++
	}
	s.follow(boardDocument)
	s.follow(boardDocument)
	eventually(t, "two follow, and somebody leads", func() bool { return s.running.Load() == 3 })
	mu.Lock()
	defer mu.Unlock()
	if len(followed) != 3 {
		t.Errorf("three subscriptions have %d contexts", len(followed))
	}
}

// TestFramesAreWhole has messages and control frames on a socket whole, whoever writes them.
func TestFramesAreWhole(t *testing.T) {
	crowds(t, framesAreWhole)
}

func framesAreWhole(t *testing.T, crowd int) {
	s := serve(t, together(gqlhttp.Config{Crowd: crowd, Heartbeat: patience, WriteTimeout: patience}))
	k := s.follow(boardDocument)
	const events = 60
	text := func(n int) string { return fmt.Sprint(n, strings.Repeat("x", []int{0, 1000, 70_000}[n%3])) } // headers of all three lengths
	var sending sync.WaitGroup
	defer sending.Wait()
	sending.Go(func() {
		for n := range events {
			s.board.put(notice{text: text(n)})
		}
	})
	sending.Go(func() {
		for range events {
			if k.conn.Ping(k.ctx) != nil || k.conn.Write(k.ctx, websocket.MessageText, []byte(`{"type":"ping"}`)) != nil {
				t.Error("no answer to a ping")
				return
			}
		}
	})
	for n, pongs := 0, 0; n < events || pongs < events; {
		switch got, closed := k.read(); got {
		case `{"type":"pong"}`:
			pongs++
		case next(text(n)):
			n++
		default:
			t.Fatalf("the event %d is %.200s %v", n, got, closed)
		}
	}
}
