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
// again is success; a group that is blocked has to be unblocked first.
func (s *Service) TrustGroup(ctx context.Context, v *Viewer, in TrustGroupInput) (*TrustGroupPayload, error) {
	return s.says(ctx, v, stanceChange{"trustGroup", DeedTrust, onlyAdminsTrust, func(stance *Stance) error {
		if stance.Blocked {
			return unblockFirst("target")
		}
		stance.Trusted = true
		return nil
	}}, in)
}

// UntrustGroup takes trust back, for admins. What is linked stays so. Repeating it is success.
func (s *Service) UntrustGroup(ctx context.Context, v *Viewer, in UntrustGroupInput) (*UntrustGroupPayload, error) {
	payload, err := s.says(ctx, v, stanceChange{"untrustGroup", DeedUntrust, onlyAdminsTrust, func(stance *Stance) error {
		stance.Trusted = false
		return nil
	}}, TrustGroupInput(in))
	return (*UntrustGroupPayload)(payload), err
}

const onlyAdminsTrust = "Only admins of a group say whom it trusts."

// stanceChange is a way to change what a group thinks of another.
type stanceChange struct {
	mutation string
	deed     Deed
	refusal  string                     // of those who are no admins
	apply    func(stance *Stance) error // an error refuses it
}

// blocks reports whether it is about blocking, of which the group's own cluster hears.
func (change stanceChange) blocks() bool {
	return change.deed == DeedBlock || change.deed == DeedUnblock
}

// says changes what the viewer's group thinks of another. It answers when the group's own cluster has it, where that hears of it.
func (s *Service) says(ctx context.Context, v *Viewer, change stanceChange, in TrustGroupInput) (*TrustGroupPayload, error) {
	var target Group
	var d decided
	err := ownAdmin(v, change.refusal)
	var op Operation
	if err == nil {
		op, err = newOperation(v, change.mutation, v.Group.ID.String(), in.IdempotencyKey, []any{in.Target.Handle, in.Target.ID})
	}
	if err == nil {
		err = s.Main.Decide(ctx, func(ctx context.Context, tx MainTx) (err error) {
			d = decided{outcome: op.Outcome}
			target, err = s.said(ctx, tx, v, op, change, in.Target, &d)
			return err
		})
	}
	if err == nil && change.blocks() {
		err = s.finishOwn(ctx, v, d)
	}
	if err != nil {
		refusals, err := s.refusedTo(ctx, v, attempt{deed: change.deed, target: &in.Target}, err)
		return &TrustGroupPayload{Errors: refusals}, err
	}
	return &TrustGroupPayload{Group: &target}, nil
}

func (s *Service) said(ctx context.Context, tx MainTx, v *Viewer, op Operation, change stanceChange, by GroupSelector, d *decided) (target Group, err error) {
	kept, err := claim(ctx, tx, op)
	if err != nil {
		return target, err
	}
	d.repeated = kept != nil
	if target, err = findTarget(ctx, tx, v, by); err != nil || d.repeated {
		return target, err
	}
	at, before, err := tx.Stance(ctx, v.Group.ID, target.ID)
	if err != nil {
		return target, err
	}
	stance := before
	if err := change.apply(&stance); err != nil {
		return target, err
	}
	if d.repeated = stance == before; d.repeated {
		return target, nil
	}
	stance.Version++
	if stance.Blocked != before.Blocked {
		d.steps = []Step{blockingStep(op, v.Group.ID, Blocking{Other: target, Version: stance.Version, Blocked: stance.Blocked})}
	}
	if err := tx.SaveStance(ctx, Decision{op.ID, change.deed, at, v.User}, target.ID, stance); err != nil {
		return target, err
	}
	return target, tx.AppendSteps(ctx, d.steps)
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
