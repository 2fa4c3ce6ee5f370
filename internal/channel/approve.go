package channel

import "context"

// ApproveInvitation gives the approval of the viewer's group that an invitation waits for: the sender's group's lets it be sent, and the last that is
// awaited behind a yes links the invited group with the channel. Approving again is success.
func (s *Service) ApproveInvitation(ctx context.Context, v *Viewer, in ApproveInvitationInput) (*ApproveInvitationPayload, error) {
	op, err := newOperation(v, "approveInvitation", in.InvitationID.String(), in.IdempotencyKey, nil)
	var d decided
	if err == nil {
		d, err = s.decide(ctx, v, DeedApprove, in.InvitationID, op, nil, s.agreeing(nil))
	}
	var channel *SharedChannel
	var invitation *Invitation
	if err == nil {
		channel, invitation, err = s.agreedOn(ctx, v, d)
	}
	if err != nil {
		refusals, err := s.refusedTo(ctx, v, attempt{deed: DeedApprove, invitation: in.InvitationID}, err)
		return &ApproveInvitationPayload{Errors: refusals}, err
	}
	return &ApproveInvitationPayload{Invitation: invitation, SharedChannel: channel}, nil
}

// DenyInvitation refuses the approval of the viewer's group that an invitation waits for, and so ends it. Denying again is success.
func (s *Service) DenyInvitation(ctx context.Context, v *Viewer, in DenyInvitationInput) (*DenyInvitationPayload, error) {
	invitation, refusals, err := s.end(ctx, v, DeedDeny, "denyInvitation", in.InvitationID, in.IdempotencyKey, in.Reason)
	return &DenyInvitationPayload{Invitation: invitation, Errors: refusals}, err
}
