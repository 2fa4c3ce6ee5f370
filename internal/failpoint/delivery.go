package failpoint

import (
	"context"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/outbox"
)

// kindOf names the kind of a destination.
func kindOf(d channel.Destination) string {
	if d.Channel.IsZero() {
		return "group"
	}
	return "channel"
}

// Shards puts points around each step that takes effect on a shard.
func Shards(inner channel.Shards, at At) channel.Shards { return shardsPort{inner, at} }

type shardsPort struct {
	channel.Shards
	at At
}

// Apply implements [channel.Shards].
func (s shardsPort) Apply(
	ctx context.Context, step channel.Step, plan func(tx channel.ShardTx),
) ([]channel.Appended, error) {
	point := "apply/" + string(step.Kind) + "/" + kindOf(step.Stream.Destination)
	s.at(point + before)
	appended, err := s.Shards.Apply(ctx, step, func(tx channel.ShardTx) {
		plan(tx)
		s.at(point + planned)
	})
	if err == nil {
		s.at(point + after)
	}
	return appended, err
}

// DeleteOutdated implements [channel.Shards].
func (s shardsPort) DeleteOutdated(ctx context.Context, side ids.Side, limit int) (channel.DeletedOutdated, error) {
	s.at("deleteOutdated" + before)
	cleared, err := s.Shards.DeleteOutdated(ctx, side, limit)
	if err == nil {
		s.at("deleteOutdated" + after)
	}
	return cleared, err
}

// Store puts points around what the outbox keeps in main.
func Store(inner outbox.Store, at At) outbox.Store { return storePort{inner, at} }

type storePort struct {
	outbox.Store
	at At
}

// ClaimDue implements [outbox.Store]. A relay asks all the time; only a claim has a point behind it.
func (s storePort) ClaimDue(ctx context.Context, limit int, lease time.Duration) ([]outbox.Claim, error) {
	s.at("outbox/ClaimDue" + before)
	claims, err := s.Store.ClaimDue(ctx, limit, lease)
	for _, claim := range claims {
		s.at("outbox/ClaimDue/" + string(claim.Step.Kind) + after)
	}
	return claims, err
}

// Complete implements [outbox.Store]: a point for each step, for which of them are noted together is chance.
func (s storePort) Complete(ctx context.Context, steps []channel.Step) error {
	s.each(steps, before)
	err := s.Store.Complete(ctx, steps)
	if err == nil {
		s.each(steps, after)
	}
	return err
}

func (s storePort) each(steps []channel.Step, side string) {
	for _, step := range steps {
		s.at("outbox/Complete/" + string(step.Kind) + side)
	}
}

// Defer implements [outbox.Store].
func (s storePort) Defer(ctx context.Context, stream channel.Stream, pause time.Duration) error {
	point := "outbox/Defer/" + kindOf(stream.Destination)
	s.at(point + before)
	err := s.Store.Defer(ctx, stream, pause)
	if err == nil {
		s.at(point + after)
	}
	return err
}
