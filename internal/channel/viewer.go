package channel

import (
	"context"
	"sync/atomic"
	"time"

	"linkspan/internal/ids"
)

// Role is the role of a user in its group.
type Role string

// The roles. Operators have none: they have no group.
const (
	RoleAdmin  Role = "ADMIN"
	RoleMember Role = "MEMBER"
)

// Viewer is who asks, as its token says: a user of a group, or an operator, who has no group.
type Viewer struct {
	User      User
	Group     Group
	Role      Role
	Operator  bool
	ExpiresAt time.Time // when the token ends
	// Subscriber is who subscribed for one who stands for all: what the group keeps to some of its users it is shown by that; zero: nothing of it.
	Subscriber ids.User
	gate       *gate        // by which who subscribed is judged; what is asked of an event is read as its gate has it. Nil: nobody is
	forOne     *atomic.Bool // set when something is made for the one viewer ([Written.Watch]); nil: nobody wants to know
}

// IsNode marks the type as a Node of the schema.
func (*Viewer) IsNode() {}

// ID returns the viewer's own id, which differs from its user's.
func (v *Viewer) ID() ids.Viewer { return ids.Viewer{User: v.User.ID} }

// Anyone returns a viewer who stands for all users of the group with that role, and is none of them.
func (v *Viewer) Anyone() *Viewer {
	return &Viewer{User: User{ID: ids.User{Group: v.User.ID.Group}, Group: v.User.Group}, Group: v.Group, Role: v.Role, Operator: v.Operator}
}

type viewerKey struct{}

// AnyoneIn is Anyone for what is about one channel alone, in which each who subscribes is judged by itself.
func (v *Viewer) AnyoneIn() *Viewer {
	anyone := v.Anyone()
	anyone.Subscriber = v.User.ID
	return anyone
}

// isAnyone reports whether the viewer stands for all users of its group with that role.
func (v *Viewer) isAnyone() bool { return !v.Operator && v.User.ID.IsZero() }

// WithViewer returns a context in which ViewerFrom finds v.
func WithViewer(ctx context.Context, v *Viewer) context.Context {
	return context.WithValue(ctx, viewerKey{}, v)
}

// ViewerFrom returns who asks; nil where nobody signed in, which the edge lets through for introspection alone. What is made then counts as
// made for that one viewer.
func ViewerFrom(ctx context.Context) *Viewer {
	v := viewerIn(ctx)
	if v != nil && v.forOne != nil {
		v.forOne.Store(true)
	}
	return v
}

// OneOfTheGroup is ViewerFrom for what hangs on the viewer's group and a channel's log alone: it is the same for all who see the channel.
func OneOfTheGroup(ctx context.Context) *Viewer { return viewerIn(ctx) }

func viewerIn(ctx context.Context) *Viewer {
	v, _ := ctx.Value(viewerKey{}).(*Viewer)
	return v
}
