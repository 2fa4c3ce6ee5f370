package resolvers

import (
	"context"

	"linkspan/internal/channel"
)

func (m mutation) CreateSharedChannel(
	ctx context.Context, input channel.CreateSharedChannelInput,
) (*channel.CreateSharedChannelPayload, error) {
	return m.service.CreateSharedChannel(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) AcceptSharedChannel(
	ctx context.Context, input channel.AcceptSharedChannelInput,
) (*channel.AcceptSharedChannelPayload, error) {
	return m.service.AcceptSharedChannel(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) LeaveSharedChannel(
	ctx context.Context, input channel.LeaveSharedChannelInput,
) (*channel.LeaveSharedChannelPayload, error) {
	return m.service.LeaveSharedChannel(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) RemoveGroup(
	ctx context.Context, input channel.RemoveGroupInput,
) (*channel.RemoveGroupPayload, error) {
	return m.service.RemoveGroup(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) LetGroupInvite(
	ctx context.Context, input channel.LetGroupInviteInput,
) (*channel.LetGroupInvitePayload, error) {
	return m.service.LetGroupInvite(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) UpdateChannelSide(
	ctx context.Context, input channel.UpdateChannelSideInput,
) (*channel.UpdateChannelSidePayload, error) {
	return m.service.UpdateChannelSide(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) AddChannelMember(
	ctx context.Context, input channel.AddChannelMemberInput,
) (*channel.AddChannelMemberPayload, error) {
	return m.service.AddChannelMember(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) RemoveChannelMember(
	ctx context.Context, input channel.RemoveChannelMemberInput,
) (*channel.RemoveChannelMemberPayload, error) {
	return m.service.RemoveChannelMember(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) OfferInitiatorTransfer(
	ctx context.Context, input channel.OfferInitiatorTransferInput,
) (*channel.OfferInitiatorTransferPayload, error) {
	return m.service.OfferInitiatorTransfer(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) AcceptInitiatorTransfer(
	ctx context.Context, input channel.AcceptInitiatorTransferInput,
) (*channel.AcceptInitiatorTransferPayload, error) {
	return m.service.AcceptInitiatorTransfer(ctx, channel.ViewerFrom(ctx), input)
}

type sharedChannel struct{ service *channel.Service }

func (r sharedChannel) Invitations(
	ctx context.Context, c *channel.SharedChannel, first *int32, after *string, last *int32, before *string,
) (*channel.InvitationConnection, error) {
	args := invitationArgs(ctx, first, after, last, before)
	return r.service.OpenInvitations(ctx, channel.ViewerFrom(ctx), c.ID, args)
}

func (r sharedChannel) Shard(ctx context.Context, c *channel.SharedChannel) (*channel.ChannelShard, error) {
	return r.service.Shard(channel.ViewerFrom(ctx), c), nil
}

type channelSide struct{ service *channel.Service }

func (r channelSide) Members(
	ctx context.Context, side *channel.ChannelSide, first *int32, after *string, last *int32, before *string,
) (*channel.UserConnection, error) {
	args := channel.PageArgs{First: first, After: after, Last: last, Before: before}
	return r.service.ShownMembers(ctx, channel.ViewerFrom(ctx), side, args)
}

type userConnection struct{}

func (userConnection) Nodes(ctx context.Context, p *channel.UserConnection) ([]*channel.User, error) {
	return nodesOf(ctx, p), nil
}

type sharedChannelConnection struct{}

func (sharedChannelConnection) Nodes(
	ctx context.Context, p *channel.SharedChannelConnection,
) ([]*channel.SharedChannel, error) {
	return nodesOf(ctx, p), nil
}
