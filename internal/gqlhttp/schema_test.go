package gqlhttp_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.uber.org/goleak"

	"linkspan/internal/gqlhttp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// schema is what the tests ask.
const schema = `
type Query { name: String! echo(text: String!): String! breaks: String panics: String waits: String stops: String big: String }
type Mutation { name: String! waits: String }
type Subscription {
  "count sends 1 to that number, with ids, and ends; it begins behind Last-Event-ID."
  count(to: Int!): Int!
  "endless sends big texts as fast as they are taken."
  endless: String!
  "silent sends nothing."
  silent: Int
  "refused has no stream."
  refused: Int
  "fails after one event."
  fails: Int
  "board sends what is put on the service's board, as a source that is shared."
  board: String!
  "panics with its first event."
  panics: Int
}`

// service is what is behind the schema.
type service struct {
	judge   func() // is called when a request is judged
	schema  *ast.Schema
	running atomic.Int64  // resolvers that have not ended
	began   atomic.Int64  // operations
	release chan struct{} // lets what waits go on
	board   *board
}

func newService() *service {
	return &service{schema: gqlparser.MustLoadSchema(&ast.Source{Input: schema}), release: make(chan struct{}), judge: func() {}, board: newBoard()}
}

// executor is gqlgen's own over the service.
func (s *service) executor() *executor.Executor {
	e := executor.New(s)
	e.Use(judged{s})
	e.SetErrorPresenter(func(ctx context.Context, err error) *gqlerror.Error {
		shown := &gqlerror.Error{Message: err.Error(), Path: graphql.GetPath(ctx), Extensions: map[string]any{"presented": true}}
		if wrapped := (*gqlerror.Error)(nil); errors.As(err, &wrapped) {
			shown.Message, shown.Locations = wrapped.Message, wrapped.Locations
		}
		return shown
	})
	return e
}

// judged has the service judge requests.
type judged struct{ *service }

func (judged) ExtensionName() string                   { return "Judged" }
func (judged) Validate(graphql.ExecutableSchema) error { return nil }
func (j judged) MutateOperationContext(context.Context, *graphql.OperationContext) *gqlerror.Error {
	j.judge()
	return nil
}

func (s *service) Schema() *ast.Schema { return s.schema }

func (s *service) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

// Exec implements graphql.ExecutableSchema for operations with one field at their root.
func (s *service) Exec(ctx context.Context) graphql.ResponseHandler {
	s.began.Add(1)
	request := graphql.GetOperationContext(ctx)
	field := graphql.CollectFields(request, request.Operation.SelectionSet, nil)[0]
	arguments := field.ArgumentMap(request.Variables)
	if request.Operation.Operation == ast.Subscription {
		return s.subscribe(ctx, field.Name, arguments)
	}
	s.running.Add(1)
	defer s.running.Add(-1)
	data := ""
	switch field.Name {
	case "__typename":
		data = strconv.Quote(field.ObjectDefinition.Name)
	case "name":
		data = `"linkspan"`
	case "echo":
		var text strings.Builder
		graphql.MarshalString(arguments["text"].(string)).MarshalGQL(&text)
		data = text.String()
	case "breaks":
		asked := false
		return func(ctx context.Context) *graphql.Response {
			if asked {
				return nil
			}
			asked = true
			graphql.AddError(ctx, errors.New("it broke"))
			return &graphql.Response{Data: []byte(`{"breaks":null}`)}
		}
	case "panics":
		panic("on purpose")
	case "big":
		data = `"` + strings.Repeat("x", 32<<20) + `"`
	case "stops":
		return graphql.OneShot(graphql.ErrorResponse(ctx, "given up"))
	case "waits":
		select {
		case <-s.release:
			data = `"released"`
		case <-ctx.Done():
			return graphql.OneShot(graphql.ErrorResponse(ctx, "given up"))
		}
	}
	return graphql.OneShot(&graphql.Response{Data: fmt.Appendf(nil, `{%q:%s}`, field.Alias, data)})
}

func (s *service) subscribe(ctx context.Context, field string, arguments map[string]any) graphql.ResponseHandler {
	if field == "refused" {
		graphql.AddError(ctx, errors.New("not for you"))
		return nil
	}
	s.running.Add(1)
	if field == "board" {
		return s.board.follow(ctx, func() { s.running.Add(-1) })
	}
	context.AfterFunc(ctx, func() { s.running.Add(-1) })
	n := 0
	if last := gqlhttp.LastEventID(ctx); last != "" {
		n, _ = strconv.Atoi(strings.TrimPrefix(last, "event-"))
	}
	to := int64(0)
	switch given := arguments["to"].(type) {
	case int64:
		to = given
	case interface{ Int64() (int64, error) }:
		to, _ = given.Int64()
	}
	return func(ctx context.Context) *graphql.Response {
		n++
		switch {
		case field == "panics":
			panic("on purpose")
		case field == "silent":
			<-ctx.Done()
			return nil
		case field == "fails" && n > 1:
			gqlhttp.Fail(ctx, &gqlerror.Error{Message: "it broke off"})
			return nil
		case field == "count" && int64(n) > to:
			return nil
		case field == "endless":
			return &graphql.Response{Data: []byte(`{"endless":"` + strings.Repeat("x", 100_000) + `"}`)}
		}
		gqlhttp.AnnounceEvent(ctx, id(n))
		return &graphql.Response{Data: fmt.Appendf(nil, `{%q:%d}`, field, n)}
	}
}

type id int

func (n id) String() string { return "event-" + strconv.Itoa(int(n)) }

// eventually waits for what must become true soon.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		if holds() {
			return
		}
		select {
		case <-deadline.Done():
			t.Fatalf("not in time: %s", what)
		case <-pause():
		}
	}
}
