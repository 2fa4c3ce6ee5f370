package channel

import (
	"context"

	"linkspan/internal/ids"
)

// DeclineInvitation says no for the invited group. Declining what the group has declined already is success.
func (s *Service) DeclineInvitation(ctx context.Context, v *Viewer, in DeclineInvitationInput) (*DeclineInvitationPayload, error) {
	invitation, refusals, err := s.end(ctx, v, in.IdempotencyKey, "declineInvitation", mayDecide, in.Reason, toGroup(v.Group.ID), Resolution{
		Invitation: in.InvitationID, To: v.Group.ID, State: InvitationDeclined,
	})
	return &DeclineInvitationPayload{Invitation: invitation, Errors: refusals}, err
}

// RevokeInvitation takes an invitation back for the group that sent it. Revoking again is success.
func (s *Service) RevokeInvitation(ctx context.Context, v *Viewer, in RevokeInvitationInput) (*RevokeInvitationPayload, error) {
	r := Resolution{Invitation: in.InvitationID, From: v.Group.ID, State: InvitationRevoked}
	if v.Role != RoleAdmin {
		r.SentBy = v.User.ID
	}
	invitation, refusals, err := s.end(ctx, v, in.IdempotencyKey, "revokeInvitation", mayRevoke, in.Reason, Destination{}, r)
	return &RevokeInvitationPayload{Invitation: invitation, Errors: refusals}, err
}

// end moves an invitation to a state from which nothing follows and closes its channel. It answers when the viewer's
// own cluster has it: home, or where that is zero the channel's.
func (s *Service) end(
	ctx context.Context, v *Viewer, key *string, mutation string, may func(*Invitation, *Viewer) UserError,
	reason *string, home Destination, r Resolution,
) (*Invitation, []UserError, error) {
	d, err := s.endInvitation(ctx, v, key, mutation, may, reason, r)
	if err == nil {
		if home == (Destination{}) {
			home = toChannel(d.outcome.Channel)
		}
		err = s.finish(ctx, d, home)
	}
	if err != nil {
		refusals, err := s.refused(err)
		return nil, refusals, err
	}
	if d.repeated {
		in, err := s.invitation(ctx, v, r.Invitation)
		return in, nil, err
	}
	return d.invitation, nil, nil
}

func (s *Service) endInvitation(
	ctx context.Context, v *Viewer, key *string, mutation string, may func(*Invitation, *Viewer) UserError,
	reason *string, r Resolution,
) (d decided, err error) {
	if r.Reason, err = cleanText(reason, "reason"); err != nil {
		return d, err
	}
	r.By = v.User
	op, err := newOperation(v, mutation, r.Invitation.String(), key, []any{r.Reason})
	if err != nil {
		return d, err
	}
	op.Outcome.Invitation = r.Invitation

	err = s.Main.Decide(ctx, func(ctx context.Context, tx MainTx) error {
		d = decided{outcome: op.Outcome}
		if kept, err := claim(ctx, tx, op); err != nil {
			return err
		} else if kept != nil {
			d = decided{outcome: *kept, repeated: true}
			return d.findChannel(ctx, tx)
		}
		in, changed, err := resolve(ctx, tx, v, may, r)
		if err != nil {
			return err
		}
		d.outcome.Channel, d.invitation, d.repeated = in.ChannelID, &in, !changed
		if !changed {
			return nil
		}
		if d.steps, err = closeSteps(ctx, tx, op.ID, []Invitation{in}); err != nil {
			return err
		}
		return tx.AppendSteps(ctx, d.steps)
	})
	return d, err
}

// closeSteps closes the channels of invitations that have just ended, and returns the steps by which both sides get
// to know.
func closeSteps(ctx context.Context, tx MainTx, op ids.Op, ended []Invitation) ([]Step, error) {
	channels := make([]ids.Channel, len(ended))
	for i := range ended {
		channels[i] = ended[i].ChannelID
	}
	links, err := tx.CloseChannels(ctx, channels)
	if err != nil {
		return nil, err
	}
	steps := make([]Step, 0, 2*len(ended))
	for i := range ended {
		in := &ended[i]
		steps = append(steps,
			about(in, op, toChannel(in.ChannelID), StepCloseChannel, Effect{Link: &links[i]}),
			about(in, op, toGroup(in.ToGroup.ID), StepChangeInvitation, Effect{}))
	}
	return steps, nil
}
