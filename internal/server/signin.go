package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"linkspan/internal/channel"
)

// signIn finds out who sends requests, and keeps everybody else from the resolvers.
type signIn struct {
	tokens *Tokens
	remedy string // what an unauthenticated client is told to do
}

// socketKey is under which the context says that a WebSocket carries the operation.
type socketKey struct{}

// refusedKey is under which the context says why nobody is signed in.
type refusedKey struct{}

// withBearer returns a context with the viewer that the Authorization value names, or with why there is none; whoever
// was signed in before no longer is.
func (s *signIn) withBearer(ctx context.Context, authorization string) context.Context {
	ctx = channel.WithViewer(ctx, nil)
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return context.WithValue(ctx, refusedKey{}, errToken)
	}
	viewer, err := s.tokens.Verify(ctx, strings.TrimSpace(token))
	if err != nil {
		if errors.Is(err, errToken) {
			logger(ctx).InfoContext(ctx, "token refused", "err", err)
		}
		return context.WithValue(ctx, refusedKey{}, err)
	}
	note(ctx, viewer)
	return channel.WithViewer(ctx, viewer)
}

// middleware signs in whoever sends an Authorization header.
func (s *signIn) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(s.withBearer(r.Context(), r.Header.Get("Authorization"))))
	})
}

// initSocket signs in the sender of connection_init: by its payload, else by the upgrade's header. A socket without a
// valid token stays open and gets UNAUTHENTICATED for each operation; one with a token ends when the token does.
func (s *signIn) initSocket(
	ctx context.Context, payload transport.InitPayload,
) (context.Context, *transport.InitPayload, error) {
	ctx = context.WithValue(ctx, socketKey{}, true)
	if authorization := payload.Authorization(); authorization != "" {
		ctx = s.withBearer(ctx, authorization)
	}
	if viewer := channel.ViewerFrom(ctx); viewer != nil {
		bounded, cancel := context.WithDeadline(ctx, viewer.ExpiresAt)
		context.AfterFunc(ctx, cancel)
		ctx = bounded
	}
	return ctx, nil, nil
}

// gate lets an operation pass if somebody is signed in or if it only asks for the schema. A subscription needs a
// WebSocket too: one request has one answer.
func (s *signIn) gate(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	request := graphql.GetOperationContext(ctx)
	operation := request.Operation
	if channel.ViewerFrom(ctx) == nil && !onlyIntrospects(operation.SelectionSet) {
		if err, _ := ctx.Value(refusedKey{}).(error); err != nil && !errors.Is(err, errToken) {
			return refuse(ctx, err) // nobody could find out whether the token is good
		}
		return refuse(ctx, &channel.Fault{Code: channel.Unauthenticated, Message: "A valid bearer token is needed. " + s.remedy})
	}
	if !isText([]byte(request.RawQuery)) {
		return refuse(ctx, channel.BadInput("The document escapes half of a surrogate pair."))
	}
	if operation.Operation == ast.Subscription {
		switch {
		case ctx.Value(socketKey{}) == nil:
			return refuse(ctx, channel.BadInput("A subscription needs a WebSocket (graphql-transport-ws)."))
		case len(graphql.CollectFields(request, operation.SelectionSet, []string{"Subscription"})) != 1:
			return refuse(ctx, channel.BadInput("A subscription has exactly one field; @skip and @include leave another number here."))
		}
	}
	return next(ctx)
}

// refuse answers an operation with an error and nothing else.
func refuse(ctx context.Context, err error) graphql.ResponseHandler {
	return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{present(ctx, err)}})
}

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
