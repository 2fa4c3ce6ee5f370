package resolvers

import (
	"context"
	"errors"
	"io"
	"time"

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

// feed is where things of type E come from, as the domain has it.
type feed[E any] interface {
	Notify(call func())
	Next(ctx context.Context) (event E, ok bool, err error)
	Close()
}

// pull hands what a feed has to the transport. A fault that ends it is the subscription's last message.
func pull[E any](ctx context.Context, feed feed[E]) <-chan E {
	source := &source[E, E]{ctx, feed, make(chan E, 1)}
	gqlhttp.Pull(ctx, source)
	return source.out
}

// pullLog does so with a log's events, whose type is To, and with their positions. Subscribers of one audience share what they
// look like.
func pullLog[From channel.Event, To any](ctx context.Context, feed *channel.Feed[From]) <-chan To {
	source := &logSource[From, To]{source[From, To]{ctx, feed, make(chan To, 1)}, feed}
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
	return s.send(ctx, event, ok, err)
}

// send sends the event if there is one.
func (s *source[From, To]) send(ctx context.Context, event From, ok bool, err error) (sent, more bool) {
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

// logSource is a feed of a log.
type logSource[From channel.Event, To any] struct {
	source[From, To]
	log *channel.Feed[From]
}

// outlooks are what the domain says of the next event, in the transport's words.
var outlooks = [...]gqlhttp.Outlook{
	channel.Clear: gqlhttp.Clear, channel.Nothing: gqlhttp.Nothing, channel.Apart: gqlhttp.Apart, channel.Behind: gqlhttp.Behind,
	channel.Alone: gqlhttp.Alone,
}

// Ahead implements [gqlhttp.SharedSource].
func (s *logSource[From, To]) Ahead(ctx context.Context, patient bool) (gqlhttp.EventKey, gqlhttp.Outlook) {
	ahead, outlook := s.log.Ahead(ctx, patient)
	return gqlhttp.EventKey{Line: ahead.History.Bytes(), Number: ahead.Number}, outlooks[outlook]
}

// At implements [gqlhttp.SharedSource].
func (s *logSource[From, To]) At() gqlhttp.EventKey {
	at := s.log.At()
	return gqlhttp.EventKey{Line: at.History.Bytes(), Number: at.Number}
}

// Remind implements [gqlhttp.SharedSource].
func (s *logSource[From, To]) Remind(wake func()) { s.log.Remind(wake) }

// Skip implements [gqlhttp.SharedSource].
func (s *logSource[From, To]) Skip(to gqlhttp.EventKey, at time.Time) { s.log.Skip(to.Number, at) }

// Takes implements [gqlhttp.SharedSource].
func (s *logSource[From, To]) Takes(made gqlhttp.Stamp) bool {
	return s.log.Takes(channel.Rendering{At: made.At, Known: made.Reached})
}

// Holds implements [gqlhttp.SharedSource].
func (s *logSource[From, To]) Holds(made gqlhttp.Stamp) bool {
	return s.log.Holds(channel.Rendering{At: made.At, Known: made.Reached})
}

// Make implements [gqlhttp.SharedSource].
func (s *logSource[From, To]) Make(ctx context.Context) (made gqlhttp.Stamp, sent, more bool) {
	event, rendering, ok, err := s.log.Make(ctx)
	sent, more = s.send(ctx, event, ok, err)
	return gqlhttp.Stamp{At: rendering.At, Reached: rendering.Known}, sent, more
}

// Pass implements [gqlhttp.SharedSource].
func (s *logSource[From, To]) Pass() { s.log.Pass() }
