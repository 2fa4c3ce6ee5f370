package channel

import (
	"context"

	"linkspan/internal/ids"
)

// BlockGroupInput is the input of Mutation.blockGroup.
type BlockGroupInput TrustGroupInput

// UnblockGroupInput is the input of Mutation.unblockGroup.
type UnblockGroupInput TrustGroupInput

// BlockGroupPayload is the answer of Mutation.blockGroup.
type BlockGroupPayload TrustGroupPayload

// UnblockGroupPayload is the answer of Mutation.unblockGroup.
type UnblockGroupPayload TrustGroupPayload

// BlockGroup has the viewer's group see nothing of what another asks, and be linked with it by no invitation, for admins. To the other all looks as
// if nobody answered. What is linked stays so, and trust ends. Blocking again is success.
func (s *Service) BlockGroup(ctx context.Context, v *Viewer, in BlockGroupInput) (*BlockGroupPayload, error) {
	payload, err := s.says(ctx, v, stanceChange{"blockGroup", DeedBlock, onlyAdminsBlock, func(stance *Stance) error {
		stance.Trusted, stance.Blocked = false, true
		return nil
	}}, TrustGroupInput(in))
	return (*BlockGroupPayload)(payload), err
}

// UnblockGroup ends a block, for admins: what the other group asked and can still be answered comes into the inbox. Repeating it is success.
func (s *Service) UnblockGroup(ctx context.Context, v *Viewer, in UnblockGroupInput) (*UnblockGroupPayload, error) {
	payload, err := s.says(ctx, v, stanceChange{"unblockGroup", DeedUnblock, onlyAdminsBlock, func(stance *Stance) error {
		stance.Blocked = false
		return nil
	}}, TrustGroupInput(in))
	return (*UnblockGroupPayload)(payload), err
}

const onlyAdminsBlock = "Only admins of a group say whom it blocks."

// unblockFirst refuses what an own block is against.
func unblockFirst(field string) UserError {
	return ruledOut(RuleBlocked, "Your group blocks that group: unblock it first.", field)
}

// Blocking says whether a group blocks another, since which version of what it thinks of it.
type Blocking struct {
	Other   Group `json:"other"`
	Version int32 `json:"version"`
	Blocked bool  `json:"blocked"`
}

// blockingStep brings whether a group blocks another to the group's own cluster. There is one for each turn.
func blockingStep(op Operation, group ids.Group, b Blocking) Step {
	return Step{
		Stream: Stream{Subject: group.Bytes(), Destination: toGroup(group)}, Op: op.ID, Kind: StepSaveStance, Effect: Effect{Blocking: &b},
	}
}

// plan says what the step changes for the group that blocks, or does no longer.
func (b *Blocking) plan(tx ShardTx, group ids.Group) {
	tx.SaveBlocking(group, b)
	if b.Blocked {
		tx.AppendInbox(group, LogEvent{Kind: EventGroupBlocked, Group: b.Other})
	} else {
		tx.ReceiveAgain(group, b.Other.ID)
	}
}

// isHidden reports whether the group sees nothing of the invitation, because it blocks who asks.
func (f *Facts) isHidden(group ids.Group) bool {
	return group == f.Invitation.ToGroup.ID && f.To.Stance.Blocked && f.Invitation.State != InvitationAccepted
}

// finishOwn delivers what an admin's decision about the own group left to do, and returns when the group's own cluster has it.
func (s *Service) finishOwn(ctx context.Context, v *Viewer, d decided) error {
	steps, err := s.drive(ctx, d, v.Group.ID.Bytes())
	if err == nil {
		err = steps.Wait(ctx, toGroup(v.Group.ID))
	}
	return err
}
