package resolvers

import (
	"context"

	"linkspan/internal/channel"
)

func (q query) CanShare(ctx context.Context, target channel.GroupSelector) (*channel.SharingAnswer, error) {
	return q.service.CanShare(ctx, channel.ViewerFrom(ctx), target)
}

func (m mutation) SetSharingPolicy(
	ctx context.Context, input channel.SetSharingPolicyInput,
) (*channel.SetSharingPolicyPayload, error) {
	return m.service.SetSharingPolicy(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) TrustGroup(ctx context.Context, input channel.TrustGroupInput) (*channel.TrustGroupPayload, error) {
	return m.service.TrustGroup(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) UntrustGroup(ctx context.Context, input channel.UntrustGroupInput) (*channel.UntrustGroupPayload, error) {
	return m.service.UntrustGroup(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) BlockGroup(ctx context.Context, input channel.BlockGroupInput) (*channel.BlockGroupPayload, error) {
	return m.service.BlockGroup(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) UnblockGroup(ctx context.Context, input channel.UnblockGroupInput) (*channel.UnblockGroupPayload, error) {
	return m.service.UnblockGroup(ctx, channel.ViewerFrom(ctx), input)
}

func (r viewer) SharingPolicy(ctx context.Context, v *channel.Viewer) (*channel.Sharing, error) {
	return r.service.SharingPolicy(ctx, v)
}
