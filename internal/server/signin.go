package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"linkspan/internal/channel"
)

// signIn finds out who sends requests, and keeps everybody else from the resolvers.
type signIn struct {
	tokens *Tokens
}

// refusedKey is under which the context says why nobody is signed in.
type refusedKey struct{}

// errNoToken is why nobody is signed in who has not tried to be.
var errNoToken = fmt.Errorf("%w: there is none", errToken)

// withBearer returns a context with the viewer that the Authorization value names, or with why there is none; whoever
// was signed in before no longer is.
func (s *signIn) withBearer(ctx context.Context, authorization string) context.Context {
	ctx = channel.WithViewer(ctx, nil)
	if authorization == "" {
		return context.WithValue(ctx, refusedKey{}, errNoToken)
	}
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return context.WithValue(ctx, refusedKey{}, errToken)
	}
	viewer, err := s.tokens.Verify(ctx, strings.TrimSpace(token))
	requestFrom(ctx).signedIn(err)
	if err != nil {
		if errors.Is(err, errToken) {
			logger(ctx).InfoContext(ctx, "token refused", "err", err)
		}
		return context.WithValue(ctx, refusedKey{}, err)
	}
	note(ctx, viewer)
	return channel.WithViewer(context.WithValue(ctx, refusedKey{}, nil), viewer)
}

// middleware signs in whoever sends an Authorization header.
func (s *signIn) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(s.withBearer(r.Context(), r.Header.Get("Authorization"))))
	})
}
