package resolvers

import (
	"context"

	"linkspan/internal/channel"
)

func (q query) Group(ctx context.Context, handle string) (*channel.Group, error) {
	return q.service.Group(ctx, handle)
}

func (m mutation) RegisterGroup(
	ctx context.Context, input channel.RegisterGroupInput,
) (*channel.RegisterGroupPayload, error) {
	return m.service.RegisterGroup(ctx, channel.ViewerFrom(ctx), input)
}
