package resolvers

import (
	"context"

	"linkspan/internal/channel"
)

func (s subscription) ChannelActivity(ctx context.Context) (<-chan *channel.ChannelActivity, error) {
	activity, err := s.service.ChannelActivity(ctx, channel.ViewerFrom(ctx))
	if err != nil {
		return nil, err
	}
	return pull(ctx, activity), nil
}
