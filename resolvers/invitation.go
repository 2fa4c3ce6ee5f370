package resolvers

import (
	"context"

	"linkspan/internal/channel"
)

func (m mutation) DeclineInvitation(
	ctx context.Context, input channel.DeclineInvitationInput,
) (*channel.DeclineInvitationPayload, error) {
	return m.service.DeclineInvitation(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) RevokeInvitation(
	ctx context.Context, input channel.RevokeInvitationInput,
) (*channel.RevokeInvitationPayload, error) {
	return m.service.RevokeInvitation(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) ApproveInvitation(
	ctx context.Context, input channel.ApproveInvitationInput,
) (*channel.ApproveInvitationPayload, error) {
	return m.service.ApproveInvitation(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) DenyInvitation(
	ctx context.Context, input channel.DenyInvitationInput,
) (*channel.DenyInvitationPayload, error) {
	return m.service.DenyInvitation(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) InviteGroup(ctx context.Context, input channel.InviteGroupInput) (*channel.InviteGroupPayload, error) {
	return m.service.InviteGroup(ctx, channel.ViewerFrom(ctx), input)
}

type invitation struct{ service *channel.Service }

func (r invitation) SharedChannel(ctx context.Context, in *channel.Invitation) (*channel.SharedChannel, error) {
	return r.service.ChannelOf(ctx, channel.ViewerFrom(ctx), in)
}

func (r invitation) Previous(ctx context.Context, in *channel.Invitation) (*channel.Invitation, error) {
	return r.service.PreviousOf(ctx, channel.ViewerFrom(ctx), in)
}

func (r invitation) ViewerCanAccept(ctx context.Context, in *channel.Invitation) (bool, error) {
	return in.CanAccept(channel.ViewerFrom(ctx)), nil
}

func (r invitation) ViewerCanDecline(ctx context.Context, in *channel.Invitation) (bool, error) {
	return in.CanDecline(channel.ViewerFrom(ctx)), nil
}

func (r invitation) ViewerCanRevoke(ctx context.Context, in *channel.Invitation) (bool, error) {
	return in.CanRevoke(channel.ViewerFrom(ctx)), nil
}

func (r invitation) ViewerCanApprove(ctx context.Context, in *channel.Invitation) (bool, error) {
	return in.CanApprove(channel.ViewerFrom(ctx)), nil
}

func (r invitation) ViewerCanDeny(ctx context.Context, in *channel.Invitation) (bool, error) {
	return in.CanDeny(channel.ViewerFrom(ctx)), nil
}

func (r invitation) Waiting(ctx context.Context, in *channel.Invitation) ([]channel.Actor, error) {
	return in.Waiting(channel.ViewerFrom(ctx).Group.ID), nil
}

type invitationConnection struct{}

func (invitationConnection) Nodes(ctx context.Context, c *channel.InvitationConnection) ([]*channel.Invitation, error) {
	return nodesOf(ctx, &c.Page), nil
}
