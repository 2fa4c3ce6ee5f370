package channel

import (
	"context"
	"errors"

	"linkspan/internal/ids"
)

// ownAdmin refuses those who are no admins of a group.
func ownAdmin(v *Viewer, message string) error {
	if v.Operator || v.Role != RoleAdmin {
		return notAllowed(message)
	}
	return nil
}

// TrustGroupInput is the input of Mutation.trustGroup.
type TrustGroupInput struct {
	Target         GroupSelector
	IdempotencyKey *string
}

// UntrustGroupInput is the input of Mutation.untrustGroup.
type UntrustGroupInput TrustGroupInput

// TrustGroupPayload is the answer of Mutation.trustGroup.
type TrustGroupPayload struct {
	Group  *Group
	Errors []UserError
}

// UntrustGroupPayload is the answer of Mutation.untrustGroup.
type UntrustGroupPayload TrustGroupPayload

// TrustGroup has the viewer's group ask for no approval of its own towards another, for admins. It changes nothing for the other group. Trusting
// again is success.
func (s *Service) TrustGroup(ctx context.Context, v *Viewer, in TrustGroupInput) (*TrustGroupPayload, error) {
	return s.trust(ctx, v, "trustGroup", DeedTrust, true, in)
}

// UntrustGroup takes trust back, for admins. What is linked stays so. Repeating it is success.
func (s *Service) UntrustGroup(ctx context.Context, v *Viewer, in UntrustGroupInput) (*UntrustGroupPayload, error) {
	payload, err := s.trust(ctx, v, "untrustGroup", DeedUntrust, false, TrustGroupInput(in))
	return (*UntrustGroupPayload)(payload), err
}

func (s *Service) trust(ctx context.Context, v *Viewer, mutation string, deed Deed, trusted bool, in TrustGroupInput) (*TrustGroupPayload, error) {
	var target Group
	err := ownAdmin(v, "Only admins of a group say whom it trusts.")
	var op Operation
	if err == nil {
		op, err = newOperation(v, mutation, v.Group.ID.String(), in.IdempotencyKey, []any{in.Target.Handle, in.Target.ID})
	}
	if err == nil {
		err = s.Main.Decide(ctx, func(ctx context.Context, tx MainTx) (err error) {
			target, err = s.trusted(ctx, tx, v, op, deed, trusted, in.Target)
			return err
		})
	}
	if err != nil {
		refusals, err := s.refused(err)
		return &TrustGroupPayload{Errors: refusals}, err
	}
	return &TrustGroupPayload{Group: &target}, nil
}

func (s *Service) trusted(ctx context.Context, tx MainTx, v *Viewer, op Operation, deed Deed, trusted bool, by GroupSelector) (target Group, err error) {
	kept, err := claim(ctx, tx, op)
	if err != nil {
		return target, err
	}
	if target, err = findTarget(ctx, tx, v, by); err != nil || kept != nil {
		return target, err
	}
	at, stance, err := tx.Stance(ctx, v.Group.ID, target.ID)
	if err != nil || stance.Trusted == trusted {
		return target, err
	}
	stance.Version++
	stance.Trusted = trusted
	return target, tx.SaveStance(ctx, Decision{op.ID, deed, at, v.User}, target.ID, stance)
}

// findTarget returns the other group that a viewer names.
func findTarget(ctx context.Context, tx MainTx, v *Viewer, by GroupSelector) (Group, error) {
	target, err := tx.FindGroup(ctx, by)
	return target, unlessOther(v.Group.ID, target, err)
}

// unlessOther refuses a group that was not found, and the viewer's own.
func unlessOther(own ids.Group, target Group, err error) error {
	switch {
	case errors.Is(err, ErrNotFound):
		return groupNotFound()
	case err != nil:
		return err
	case target.ID == own:
		return selfInvitation()
	}
	return nil
}
