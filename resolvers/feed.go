package resolvers

import (
	"context"
	"errors"
	"io"

	"github.com/99designs/gqlgen/graphql"

	"linkspan/internal/channel"
	"linkspan/internal/gqlhttp"
	"linkspan/internal/ids"
)

// resumed is the position to continue behind. Where the transport says what the client has, that counts, not after.
func resumed(ctx context.Context, after *ids.LogCursor) (*ids.LogCursor, error) {
	last := gqlhttp.LastEventID(ctx)
	if last == "" {
		return after, nil
	}
	position, err := ids.ParseLogCursor(last)
	return &position, err
}

// feed is where events of type E come from, as the domain has it.
type feed[E any] interface {
	Notify(call func())
	Next(ctx context.Context) (event E, ok bool, err error)
	Close()
}

// pull hands a feed's events, whose type is To, to the transport, with their positions if they have any. A fault that ends it
// is the subscription's last message.
func pull[From, To any](ctx context.Context, feed feed[From]) <-chan To {
	source := &source[From, To]{ctx, feed, make(chan To, 1)}
	gqlhttp.Pull(ctx, source)
	return source.out
}

// source is a feed as the transport pulls from it.
type source[From, To any] struct {
	ctx  context.Context // of the field
	feed feed[From]
	out  chan To
}

// Notify implements [gqlhttp.Source].
func (s *source[From, To]) Notify(wake func()) { s.feed.Notify(wake) }

// Next implements [gqlhttp.Source].
func (s *source[From, To]) Next(ctx context.Context) (sent, more bool) {
	event, ok, err := s.feed.Next(ctx)
	switch {
	case ok:
		if positioned, ok := any(event).(channel.Event); ok {
			gqlhttp.AnnounceEvent(ctx, positioned.Position())
		}
		s.out <- any(event).(To)
		return true, true
	case err == nil:
		return false, true
	case !errors.Is(err, io.EOF):
		graphql.AddError(s.ctx, err)
		gqlhttp.Fail(ctx, graphql.GetErrors(s.ctx)...)
	}
	return false, false
}

// Close implements [gqlhttp.Source].
func (s *source[From, To]) Close() { s.feed.Close() }
