package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"linkspan/internal/channel"
	"linkspan/internal/gqlhttp"
)

// gate lets an operation pass if somebody is signed in or if it only asks for the schema.
type gate struct {
	remedy string // what an unauthenticated client is told to do
}

var _ graphql.OperationContextMutator = gate{}

// ExtensionName implements [graphql.HandlerExtension].
func (gate) ExtensionName() string { return "Gate" }

// Validate implements [graphql.HandlerExtension].
func (gate) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements [graphql.OperationContextMutator].
func (g gate) MutateOperationContext(ctx context.Context, request *graphql.OperationContext) *gqlerror.Error {
	operation := request.Operation
	if channel.ViewerFrom(ctx) == nil && !onlyIntrospects(operation.SelectionSet) {
		return gqlerror.Wrap(g.refusal(ctx))
	}
	if operation.Operation == ast.Subscription && len(graphql.CollectFields(request, operation.SelectionSet, []string{"Subscription"})) != 1 {
		return gqlerror.Wrap(channel.BadInput("A subscription has exactly one field; @skip and @include leave another number here."))
	}
	return nil
}

// refusal is what is told to whom nobody is signed in as.
func (g gate) refusal(ctx context.Context) error {
	if err, _ := ctx.Value(refusedKey{}).(error); err != nil && !errors.Is(err, errToken) {
		return undecided(err)
	}
	return withStatus(http.StatusUnauthorized, &channel.Fault{
		Code: channel.Unauthenticated, Message: "A valid bearer token is needed. " + g.remedy,
	})
}

// tryAgain is when to come again where nothing tells better.
const tryAgain = time.Second

// undecided is what is told where nobody could find out whether a token is good: it has a status of HTTP's own, and says
// when to come again if that may help.
func undecided(err error) error {
	if status := (*gqlhttp.Error)(nil); errors.As(err, &status) {
		return err
	}
	fault := faultOf(err, nil)
	if fault.Retryable {
		return later(tryAgain, fault)
	}
	return withStatus(http.StatusInternalServerError, fault)
}

// statusFault is a fault with a status of HTTP's own.
type statusFault struct {
	*channel.Fault
	status *gqlhttp.Error
}

// withStatus gives a fault a status that clients see unless they asked for application/json alone.
func withStatus(status int, fault *channel.Fault) error {
	return &statusFault{fault, &gqlhttp.Error{Status: status, Message: fault.Message, Lenient: true}}
}

// later gives a retryable fault the status 503, and says when to come again.
func later(after time.Duration, fault *channel.Fault) error {
	return &statusFault{fault, &gqlhttp.Error{Status: http.StatusServiceUnavailable, Message: fault.Message, RetryAfter: after, Lenient: true}}
}

// Unwrap lets both be found.
func (f *statusFault) Unwrap() []error { return []error{f.Fault, f.status} }

// onlyIntrospects reports whether all fields that a selection reaches at its top level are of the schema itself.
func onlyIntrospects(selection ast.SelectionSet) bool {
	for _, s := range selection {
		switch s := s.(type) {
		case *ast.Field:
			if !strings.HasPrefix(s.Name, "__") {
				return false
			}
		case *ast.InlineFragment:
			if !onlyIntrospects(s.SelectionSet) {
				return false
			}
		case *ast.FragmentSpread:
			if !onlyIntrospects(s.Definition.SelectionSet) {
				return false
			}
		}
	}
	return true
}
