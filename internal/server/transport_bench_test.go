package server

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"linkspan/graph"
	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/resolvers"
)

// BenchmarkTransport asks through this project's transport and executor, and through gqlgen's stock ones, which check less, in
// turns and without a network. The ratio is that of the requests which each answers in the same time.
func BenchmarkTransport(b *testing.B) {
	config := Config{Resolvers: resolvers.New(&channel.Service{})}
	executor, ours := newExecutor(config), newTransport(&signIn{}, Config{})
	stock := handler.New(graph.NewExecutableSchema(graph.Config{Resolvers: config.Resolvers}))
	stock.AddTransport(transport.POST{})
	stock.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	stock.SetParserTokenLimit(15_000)
	stock.SetErrorPresenter(present)
	stock.Use(extension.Introspection{})
	stock.Use(gate{})
	for _, document := range []struct{ name, body, want string }{
		{"typename", `{"query":"{ __typename }"}`, `"Query"`},
		{"viewer", `{"operationName":"Viewer","query":"query Viewer { viewer { id user { id name } group { ...GroupRef } role } } ` +
			`fragment GroupRef on Group { id handle name }","variables":{}}`, `"ADMIN"`},
	} {
		b.Run(document.name, func(b *testing.B) {
			e := newExchange(document.body)
			sides := []func(){
				func() { ours.Do(e, e.again(), executor) },
				func() { stock.ServeHTTP(e, e.again()) },
			}
			var took [2]time.Duration
			const batch = 100
			for b.Loop() {
				for side, do := range sides {
					began := time.Now()
					for range batch {
						do()
					}
					took[side] += time.Since(began)
					if !bytes.Contains(e.answer, []byte(document.want)) {
						b.Fatalf("got %s", e.answer)
					}
				}
			}
			requests := float64(b.N * batch)
			b.ReportMetric(float64(took[0].Nanoseconds())/requests, "ns/ours")
			b.ReportMetric(float64(took[1].Nanoseconds())/requests, "ns/stock")
			b.ReportMetric(float64(took[1])/float64(took[0]), "stock/ours")
			b.ReportMetric(0, "ns/op") // a batch of each: of no use
		})
	}
}

// exchange is a request that is sent again and again, and what it gets.
type exchange struct {
	request *http.Request
	body    *bytes.Reader
	text    []byte
	header  http.Header
	answer  []byte
}

func newExchange(body string) *exchange {
	e := &exchange{text: []byte(body), body: &bytes.Reader{}}
	group := channel.Group{ID: ids.NewGroup(), Handle: "acme", Name: "Acme"}
	viewer := &channel.Viewer{Role: channel.RoleAdmin, Group: group, User: channel.User{ID: ids.UserOf(group.ID, "ana"), Name: "Ana", Group: group}}
	ctx := channel.WithViewer(context.WithValue(context.Background(), requestKey{}, &request{id: "x", logger: slog.Default()}), viewer)
	e.request = (&http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: "/graphql"}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "localhost",
		Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/graphql-response+json, application/json;q=0.9"}},
	}).WithContext(ctx)
	return e
}

func (e *exchange) again() *http.Request {
	e.body.Reset(e.text)
	e.request.Body = io.NopCloser(e.body)
	e.header = make(http.Header, 4)
	return e.request
}

func (e *exchange) Header() http.Header { return e.header }
func (e *exchange) WriteHeader(int)     {}

func (e *exchange) SetWriteDeadline(time.Time) error { return nil } // as a connection has it
func (e *exchange) Write(text []byte) (int, error) {
	e.answer = append(e.answer[:0], text...)
	return len(text), nil
}
