package server

import (
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"

	"linkspan/internal/channel"
)

// RequestIDHeader is the header by which a client may name its request, and by which it gets the name.
const RequestIDHeader = "X-Request-Id"

// givenID is the form of a request id that a client may give; others are replaced.
var givenID = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// request is what is known of an HTTP request while it runs.
type request struct {
	id     string
	logger *slog.Logger
	group  string // of who is signed in
}

type requestKey struct{}

func requestFrom(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{logger: slog.Default()}
}

func requestID(ctx context.Context) string { return requestFrom(ctx).id }

// note keeps for the log which group a request is from.
func note(ctx context.Context, v *channel.Viewer) {
	r := requestFrom(ctx)
	if r.group = v.Group.Handle; v.Operator {
		r.group = "(operator)"
	}
}

// identified gives each request its id, tells it the client, and writes a line to the log when it has ended.
func identified(base *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(RequestIDHeader)
		if !givenID.MatchString(id) {
			id = uuid.Must(uuid.NewV7()).String()
		}
		w.Header().Set(RequestIDHeader, id)
		req := &request{id: id, logger: base.With("requestId", id)}
		started := time.Now()
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() {
			req.logger.LogAttrs(r.Context(), slog.LevelInfo, "request",
				slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", ww.Status()),
				slog.Int("bytes", ww.BytesWritten()), slog.Duration("took", time.Since(started)), slog.String("group", req.group))
		}()
		next.ServeHTTP(ww, r.WithContext(context.WithValue(r.Context(), requestKey{}, req)))
	})
}
