//go:build long

package proof_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"linkspan/internal/gqlclient"
	"linkspan/internal/server/servertest"
)

// traffic is the main job, over and over: each line plays it between two parties, and repeats what could not be served as
// a client does, with the same key. Its ledger is what was answered with success.
type traffic struct {
	site  *site
	lines []*line
	// waiting are lines that only wait, without a fault, while a cluster takes no writes.
	waiting map[string]*line
	ending  chan struct{}
	going   sync.WaitGroup

	mu     sync.Mutex
	ledger []*trade
	broken []error // what no trouble excuses
}

// line is two parties that share channels, or a party that reads what it has.
type line struct {
	*traffic
	name     string
	from, to *party
	play     func(l *line, number int) error

	mu     sync.Mutex
	done   int
	faults []served
}

// served is a fault, for which operation it came, and how long the caller waited for it.
type served struct {
	what  string
	fault *gqlclient.Error
	took  time.Duration
}

// trade is one main job, and the ids that its first successes answered.
type trade struct {
	from, to            *party
	name                string
	channel, invitation string
	linked              string // the channel as the target was told
}

const (
	createTrade = `mutation($input: CreateSharedChannelInput!) { it: createSharedChannel(input: $input) {
		sharedChannel { id } invitation { id } errors { code message } } }`
	acceptTrade = `mutation($input: AcceptSharedChannelInput!) { it: acceptSharedChannel(input: $input) {
		sharedChannel { id } invitation { id } errors { code message } } }`
	receivedTrade = `{ viewer { receivedInvitations(first: 100, states: [PENDING]) { nodes { id } } } }`
	channelTrade  = `query($id: ID!) { node(id: $id) { ... on SharedChannel { id state name } } }`
	channelsTrade = `{ viewer { sharedChannels(first: 20) { nodes { id state } } } }`
)

type tradeAnswer struct {
	It struct {
		SharedChannel, Invitation struct{ ID string }
		Errors                    []struct{ Code, Message string }
	}
}

// startTraffic sets the lines going.
func startTraffic(t *testing.T, s *site, lines ...*line) *traffic {
	t.Helper()
	f := &traffic{site: s, lines: lines, ending: make(chan struct{})}
	for _, l := range lines {
		l.traffic = f
		f.going.Go(func() {
			for !f.ended() {
				number, _ := l.count()
				if err := l.play(l, number); err != nil {
					f.mu.Lock()
					f.broken = append(f.broken, fmt.Errorf("%s: %w", l.name, err))
					f.mu.Unlock()
					return
				}
				l.mu.Lock()
				l.done++
				l.mu.Unlock()
			}
		})
	}
	return f
}

// stop lets each line end what it has begun.
func (f *traffic) stop(t *testing.T) {
	t.Helper()
	close(f.ending)
	f.going.Wait()
	f.sound(t)
}

func (f *traffic) ended() bool {
	select {
	case <-f.ending:
		return true
	default:
		return false
	}
}

// sound fails the test if a line has met what no trouble excuses.
func (f *traffic) sound(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.broken) > 0 {
		t.Fatal(f.broken)
	}
}

// goesOn waits until each of the lines has played that many times more.
func (f *traffic) goesOn(t *testing.T, what string, times int, lines ...*line) {
	t.Helper()
	for _, l := range lines {
		begin, _ := l.count()
		servertest.Eventually(t, l.name+" goes on "+what, func() bool {
			f.sound(t)
			done, _ := l.count()
			return done >= begin+times
		})
	}
}

func (l *line) count() (done, faults int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done, len(l.faults)
}

// do sends an operation until it is served.
func (l *line) do(p *party, what, document string, variables, out any) error {
	for {
		began := time.Now()
		err := p.client.Do(context.Background(), document, "", variables, out)
		fault := unavailableFault(err)
		if fault == nil {
			return err
		}
		l.mu.Lock()
		l.faults = append(l.faults, served{what, fault, time.Since(began)})
		l.mu.Unlock()
		pauseFor(context.Background(), 20*time.Millisecond)
	}
}

