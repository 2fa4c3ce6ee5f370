package metrics_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"linkspan/internal/gqlclient"
	"linkspan/internal/metrics"
	"linkspan/internal/server"
	"linkspan/internal/server/servertest"
)

var discard = slog.New(slog.DiscardHandler)

func contextOf(testing.TB) (context.Context, context.CancelFunc) {
	return context.WithCancel(context.Background())
}

const (
	createDocument = `mutation CreateIt($name: String!) { createSharedChannel(input: {target: {handle: "globex"}, name: $name}) {
		invitation { id } errors { code } } }`
	acceptDocument = `mutation AcceptIt($id: ID!) { acceptSharedChannel(input: {invitationId: $id}) { sharedChannel { id } errors { code } } }`
	listedDocument = `query Listed { viewer { group { handle } } }`
	inboxDocument  = `subscription Follow { inbox { __typename cursor } }`
)

// listed is the list of operations that a server is given.
func listed(documents ...string) server.Operations {
	all := server.Operations{ByHash: map[string]string{}}
	for _, document := range documents {
		sum := sha256.Sum256([]byte(document))
		all.ByHash[hex.EncodeToString(sum[:])] = document
	}
	return all
}

// play plays the main job over HTTP, with globex listening on a WebSocket, and returns when all has settled.
func play(t *testing.T, s *servertest.Server) {
	t.Helper()
	ana, gil := servertest.Admin(t, "ana@acme"), servertest.Admin(t, "gil@globex")
	socket, err := (&gqlclient.Client{URL: s.URL + "/graphql", Token: gil}).Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(socket.Close)
	inbox, err := socket.Subscribe(inboxDocument, "Follow", nil)
	if err != nil {
		t.Fatal(err)
	}
	next := func(want string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), servertest.Patience)
		defer cancel()
		result, err := inbox.Next(ctx)
		if err != nil || !strings.Contains(string(result.Data), want) {
			t.Fatalf("the inbox gave %s, %v; want %s", result.Data, err, want)
		}
	}
	next("InboxCheckpoint")
	created := s.Must(ana, createDocument, map[string]any{"name": "launch"})
	next("InvitationReceived")
	id := servertest.Get[string](t, created, "createSharedChannel", "invitation", "id")
	s.Must(gil, acceptDocument, map[string]any{"id": id})
	next("SharedChannelLinked")
	s.Must(ana, listedDocument, nil)
	s.Settled()
}

// TestMainJob plays the main job and what goes wrong around it, and looks for both in a scrape.
func TestMainJob(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{Edge: server.Config{Operations: listed(listedDocument), Rate: server.Rate{PerSecond: 0.01, Burst: 20}}})
	url := admin(t, s.Metrics)
	play(t, s)

	ana := servertest.Admin(t, "ana@acme")
	s.Must(ana, createDocument, map[string]any{"name": "launch"}) // NAME_TAKEN
	s.Post(ana, `{ nothing }`, nil)
	s.Post("", `{ viewer { id } }`, nil)
	s.Post("no token", `{ __typename }`, nil)
	expired, err := server.SignToken(servertest.Secret, server.Claims{Group: "acme", Role: server.RoleAdmin}, -time.Second)
	if err != nil {
		t.Fatal(err)
	}
	s.Post(expired, `{ __typename }`, nil)
	hua := servertest.Member(t, "hua@globex")
	for range 21 {
		s.Post(hua, `{ __typename }`, nil)
	}
	closeWith(t, s, 4321)

	var got scraped
	servertest.Eventually(t, "the socket is closed and the outbox looked at anew", func() bool {
		got = scrape(t, url)
		return got.value("linkspan_connections_closed_total") == 1 && got.value("linkspan_outbox_open_steps") == 0
	})
	for _, want := range []struct {
		family string
		labels []string
		least  float64
		most   float64
	}{
		{"linkspan_operations_total", []string{"type", "mutation", "name", "other"}, 3, 3},
		{"linkspan_operations_total", []string{"type", "query", "name", "Listed"}, 1, 1},
		{"linkspan_operations_total", []string{"type", "query", "name", "other"}, 20, 22},
		{"linkspan_operations_total", []string{"type", "subscription", "name", "other"}, 1, 1},
		{"linkspan_operation_duration_seconds", []string{"type", "mutation"}, 3, 3},
		{"linkspan_operation_duration_seconds", []string{"type", "subscription"}, 1, 1},
		{"linkspan_operations_in_flight", nil, 0, 0},
		{"linkspan_errors_total", []string{"code", "GRAPHQL_VALIDATION_FAILED"}, 1, 1},
		{"linkspan_errors_total", []string{"code", "UNAUTHENTICATED"}, 1, 1},
		{"linkspan_errors_total", []string{"code", "RATE_LIMITED"}, 1, 1},
		{"linkspan_rate_limited_total", nil, 1, 1},
		{"linkspan_refusals_total", []string{"code", "NAME_TAKEN"}, 1, 1},
		{"linkspan_tokens_verified_total", []string{"result", "ok"}, 20, 40},
		{"linkspan_tokens_verified_total", []string{"result", "expired"}, 1, 1},
		{"linkspan_tokens_verified_total", []string{"result", "refused"}, 1, 1},
		{"linkspan_tokens_verified_total", []string{"result", "undecided"}, 0, 0},
		{"linkspan_connections_open", []string{"kind", "websocket"}, 1, 1},
		{"linkspan_connections_open", []string{"kind", "sse"}, 0, 0},
		{"linkspan_connections_closed_total", []string{"kind", "websocket", "code", "other"}, 1, 1},
		{"linkspan_messages_sent_total", []string{"kind", "websocket"}, 3, 4},
		{"linkspan_subscriptions", nil, 1, 1},
		{"linkspan_followed_logs", nil, 1, 1},
		{"linkspan_subscriber_lag_events", nil, 2, 3},
		{"linkspan_event_age_seconds", nil, 2, 3},
		{"linkspan_outbox_deliveries_total", []string{"kind", "CREATE_CHANNEL", "result", "ok"}, 1, 9},
		{"linkspan_outbox_deliveries_total", []string{"kind", "RECEIVE_INVITATION", "result", "ok"}, 1, 9},
		{"linkspan_outbox_deliveries_total", []string{"result", "failed"}, 0, 0},
		{"linkspan_outbox_delivery_duration_seconds", nil, 4, 60},
		{"linkspan_outbox_oldest_step_age_seconds", nil, 0, 0},
		{"linkspan_outbox_looks_failed_total", nil, 0, 0},
		{"linkspan_cluster_up", nil, 4, 4},
		{"linkspan_cluster_down_seconds", nil, 0, 0},
		{"linkspan_cluster_outages_total", nil, 0, 0},
		{"linkspan_cluster_host_changes_total", nil, 0, 0},
		{"linkspan_cluster_fencing_refusals_total", nil, 0, 0},
		{"linkspan_pool_max_connections", []string{"cluster", "main"}, 8, 8},
		{"linkspan_pool_acquires_total", []string{"cluster", "main"}, 5, 1e6},
		{"linkspan_pool_empty_acquires_total", []string{"cluster", "main"}, 1, 1e6},
	} {
		if value := got.value(want.family, want.labels...); got[want.family] == nil || value < want.least || value > want.most {
			t.Errorf("%s%v is %v, want %v to %v", want.family, want.labels, value, want.least, want.most)
		}
	}
	if waited := got.value("linkspan_pool_wait_seconds_total", "cluster", "main"); waited <= 0 {
		t.Errorf("nobody has waited for the first connection: %v", waited)
	}
	if clusters := got.labels("linkspan_cluster_up", "cluster"); len(clusters) != 4 || !slices.Contains(clusters, "main") {
		t.Errorf("clusters %v", clusters)
	}
}

