// Package bench measures the main job the way users meet it: through HTTP and WebSocket, on durable clusters, with
// the two sides on different ones. `make bench` runs it; docs/benchmarks.md keeps what it found. Only ratios within one
// run mean something: machines differ, and the same machine differs from minute to minute.
package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/server/servertest"
	"linkspan/internal/store"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

func TestMain(m *testing.M) { os.Exit(localpgtest.Main(m)) }

const (
	warmUp = 50
	rounds = 500
)

const (
	createDocument = `mutation ($name: String!, $target: String!) {
		createSharedChannel(input: {target: {handle: $target}, name: $name, topic: "t", note: "n"}) {
			sharedChannel { id state name } invitation { id state } errors { code message } } }`
	acceptDocument = `mutation ($id: ID!, $name: String!) {
		acceptSharedChannel(input: {invitationId: $id, name: $name}) {
			sharedChannel { id state name } invitation { id state } errors { code message } } }`
	nodeDocument = `query ($id: ID!) { node(id: $id) { id ... on SharedChannel {
		state name topic initiator { handle } viewerSide { name linkedAt } sides { name group { handle } } } } }`
)

// BenchmarkFlow measures each part of the flow, and in between on the same clusters what it is made of: commits, round
// trips, requests.
func BenchmarkFlow(b *testing.B) {
	s := durable(b, 8, "shard-1", "shard-2", "shard-3")
	parts := newParts("three bare commits", "a round trip", "an empty request",
		"create", "request seen", "accept", "link seen by both", "node", "sum")
	f := newFlow(b, s)
	bare := newBareCommits(b, s.Config, s.Router.ClusterOf(slotOf(f.from)), s.Router.ClusterOf(slotOf(f.to)))
	for b.Loop() {
		for round := range warmUp + rounds {
			parts.counts = round >= warmUp
			parts.add("three bare commits", bare.time(b))
			parts.add("a round trip", bare.roundTrip(b))
			began := time.Now()
			s.Must(f.asker, `{ __typename }`, nil)
			parts.add("an empty request", time.Since(began))
			f.round(b, parts)
		}
	}
	parts.print()
	fmt.Printf("\nOne after the other: 5 commits + 5 more round trips + 3 empty requests = %.2f ms. The rest of the sum is what the\n"+
		"statements do, GraphQL, and the delivery of events.\n\n",
		parts.quantile(parts.names[0], 0.5)*5/3+5*parts.quantile("a round trip", 0.5)+3*parts.quantile("an empty request", 0.5))
	b.ReportMetric(parts.quantile("sum", 0.5), "sum-p50-ms")
	b.ReportMetric(parts.quantile("sum", 0.99), "sum-p99-ms")
	b.ReportMetric(parts.quantile("create", 0.5)/parts.quantile(parts.names[0], 0.5), "create/bare")
	b.ReportMetric(0, "ns/op")
}

// durable is a server on clusters of its own that lose nothing, with that many connections to each.
func durable(b *testing.B, poolSize int, shards ...string) *servertest.Server {
	b.Helper()
	clusters := durableClusters(b, append([]string{shardrouter.MainName}, shards...)...)
	config := shardrouter.Config{MainDSN: clusters.DSN(shardrouter.MainName), PoolSize: poolSize, Settings: store.Settings()}
	for _, name := range shards {
		config.Shards = append(config.Shards, shardrouter.Shard{Name: name, DSN: clusters.DSN(name)})
	}
	storetest.Migrate(b, config)
	return servertest.New(b, servertest.Options{Config: &config})
}

// flow is two groups on different clusters, with a user each that listens.
type flow struct {
	server         *servertest.Server
	from, to       channel.Group
	asker, decider string // tokens
	here, there    *listener
	rounds         int
}

func newFlow(b *testing.B, s *servertest.Server) *flow {
	b.Helper()
	f := &flow{server: s}
	f.from, f.to = apart(b, s)
	f.asker, f.decider = servertest.Admin(b, "ana@"+f.from.Handle), servertest.Admin(b, "gil@"+f.to.Handle)
	f.here, f.there = listen(b, s, f.asker, inboxDocument, nil), listen(b, s, f.decider, inboxDocument, nil)
	return f
}

// round plays the main job once and adds the time of each part.
func (f *flow) round(b *testing.B, parts *parts) {
	b.Helper()
	s := f.server
	f.rounds++
	name := fmt.Sprintf("%s-%d", b.Name(), f.rounds)

	started := time.Now()
	created := s.Must(f.asker, createDocument, map[string]any{"name": name, "target": f.to.Handle})
	parts.add("create", time.Since(started))
	parts.add("request seen", f.there.when(b, "InvitationReceived").Sub(started))
	invitation := servertest.Get[string](b, created, "createSharedChannel", "invitation", "id")

	accepting := time.Now()
	accepted := s.Must(f.decider, acceptDocument, map[string]any{"id": invitation, "name": name})
	parts.add("accept", time.Since(accepting))
	sawHere, sawThere := f.here.when(b, "SharedChannelLinked"), f.there.when(b, "SharedChannelLinked")
	parts.add("link seen by both", max(sawHere.Sub(accepting), sawThere.Sub(accepting)))
	id := servertest.Get[string](b, accepted, "acceptSharedChannel", "sharedChannel", "id")

	asking := time.Now()
	s.Must(f.asker, nodeDocument, map[string]any{"id": id})
	parts.add("node", time.Since(asking))
	parts.add("sum", time.Since(started))
}

// apart registers groups until two of them are on different clusters.
func apart(b *testing.B, s *servertest.Server) (from, to channel.Group) {
	b.Helper()
	from = s.Register("from")
	for n := 0; ; n++ {
		to = s.Register(fmt.Sprintf("to-%d", n))
		if s.Router.ClusterOf(slotOf(from)) != s.Router.ClusterOf(slotOf(to)) {
			return from, to
		}
	}
}

