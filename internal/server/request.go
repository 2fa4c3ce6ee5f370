package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"linkspan/internal/channel"
)

// RequestIDHeader is the header by which a client may name its request, and by which it gets the name.
const RequestIDHeader = "X-Request-Id"

// givenID is the form of a request id that a client may give; others are replaced.
var givenID = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// request is what is known of an HTTP request while it runs.
type request struct {
	id      string
	address string // that it came from, without the port
	logger  *slog.Logger
	group   string // of who is signed in
	observers
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
func identified(logger *slog.Logger, by observers, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(RequestIDHeader)
		if !givenID.MatchString(id) {
			id = uuid.Must(uuid.NewV7()).String()
		}
		w.Header().Set(RequestIDHeader, id)
		req := &request{id: id, address: clientOf(r.RemoteAddr), logger: logger, observers: by}
		ctx := context.WithValue(r.Context(), requestKey{}, req)
		started := time.Now()
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() {
			logger.LogAttrs(ctx, slog.LevelInfo, "request",
				slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", ww.Status()),
				slog.Int("bytes", ww.BytesWritten()), slog.Float64("tookMs", float64(time.Since(started))/float64(time.Millisecond)),
				slog.String("group", req.group))
		}()
		next.ServeHTTP(ww, r.WithContext(ctx))
	})
}

// clientOf is the address that a connection came from, without the port; of IPv6 the 64 bits that one client has for itself.
func clientOf(remote string) string {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote
	}
	address := at.Addr().Unmap()
	if prefix, err := address.Prefix(64); err == nil && address.Is6() {
		return prefix.String()
	}
	return address.String()
}

// recovered makes of a panic an error like others: logged, and without its text for the client.
func recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v) // net/http's own way to end an answer
			default:
				shown := present(r.Context(), panicked(v))
				writeJSON(w, http.StatusInternalServerError, graphql.Response{Errors: gqlerror.List{shown}})
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// panicked makes an error of what was recovered, with the stack of the panic.
func panicked(v any) error { return fmt.Errorf("panic: %v\n%s", v, debug.Stack()) }

// LogHandler adds to each record the id of the request in whose context it is written. All loggers of the program go
// through it, so that whatever a request causes can be found by the id that its client got.
func LogHandler(next slog.Handler) slog.Handler { return logHandler{next} }

type logHandler struct{ slog.Handler }

func (h logHandler) Handle(ctx context.Context, record slog.Record) error {
	if id := requestID(ctx); id != "" {
		record.AddAttrs(slog.String("requestId", id))
	}
	return h.Handler.Handle(ctx, record)
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}

func (h logHandler) WithGroup(name string) slog.Handler { return logHandler{h.Handler.WithGroup(name)} }
