package channel

import (
	"context"
	"errors"
	"io"

	"linkspan/internal/ids"
)

// ChannelActivity tells that something happened in a channel of the viewer's group.
type ChannelActivity struct{ SharedChannel *SharedChannel }

// Marked is how far a user has read a channel.
type Marked struct {
	User    ids.User
	Channel ids.Channel
	UpTo    Place
}

// ListReader reads what lists of channels show. Implementations are safe for concurrent use; a cluster out of reach is a
// retryable SHARD_UNAVAILABLE fault.
type ListReader interface {
	// ListedChannels returns what was added to the groups' lists of channels behind these positions, with one query a cluster;
	// a group whose list could not be read is absent, and the error joins why.
	ListedChannels(ctx context.Context, behind map[ids.Group]int64) (map[ids.Group][]Row[ids.Channel], error)
	// ReadUpTo returns how far those of the users have read in the channels who are of the group that such a log is of, with one
	// query a cluster. Who has read nothing is absent; the error joins what went wrong.
	ReadUpTo(ctx context.Context, channels []LogKey, users []ids.User) ([]Marked, error)
}

// Watching is one subscriber's view of its group's list of channels: which of them moved. It is used by one goroutine.
type Watching interface {
	// Next returns the channel that has waited longest of those in which something happened since they were last returned,
	// each once however much it was; false: there is none. What happened before is committed. The error is ErrHubClosed.
	Next() (id ids.Channel, ok bool, err error)
	// Later has a channel returned anew once its cluster is within reach.
	Later(id ids.Channel)
	// Notify has f called once, when Next has something to say. f must return at once; it may be called before Notify returns.
	// It replaces an f that was not called yet.
	Notify(f func())
	Close()
}

// Activity is what a subscriber of its group's channels gets. One goroutine uses it.
type Activity struct {
	service  *Service
	viewer   *Viewer
	watching Watching
}

// ChannelActivity tells of the channels of the viewer's group in which something happens from now on, until the activity is
// closed.
func (s *Service) ChannelActivity(ctx context.Context, v *Viewer) (*Activity, error) {
	if v.Operator {
		return nil, &Fault{Code: Forbidden, Message: "An operator has no group and so no channels."}
	}
	watching, err := s.Hub.Watch(ctx, v.User.ID)
	if err != nil {
		return nil, err
	}
	return &Activity{service: s, viewer: v, watching: watching}, nil
}

// Notify has call called once, when [Activity.Next] may have something to say. It must return at once, and may be called
// before Notify returns.
func (a *Activity) Notify(call func()) { a.watching.Notify(call) }

// Next returns the next channel as it is now; false: there is none, and [Activity.Notify] tells when. A channel whose cluster
// is out of reach comes later. The error is io.EOF when ctx or the server ends, else what ended the activity.
func (a *Activity) Next(ctx context.Context) (*ChannelActivity, bool, error) {
	for {
		id, ok, err := a.watching.Next()
		if ctx.Err() != nil || errors.Is(err, ErrHubClosed) {
			return nil, false, io.EOF
		}
		if err != nil || !ok {
			return nil, false, err
		}
		c, err := a.service.channel(ctx, a.viewer, id)
		var fault *Fault
		switch {
		case ctx.Err() != nil:
			return nil, false, io.EOF
		case errors.As(err, &fault) && fault.Retryable:
			a.watching.Later(id)
		case err != nil:
			return nil, false, err
		case c != nil:
			return &ChannelActivity{SharedChannel: c}, true, nil
		}
	}
}

// Close ends the activity.
func (a *Activity) Close() { a.watching.Close() }