// closeWith opens a socket and closes it with a code.
func closeWith(t *testing.T, s *servertest.Server, code websocket.StatusCode) {
	t.Helper()
	//nolint:bodyclose // the library has closed it
	conn, _, err := websocket.Dial(t.Context(), s.URL+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close(code, "hostile")
}

// TestLabelsAreBounded has a client invent as much as it can. No time series more is kept for it.
func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{Shards: 1, Edge: server.Config{Operations: listed(listedDocument)}})
	url := admin(t, s.Metrics)
	ana := servertest.Admin(t, "ana@acme")
	rounds := func(from, to int) (series int) {
		for i := from; i < to; i++ {
			s.Post(ana, fmt.Sprintf(`query Evil%d { viewer { id } }`, i), nil)
			s.Post(ana, fmt.Sprintf(`query Listed { viewer { group { handle } } } # %d`, i), nil)
			s.Post(ana, fmt.Sprintf(`query { evil%d }`, i), nil)
			s.Post(fmt.Sprintf("evil%d", i), `{ viewer { id } }`, nil)
			request, err := http.NewRequest(fmt.Sprintf("EVIL%d", i), fmt.Sprintf("%s/evil%d", s.URL, i), nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("User-Agent", fmt.Sprintf("evil%d", i))
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			closeWith(t, s, websocket.StatusCode(4600+i))
		}
		servertest.Eventually(t, "the sockets are closed", func() bool {
			return scrape(t, url).value("linkspan_connections_closed_total") == float64(to)
		})
		got := scrape(t, url)
		for name, family := range got {
			if strings.HasPrefix(name, "linkspan_") {
				series += len(family.GetMetric())
			}
			if text := strings.ToLower(family.String()); strings.Contains(text, "evil") {
				t.Errorf("a client's word became a label: %s", text)
			}
		}
		if names := got.labels("linkspan_operations_total", "name"); !slices.Equal(names, []string{"other"}) {
			t.Errorf("names %v: Listed was sent in another document than the listed one", names)
		}
		return series
	}
	first := rounds(0, 3)
	if after := rounds(3, 30); after != first {
		t.Errorf("%d time series became %d", first, after)
	}
}

// TestConventions holds names, units and help texts to Prometheus' own.
func TestConventions(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{Shards: 1, Edge: server.Config{Operations: listed(listedDocument)}})
	play(t, s)
	_, body := get(t, admin(t, s.Metrics)+"/metrics")
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

var documentedMetric = regexp.MustCompile("(?m)^\\| `(linkspan_[a-z_]+)`")

// TestDocumented holds the table in docs/operations.md and the metrics alike.
func TestDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, match := range documentedMetric.FindAllStringSubmatch(string(text), -1) {
		documented = append(documented, match[1])
	}
	s := servertest.New(t, servertest.Options{Shards: 1})
	made := metrics.Names(s.Metrics)
	slices.Sort(documented)
	if !slices.Equal(documented, made) {
		for _, name := range made {
			if !slices.Contains(documented, name) {
				t.Errorf("docs/operations.md lacks %s", name)
			}
		}
		for _, name := range documented {
			if !slices.Contains(made, name) {
				t.Errorf("docs/operations.md has %s, which is no metric, or has it twice", name)
			}
		}
	}
}