// share plays the main job once: create, receive, accept, and both see the link.
func share(l *line, number int) error {
	done := &trade{from: l.from, to: l.to, name: fmt.Sprintf("%s %d", l.name, number)}
	created, err := done.create(l)
	if err != nil {
		return err
	}
	done.channel, done.invitation = created.It.SharedChannel.ID, created.It.Invitation.ID
	var received struct {
		Viewer struct {
			ReceivedInvitations struct{ Nodes []struct{ ID string } }
		}
	}
	for deadline := time.Now().Add(servertest.Patience); ; pauseFor(context.Background(), 2*time.Millisecond) {
		if err := l.do(l.to, "receive", receivedTrade, nil, &received); err != nil {
			return err
		}
		if slices.Contains(received.Viewer.ReceivedInvitations.Nodes, struct{ ID string }{done.invitation}) {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: the invitation has not come", done.name)
		}
	}
	linked, err := done.accept(l)
	if err != nil {
		return err
	}
	done.linked = linked.It.SharedChannel.ID
	for _, p := range []*party{l.to, l.from} {
		if err := l.seen(p, done.channel); err != nil {
			return err
		}
	}
	l.traffic.mu.Lock()
	defer l.traffic.mu.Unlock()
	l.ledger = append(l.ledger, done)
	return nil
}

// seen reports an error unless the party sees the channel as linked.
func (l *line) seen(p *party, channel string) error {
	var seen struct {
		Node struct{ ID, State, Name string }
	}
	if err := l.do(p, "node", channelTrade, map[string]any{"id": channel}, &seen); err != nil {
		return err
	}
	if seen.Node.ID != channel || seen.Node.State != "ACTIVE" {
		return fmt.Errorf("%s sees %s as %+v", p.handle, channel, seen.Node)
	}
	return nil
}

// look reads what the line's parties share: a channel by its id, and the list.
func look(channel string) func(l *line, number int) error {
	return func(l *line, _ int) error {
		var list struct {
			Viewer struct {
				SharedChannels struct{ Nodes []struct{ ID, State string } }
			}
		}
		for _, p := range []*party{l.from, l.to} {
			if err := l.seen(p, channel); err != nil {
				return err
			}
			if err := l.do(p, "list", channelsTrade, nil, &list); err != nil {
				return err
			}
			if len(list.Viewer.SharedChannels.Nodes) == 0 {
				return fmt.Errorf("%s has an empty list", p.handle)
			}
		}
		return nil
	}
}

func (d *trade) create(l *line) (got tradeAnswer, err error) {
	return d.mutate(l, d.from, "create", createTrade, map[string]any{
		"target": map[string]any{"handle": d.to.handle}, "name": d.name, "idempotencyKey": "create " + d.name,
	})
}

func (d *trade) accept(l *line) (got tradeAnswer, err error) {
	return d.mutate(l, d.to, "accept", acceptTrade, map[string]any{"invitationId": d.invitation, "idempotencyKey": "accept " + d.name})
}

func (d *trade) mutate(l *line, by *party, what, document string, input map[string]any) (got tradeAnswer, err error) {
	if err := l.do(by, what, document, map[string]any{"input": input}, &got); err != nil {
		return got, err
	}
	if len(got.It.Errors) > 0 {
		return got, fmt.Errorf("%s: refused: %v", d.name, got.It.Errors)
	}
	return got, nil
}

// nothingLost repeats with its key each mutation that was answered with success: the answer must be the first one's.
func (f *traffic) nothingLost(t *testing.T) {
	t.Helper()
	again := &line{traffic: f, name: "again"}
	for _, d := range f.ledger {
		created, err := d.create(again)
		if err != nil || created.It.SharedChannel.ID != d.channel || created.It.Invitation.ID != d.invitation {
			t.Errorf("%s: create repeated: %+v, %v, want %+v", d.name, created, err, d)
		}
		linked, err := d.accept(again)
		if err != nil || linked.It.SharedChannel.ID != d.linked || linked.It.Invitation.ID != d.invitation {
			t.Errorf("%s: accept repeated: %+v, %v, want %+v", d.name, linked, err, d)
		}
		for _, p := range []*party{d.from, d.to} {
			if err := again.seen(p, d.channel); err != nil {
				t.Errorf("%s: %v", d.name, err)
			}
		}
	}
	t.Logf("%d channels were made and linked; every repetition gave the first answer", len(f.ledger))
}
