package traces_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"linkspan/internal/gqlclient"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/server"
	"linkspan/internal/server/servertest"
	"linkspan/internal/traces"
)

func TestMain(m *testing.M) { os.Exit(localpgtest.Main(m)) }

const (
	createDocument = `mutation Create($input: CreateSharedChannelInput!) { createSharedChannel(input: $input) {
		invitation { id } errors { code } } }`
	acceptDocument = `mutation Accept($input: AcceptSharedChannelInput!) { acceptSharedChannel(input: $input) {
		sharedChannel { id } errors { code } } }`
	listDocument = `query List { viewer { sharedChannels(first: 5) { nodes { id name } } } }`
)

// newServer is a server whose spans are kept in memory, and which knows the list query by its name.
func newServer(t *testing.T) (*servertest.Server, *tracetest.InMemoryExporter) {
	t.Helper()
	kept := tracetest.NewInMemoryExporter()
	tracing := traces.New(sdk.WithSyncer(kept), sdk.WithSampler(sdk.ParentBased(sdk.AlwaysSample())))
	t.Cleanup(func() {
		if err := tracing.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	sum := sha256.Sum256([]byte(listDocument))
	return servertest.New(t, servertest.Options{Traces: tracing, Edge: server.Config{
		Operations: server.Operations{ByHash: map[string]string{hex.EncodeToString(sum[:]): listDocument}},
	}}), kept
}

// family is a span with its parent.
type family map[string][]tracetest.SpanStub // by trace

func traced(spans tracetest.SpanStubs) family {
	by := family{}
	for _, span := range spans {
		id := span.SpanContext.TraceID().String()
		by[id] = append(by[id], span)
	}
	return by
}

// ancestry is the names of a span and those above it, from the top.
func ancestry(spans []tracetest.SpanStub, span tracetest.SpanStub) string {
	for _, above := range spans {
		if above.SpanContext.SpanID() == span.Parent.SpanID() {
			return ancestry(spans, above) + " > " + span.Name
		}
	}
	return span.Name
}

func attribute(span tracetest.SpanStub, key string) string {
	for _, attribute := range span.Attributes {
		if string(attribute.Key) == key {
			return attribute.Value.String()
		}
	}
	return ""
}

// TestMainJob follows a mutation from its request to the statements on other clusters.
func TestMainJob(t *testing.T) {
	t.Parallel()
	s, kept := newServer(t)
	ana := servertest.Admin(t, "ana@acme")
	kept.Reset()
	const trace, caller = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	body := fmt.Sprintf(`{"query":%q,"variables":{"input":{"target":{"handle":"globex"},"name":"launch"}}}`, createDocument)
	ask(t, s, http.MethodPost, "", body, "Authorization", "Bearer "+ana, "Traceparent", "00-"+trace+"-"+caller+"-01")
	s.Must(ana, listDocument, nil)
	s.Settled()
	servertest.Eventually(t, "all deliveries have ended", func() bool { return strings.Count(names(kept), "deliver ") >= 2 })

	spans := traced(kept.GetSpans())[trace]
	found, claimed := map[string]bool{}, false
	for _, span := range spans {
		found[ancestry(spans, span)] = true
		if span.Name == "POST /graphql" && (span.Parent.SpanID().String() != caller || attribute(span, "http.response.status_code") != "200") {
			t.Errorf("the request's span has parent %s and attributes %v", span.Parent.SpanID(), span.Attributes)
		}
		claimed = claimed || span.Name == "BATCH on main" && strings.Contains(attribute(span, "db.query.text"), "INSERT INTO linkspan_main.operation")
	}
	for _, want := range []string{
		"POST /graphql", "POST /graphql > mutation", "POST /graphql > mutation > BATCH on main",
		"POST /graphql > mutation > deliver CREATE_CHANNEL", "POST /graphql > mutation > deliver RECEIVE_INVITATION",
	} {
		if !found[want] {
			t.Errorf("no span %q in %v", want, found)
		}
	}
	if !strings.Contains(fmt.Sprint(found), "deliver CREATE_CHANNEL > BATCH on shard") || !claimed {
		t.Errorf("a delivery or the decision has no statement: %v", found)
	}
	if !strings.Contains(names(kept), "query List") {
		t.Errorf("a listed operation has no name: %s", names(kept))
	}
	if !strings.Contains(s.Logs.String(), `"trace_id":"`+trace+`"`) {
		t.Error("the log does not know the trace")
	}
}

func names(kept *tracetest.InMemoryExporter) string {
	var all []string
	for _, span := range kept.GetSpans() {
		all = append(all, span.Name)
	}
	return strings.Join(all, ", ")
}

// ask sends a request with headers.
func ask(t *testing.T, s *servertest.Server, method, query, body string, headers ...string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/graphql"+query, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestNothingOfClients sends a secret in every place that a client has, in what succeeds and in what fails, and looks for
// it in all spans.
func TestNothingOfClients(t *testing.T) {
	t.Parallel()
	s, kept := newServer(t)
	const secret = "s3cr3t"
	token := func(user, group string) string {
		claims := server.Claims{Group: group, Role: server.RoleAdmin, Name: user + secret}
		claims.Subject = user + secret
		return servertest.Sign(t, claims)
	}
	ana, gil := token("ana", "acme"), token("gil", "globex")
	create := map[string]any{"input": map[string]any{
		"target": map[string]any{"handle": "globex"}, "name": secret, "topic": secret, "note": secret, "idempotencyKey": secret,
	}}
	created := s.Must(ana, createDocument, create)
	s.Must(ana, createDocument, create) // the same key again reads the outbox
	id := servertest.Get[string](t, created, "createSharedChannel", "invitation", "id")
	s.Must(gil, acceptDocument, map[string]any{"input": map[string]any{"invitationId": id, "name": secret + "2", "idempotencyKey": secret}})
	s.Must(gil, `query Named`+secret+` { alias`+secret+`: viewer { user { name } } } # `+secret, nil)
	s.Must(ana, listDocument, nil)
	s.Must(ana, `query ($h: String!) { group(handle: $h) { id } }`, map[string]any{"h": secret})
	delete(create["input"].(map[string]any), "idempotencyKey")
	s.Must(ana, createDocument, create) // NAME_TAKEN
	s.Post(ana, `{ `+secret+` }`, nil)
	s.Post(ana, `{ node(id: "`+secret+`") { id } }`, nil)
	s.Post(secret, `{ viewer { id } }`, nil)
	s.PostBody(ana, []byte(secret))
	ask(t, s, "S3CR3T", "?query="+secret, secret)
	ask(t, s, http.MethodGet, "?query="+url.QueryEscape(`{ viewer { id } }`)+"&variables="+url.QueryEscape(`{"`+secret+`":1}`)+"&"+secret+"="+secret, "",
		"Authorization", "Bearer "+ana, "User-Agent", secret, "X-Request-Id", secret+"0000", "Cookie", secret, "Referer", secret, "Baggage", secret+"="+secret)
	ask(t, s, http.MethodPost, "", `{"operationName":"`+secret+`","query":"{ __typename }","extensions":{"`+secret+`":1}}`)
	socket, err := (&gqlclient.Client{URL: s.URL + "/graphql", Token: gil}).Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	inbox, err := socket.Subscribe(`subscription Sub`+secret+` { inbox { cursor } }`, "Sub"+secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inbox.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Settled()

	spans := kept.GetSpans()
	kinds, heads := map[string]bool{}, 0
	for _, span := range spans {
		kind, _, _ := strings.Cut(span.Name, " ")
		kinds[kind] = true
		if text := attribute(span, "db.query.text"); len(strings.Fields(text)) == 2 {
			heads++
		}
		text, err := json.Marshal(span)
		if err != nil {
			t.Fatal(err)
		}
		shown := fmt.Sprintf("%s %v %v %v %v %s", span.Name, span.Attributes, span.Events, span.Links, span.Status, text)
		for _, word := range []string{secret, strings.ToUpper(secret), ana, gil, "Bearer", "alias"} {
			if strings.Contains(shown, word) {
				t.Errorf("a span shows %q: %s", word, shown)
			}
		}
	}
	for _, kind := range []string{"POST", "GET", "_OTHER", "query", "mutation", "subscription", "BATCH", "SELECT", "deliver"} {
		if !kinds[kind] {
			t.Errorf("no span begins with %s: it was not looked at: %v", kind, kinds)
		}
	}
	if heads == 0 {
		t.Error("no statement of bun's was looked at")
	}
}

// TestEventsAreNotTraced has a subscription go on for a while: only its beginning is a trace.
func TestEventsAreNotTraced(t *testing.T) {
	t.Parallel()
	s, kept := newServer(t)
	gil := servertest.Admin(t, "gil@globex")
	socket, err := (&gqlclient.Client{URL: s.URL + "/graphql", Token: gil}).Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	inbox, err := socket.Subscribe(`subscription { invitationReceived { cursor invitation { id proposedName } } }`, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	servertest.Eventually(t, "the subscription has begun", func() bool { return strings.Contains(names(kept), "subscription") })
	for n := range 3 {
		s.Must(servertest.Admin(t, "ana@acme"), createDocument, map[string]any{"input": map[string]any{
			"target": map[string]any{"handle": "globex"}, "name": fmt.Sprint("launch-", n),
		}})
		if _, err := inbox.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, spans := range traced(kept.GetSpans()) {
		for _, span := range spans {
			if path := ancestry(spans, span); strings.HasPrefix(path, "subscription > ") && span.StartTime.After(endOf(spans, "subscription")) {
				t.Errorf("%s began after the subscription's beginning", path)
			}
		}
	}
}

func endOf(spans []tracetest.SpanStub, name string) (end time.Time) {
	for _, span := range spans {
		if span.Name == name {
			end = span.EndTime
		}
	}
	return end
}

// TestStreams has a subscription go on over SSE: its request's span ends when it has begun.
func TestStreams(t *testing.T) {
	t.Parallel()
	s, kept := newServer(t)
	const trace = "0af7651916cd43dd8448eb211c80319d"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/graphql", strings.NewReader(`{"query":"subscription { inbox { cursor } }"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "text/event-stream", "Traceparent": "00-" + trace + "-b7ad6b7169203331-01",
		"Authorization": "Bearer " + servertest.Admin(t, "gil@globex"),
	} {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var spans []tracetest.SpanStub
	servertest.Eventually(t, "the request's span has ended, and the stream has not", func() bool {
		spans = traced(kept.GetSpans())[trace]
		return !endOf(spans, "POST /graphql").IsZero()
	})
	if endOf(spans, "POST /graphql").Before(endOf(spans, "subscription")) || endOf(spans, "subscription").IsZero() {
		t.Error("the request's span ended before its operation's")
	}
	for _, span := range spans {
		if span.Name == "POST /graphql" && attribute(span, "http.response.status_code") != "200" {
			t.Errorf("the request's span has %v", span.Attributes)
		}
	}
}
