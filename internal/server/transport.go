package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"linkspan/internal/channel"
	"linkspan/internal/gqlhttp"
)

// MaxBodyBytes is the greatest length of a request's body, and of a WebSocket message, where nothing else is said; contract,
// "What every operation keeps", 8.
const MaxBodyBytes = 1 << 20

// Connections bounds what one client may send at once and keep open. What is 0 is as in [gqlhttp.Config].
type Connections struct {
	MaxBodyBytes  int64
	MaxOpen       int // WebSockets and streams of one user
	MaxOperations int // on one WebSocket
}

// newTransport makes what GraphQL is reached through.
func newTransport(signIn *signIn, config Config) *gqlhttp.Transport {
	return gqlhttp.New(gqlhttp.Config{
		MaxBodyBytes: config.Connections.MaxBodyBytes, MaxConnections: config.Connections.MaxOpen, MaxOperations: config.Connections.MaxOperations,
		Init: signIn.initSocket, Party: party, CheckOrigin: config.Origins.check,
		Audience: audience, SocketContext: socketContext, Watch: watch{config.Watch},
	})
}

// socketContext keeps of an upgrade's request what operations on the socket need, and lets go of the rest.
func socketContext(r *http.Request) context.Context {
	own := *requestFrom(r.Context()) // connection_init notes who signs in, while the upgrade's line is written to the log
	ctx := context.WithValue(context.Background(), requestKey{}, &own)
	if refused := r.Context().Value(refusedKey{}); refused != nil {
		ctx = context.WithValue(ctx, refusedKey{}, refused)
	}
	return channel.WithViewer(ctx, channel.ViewerFrom(r.Context()))
}

// party is the user for whom a socket or a stream is, for as long as the user's token is valid; without one it is the address.
func party(ctx context.Context) gqlhttp.Party {
	viewer := channel.ViewerFrom(ctx)
	if viewer == nil {
		return gqlhttp.Party{Key: "address " + requestFrom(ctx).address}
	}
	return gqlhttp.Party{Key: viewer.User.ID.String(), Expires: viewer.ExpiresAt}
}

// initSocket signs in the sender of connection_init: by its payload, else by the upgrade's header. A socket without any
// token gets what anybody gets, one whose token is no good is closed.
func (s *signIn) initSocket(ctx context.Context, payload json.RawMessage) (context.Context, error) {
	authorization, err := authorizationIn(payload)
	if err != nil {
		return nil, err
	}
	if authorization != "" {
		ctx = s.withBearer(ctx, authorization)
	}
	switch refused, _ := ctx.Value(refusedKey{}).(error); {
	case refused == nil, errors.Is(refused, errNoToken):
		return ctx, nil
	case errors.Is(refused, errTokenExpired):
		return nil, &gqlhttp.CloseError{Code: gqlhttp.CloseForbidden, Reason: "The token has expired"}
	case errors.Is(refused, errToken):
		return nil, &gqlhttp.CloseError{Code: gqlhttp.CloseUnauthorized, Reason: "The token is not valid"}
	default: // nobody could find out whether it is good
		logFault(ctx, faultOf(refused, nil), "", refused)
		return nil, &gqlhttp.CloseError{Code: gqlhttp.CloseTryLater, Reason: "The token can't be judged now: come back later"}
	}
}

// authorizationIn is the Authorization that a payload has; contract, "Sign-in".
func authorizationIn(payload json.RawMessage) (string, error) {
	if payload == nil {
		return "", nil
	}
	var init struct {
		Authorization *string `json:"Authorization"`
	}
	if err := json.Unmarshal(payload, &init); err != nil {
		return "", &gqlhttp.CloseError{Code: gqlhttp.CloseInvalidMessage, Reason: "Authorization in the payload must be a string"}
	}
	if init.Authorization == nil {
		return "", nil
	}
	return *init.Authorization, nil
}

// watch logs what goes wrong outside of the executor, and passes the rest on.
type watch struct{ to Watch }

func (w watch) Opened(kind gqlhttp.Kind) {
	if w.to != nil {
		w.to.Opened(kind)
	}
}

func (w watch) Closed(kind gqlhttp.Kind, code gqlhttp.CloseCode) {
	if w.to != nil {
		w.to.Closed(kind, code)
	}
}

func (w watch) Sent(kind gqlhttp.Kind) {
	if w.to != nil {
		w.to.Sent(kind)
	}
}

func (watch) Panicked(ctx context.Context, recovered any) {
	logger(ctx).ErrorContext(ctx, "unknown error", "err", panicked(recovered))
}