func slotOf(g channel.Group) shardrouter.Slot { return shardrouter.SlotOf(g.ID.Bytes()) }

// bareCommits are one INSERT on main and on each side's cluster, one after the other, each its own transaction: the
// least that a durable flow across three clusters can cost.
type bareCommits struct{ conns []*pgx.Conn }

func newBareCommits(b *testing.B, config shardrouter.Config, clusters ...string) *bareCommits {
	b.Helper()
	bare := &bareCommits{}
	for _, name := range append([]string{shardrouter.MainName}, clusters...) {
		conn, err := pgx.Connect(b.Context(), storetest.DSN(config, name))
		if err == nil {
			_, err = conn.Exec(b.Context(), `CREATE TABLE bare (id uuid PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), body text NOT NULL)`)
		}
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close(context.Background()) })
		bare.conns = append(bare.conns, conn)
	}
	return bare
}

func (c *bareCommits) time(b *testing.B) time.Duration {
	b.Helper()
	id := ids.NewInvitation().UUID()
	started := time.Now()
	for _, conn := range c.conns {
		if _, err := conn.Exec(b.Context(), `INSERT INTO bare (id, body) VALUES ($1, $2)`, id.String(), "hello"); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(started)
}

// roundTrip asks main for nothing.
func (c *bareCommits) roundTrip(b *testing.B) time.Duration {
	b.Helper()
	started := time.Now()
	if _, err := c.conns[0].Exec(b.Context(), `SELECT 1`); err != nil {
		b.Fatal(err)
	}
	return time.Since(started)
}

// listener is an open subscription.
type listener struct {
	socket *websocket.Conn
	events chan seen
}

func (l *listener) close() { _ = l.socket.CloseNow() }

// seen is an event and when it arrived.
type seen struct {
	typename string
	at       time.Time
}

const inboxDocument = `subscription { inbox { __typename cursor
	... on InvitationReceived { invitation { id note fromGroup { handle } } }
	... on SharedChannelLinked { group { handle } sharedChannel { id name state } } } }`

// listen subscribes over a WebSocket of its own and waits until it is live, which a checkpoint tells.
func listen(b *testing.B, s *servertest.Server, token, document string, variables map[string]any) *listener {
	b.Helper()
	url := strings.Replace(s.URL, "http", "ws", 1) + "/graphql"
	socket, _, err := websocket.Dial(b.Context(), url, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}}) //nolint:bodyclose // the socket has it
	if err != nil {
		b.Fatal(err)
	}
	l := &listener{socket: socket, events: make(chan seen, 4*(warmUp+rounds))}
	b.Cleanup(l.close)
	subscribe, err := json.Marshal(map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{"query": document, "variables": variables}})
	if err != nil {
		b.Fatal(err)
	}
	hello := fmt.Sprintf(`{"type":"connection_init","payload":{"Authorization":"Bearer %s"}}`, token)
	for _, message := range []string{hello, string(subscribe)} {
		if err := socket.Write(b.Context(), websocket.MessageText, []byte(message)); err != nil {
			b.Fatal(err)
		}
	}
	go l.read()
	l.when(b, "Checkpoint")
	return l
}

func (l *listener) read() {
	defer close(l.events)
	for {
		_, text, err := l.socket.Read(context.Background())
		if err != nil {
			return
		}
		at := time.Now()
		var message struct {
			Type    string `json:"type"`
			Payload struct {
				Data map[string]struct {
					Typename string `json:"__typename"`
				} `json:"data"`
			} `json:"payload"`
		}
		if json.Unmarshal(text, &message) != nil {
			return
		}
		if message.Type == "ping" { // one that does not answer is gone, for the server
			if l.socket.Write(context.Background(), websocket.MessageText, []byte(`{"type":"pong"}`)) != nil {
				return
			}
		}
		for _, event := range message.Payload.Data {
			l.events <- seen{event.Typename, at}
		}
	}
}

// when waits for the next event of a type, whose name ends like that, and returns when it arrived.
func (l *listener) when(b *testing.B, typename string) time.Time {
	b.Helper()
	late := time.After(10 * time.Second)
	for {
		select {
		case event, open := <-l.events:
			if !open {
				b.Fatalf("the socket ended before %s", typename)
			}
			if strings.HasSuffix(event.typename, typename) {
				return event.at
			}
		case <-late:
			b.Fatalf("no %s in ten seconds", typename)
		}
	}
}

// parts are the times of each part of the flow.
type parts struct {
	names  []string
	times  map[string][]time.Duration
	counts bool
}

func newParts(names ...string) *parts {
	return &parts{names: names, times: make(map[string][]time.Duration)}
}

func (p *parts) add(name string, took time.Duration) {
	if p.counts {
		p.times[name] = append(p.times[name], took)
	}
}

func (p *parts) quantile(name string, q float64) float64 {
	sorted := slices.Sorted(slices.Values(p.times[name]))
	return float64(sorted[int(q*float64(len(sorted)-1))]) / float64(time.Millisecond)
}

// print writes a table; the first of the parts is the yardstick.
func (p *parts) print() {
	bare := p.quantile(p.names[0], 0.5)
	fmt.Printf("\n%-20s %9s %9s %12s\n", "part", "p50 ms", "p99 ms", "÷ bare p50")
	for _, name := range p.names {
		p50 := p.quantile(name, 0.5)
		fmt.Printf("%-20s %9.2f %9.2f %12.2f\n", name, p50, p.quantile(name, 0.99), p50/bare)
	}
}
