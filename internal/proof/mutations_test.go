package proof_test

import (
	"context"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// request is what a mutation of a channel's life is asked with; which of it, is up to the mutation.
type request struct {
	by         *channel.Viewer
	key, name  *string // nil: none
	target     channel.GroupSelector
	invitation ids.Invitation
	channel    ids.Channel
	group      ids.Group
	version    int
}

// payload is what such a mutation answers.
type payload struct {
	made        *channel.SharedChannel
	in          *channel.Invitation
	changedFrom *string
	refusals    []channel.UserError
}

// mutations are those of a channel's life, by the verbs that they are.
var mutations = map[verb]func(ctx context.Context, s *channel.Service, r request) (payload, error){
	create: func(ctx context.Context, s *channel.Service, r request) (payload, error) {
		p, err := s.CreateSharedChannel(ctx, r.by, channel.CreateSharedChannelInput{Target: r.target, Name: *r.name, IdempotencyKey: r.key})
		if err != nil {
			return payload{}, err
		}
		return payload{made: p.SharedChannel, in: p.Invitation, refusals: p.Errors}, nil
	},
	accept: func(ctx context.Context, s *channel.Service, r request) (payload, error) {
		p, err := s.AcceptSharedChannel(ctx, r.by, channel.AcceptSharedChannelInput{
			InvitationID: r.invitation, Name: r.name, IdempotencyKey: r.key,
		})
		if err != nil {
			return payload{}, err
		}
		return payload{p.SharedChannel, p.Invitation, p.NameChangedFrom, p.Errors}, nil
	},
	decline: func(ctx context.Context, s *channel.Service, r request) (payload, error) {
		p, err := s.DeclineInvitation(ctx, r.by, channel.DeclineInvitationInput{InvitationID: r.invitation, IdempotencyKey: r.key})
		if err != nil {
			return payload{}, err
		}
		return payload{in: p.Invitation, refusals: p.Errors}, nil
	},
	approve: func(ctx context.Context, s *channel.Service, r request) (payload, error) {
		p, err := s.ApproveInvitation(ctx, r.by, channel.ApproveInvitationInput{InvitationID: r.invitation, IdempotencyKey: r.key})
		if err != nil {
			return payload{}, err
		}
		return payload{made: p.SharedChannel, in: p.Invitation, refusals: p.Errors}, nil
	},
	deny: func(ctx context.Context, s *channel.Service, r request) (payload, error) {
		p, err := s.DenyInvitation(ctx, r.by, channel.DenyInvitationInput{InvitationID: r.invitation, IdempotencyKey: r.key})
		if err != nil {
			return payload{}, err
		}
		return payload{in: p.Invitation, refusals: p.Errors}, nil
	},
	revoke: func(ctx context.Context, s *channel.Service, r request) (payload, error) {
		p, err := s.RevokeInvitation(ctx, r.by, channel.RevokeInvitationInput{InvitationID: r.invitation, IdempotencyKey: r.key})
		if err != nil {
			return payload{}, err
		}
		return payload{in: p.Invitation, refusals: p.Errors}, nil
	},
}

// decides are the states to which verbs move an invitation for good, unless an approval is awaited.
var decides = map[verb]channel.InvitationState{
	accept: channel.InvitationAccepted, decline: channel.InvitationDeclined, revoke: channel.InvitationRevoked, deny: channel.InvitationDenied,
}
