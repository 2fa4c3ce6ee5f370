package channel

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"linkspan/internal/ids"
)

// DefaultInvitationTTL is how long an invitation can be accepted where nothing else is configured: 14 days.
const DefaultInvitationTTL = 14 * 24 * time.Hour

// DefaultLogRetention is how long events of logs are kept where nothing else is configured: 30 days.
const DefaultLogRetention = 30 * 24 * time.Hour

// Service is what users can do. It is safe for concurrent use. Refusals are data in the payloads' Errors; an error
// returned is a fault (see [Fault]) or unknown.
type Service struct {
	Main          Main
	Shards        Shards
	Conversation  Conversation
	Outbox        Outbox
	Hub           Hub
	Hints         Hints
	Fresh         *FreshMessages // one for all who write through the Hints; nil: all is read
	InvitationTTL time.Duration
	LogRetention  time.Duration // how long events of logs are kept; 0: for good
	MaxGroups     int           // that a channel has at most; 0: [DefaultMaxGroups]
	Logger        *slog.Logger
	Refused       func(UserErrorCode) // told of each refusal, for metrics; nil: nobody is
	Outdated      func(messages int)  // told of messages that were deleted because their group keeps them no longer, for metrics; nil: nobody is
}

// refused turns the error of a decision into the refusals of a payload; other errors stay errors.
func (s *Service) refused(err error) ([]UserError, error) {
	var refusal UserError
	if errors.As(err, &refusal) {
		if s.Refused != nil {
			s.Refused(refusal.GetCode())
		}
		return []UserError{refusal}, nil
	}
	return nil, err
}

// claim keeps the operation, or returns the outcome of its earlier run. Another input under its key is refused.
func claim(ctx context.Context, tx MainTx, op Operation) (*Outcome, error) {
	kept, err := tx.Claim(ctx, op)
	if err != nil || kept == nil {
		return nil, err
	}
	if kept.Input != op.Input || kept.Mutation != op.Mutation {
		return nil, keyReused()
	}
	return &kept.Outcome, nil
}

// decided is what a deciding transaction did: the invitation as it is now, the channel if the transaction has made it,
// and the steps that follow. Where it only found what had been decided before, repeated is set: then the objects are to
// be read anew, and the steps may still be open.
type decided struct {
	outcome    Outcome
	home       ids.Group // the group whose rows live where the channel does
	invitation *Invitation
	channel    *SharedChannel
	steps      []Step
	repeated   bool
}

// findChannel completes the outcome of an earlier decision about an invitation, which was kept without its channel.
func (d *decided) findChannel(ctx context.Context, tx MainTx) error {
	var err error
	d.outcome.Channel, d.home, err = tx.ChannelOf(ctx, d.outcome.Invitation)
	return err
}

// own is where the viewer's group hears of what was decided about an invitation.
func (d *decided) own(v *Viewer) Destination {
	if v.Group.ID == d.home {
		return toChannel(d.outcome.Channel)
	}
	return toGroup(v.Group.ID)
}

// drive begins to deliver what a decision left to do.
func (s *Service) drive(ctx context.Context, d decided, subject [16]byte) (Underway, error) {
	if d.repeated {
		return s.Outbox.Settle(ctx, subject)
	}
	return s.Outbox.Drive(ctx, d.steps), nil
}

// finish delivers what a decision about a channel left to do, as far as the answer needs it, and a moment longer.
func (s *Service) finish(ctx context.Context, d decided, required ...Destination) error {
	steps, err := s.drive(ctx, d, d.outcome.Channel.Bytes())
	if err == nil {
		err = steps.Wait(ctx, required...)
	}
	if err == nil {
		steps.Linger(ctx)
	}
	return err
}

func toChannel(id ids.Channel) Destination { return Destination{Channel: id} }
func toGroup(id ids.Group) Destination     { return Destination{Group: id} }

// about returns a step about a channel, with the invitation as the group that hears of it may know it.
func about(in *Invitation, hears ids.Group, op ids.Op, to Destination, kind StepKind, effect Effect) Step {
	effect.Invitation = in.shownTo(hears)
	return Step{Stream: Stream{Subject: in.ChannelID.Bytes(), Destination: to}, Op: op, Kind: kind.to(to), Effect: effect}
}

// channelAndInvitation reads both anew, as the viewer sees them, for a payload.
func (s *Service) channelAndInvitation(ctx context.Context, v *Viewer, o Outcome) (*SharedChannel, *Invitation, error) {
	var channel *SharedChannel
	var channelErr error
	var reading sync.WaitGroup
	reading.Go(func() { channel, channelErr = s.channel(ctx, v, o.Channel) })
	in, err := s.invitation(ctx, v, o.Invitation)
	reading.Wait()
	if err = errors.Join(channelErr, err); err != nil {
		return nil, nil, err
	}
	return channel, in, nil
}
