package gqldoc_test

import (
	"encoding/json"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"

	"linkspan/internal/gqldoc"
)

// request is what a client of the contract sends.
type request struct {
	name, document, operation, variables string
}

func requests(b *testing.B) []request {
	contract := read(b, "../../clients/operations.graphql")
	return []request{
		{"typename", `{ __typename }`, "", `{}`},
		{"Viewer", contract, "Viewer", `{}`},
		{"MyChannels", contract, "MyChannels", `{"first": 100, "after": null}`},
		{"CreateSharedChannel", contract, "CreateSharedChannel",
			`{"input": {"target": {"handle": "globex"}, "name": "launch", "topic": "the launch", "idempotencyKey": "0190aaaa"}}`},
	}
}

// stock is gqlgen's own executor as the server had it, with its complexity extension, which this package replaces.
func stock(s schema, complexity bool) *executor.Executor {
	e := executor.New(s)
	e.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	e.SetParserTokenLimit(15_000)
	e.Use(extension.Introspection{})
	if complexity {
		e.Use(extension.FixedComplexityLimit(1_000_000))
	}
	return e
}

// BenchmarkCreate makes the operation contexts of documents that are cached, by our executor and gqlgen's.
func BenchmarkCreate(b *testing.B) {
	s := linkspan(b)
	for _, r := range requests(b) {
		for _, e := range []struct {
			name string
			graphql.GraphExecutor
		}{
			{"ours", gqldoc.New(s, gqldoc.Config{Introspection: true})}, {"gqlgen", stock(s, false)}, {"gqlgen-complexity", stock(s, true)},
		} {
			b.Run(r.name+"/"+e.name, func(b *testing.B) {
				var variables map[string]any
				decoder := json.NewDecoder(strings.NewReader(r.variables))
				decoder.UseNumber()
				if err := decoder.Decode(&variables); err != nil {
					b.Fatal(err)
				}
				ctx := graphql.StartOperationTrace(b.Context())
				params := graphql.RawParams{Query: r.document, OperationName: r.operation, Variables: variables}
				b.ReportAllocs()
				for b.Loop() {
					if _, errs := e.CreateOperationContext(ctx, &params); len(errs) > 0 {
						b.Fatal(errs)
					}
				}
			})
		}
	}
}

// BenchmarkNew makes the operation contexts of documents that nobody asked for before.
func BenchmarkNew(b *testing.B) {
	s := linkspan(b)
	for _, r := range requests(b) {
		for _, e := range []struct {
			name string
			graphql.GraphExecutor
		}{
			{"ours", gqldoc.New(s, gqldoc.Config{Introspection: true})}, {"gqlgen", stock(s, false)},
		} {
			n := 0 // of documents, also when the benchmark runs again
			b.Run(r.name+"/"+e.name, func(b *testing.B) {
				var variables map[string]any
				if err := json.Unmarshal([]byte(r.variables), &variables); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					n++
					_, errs := askFor(e, &graphql.RawParams{
						Query: r.document + " #" + strconv.Itoa(n), OperationName: r.operation, Variables: variables,
					})
					if len(errs) > 0 {
						b.Fatal(errs)
					}
				}
			})
		}
	}
}

// BenchmarkCacheMemory measures what a token of a cached document takes; bytesPerDocument and bytesPerToken are from here.
func BenchmarkCacheMemory(b *testing.B) {
	s := linkspan(b)
	for _, r := range requests(b)[:2] {
		b.Run(r.name, func(b *testing.B) {
			const documents = 500
			for b.Loop() {
				e := gqldoc.New(s, gqldoc.Config{CacheBytes: 1 << 30})
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				for i := range documents {
					document := r.document + " #" + strconv.Itoa(i)
					if _, errs := askFor(e, &graphql.RawParams{Query: document, OperationName: r.operation}); len(errs) > 0 {
						b.Fatal(errs)
					}
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
				runtime.KeepAlive(e)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/documents, "bytes/document")
			}
		})
	}
}
