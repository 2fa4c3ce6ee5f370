package channel

import (
	"context"

	"linkspan/internal/ids"
)

// expireBatch is how many overdue invitations one transaction moves.
const expireBatch = 100

// ExpireDue moves overdue invitations to EXPIRED and tells both sides. Nobody depends on when it runs: an overdue
// invitation can't be accepted and is shown as EXPIRED all along. It returns how many it moved; as many as a batch has
// means that there may be more. Several processes may run it at once. It claims no operation: run again after a commit
// whose outcome is unknown, it finds what is still overdue.
func (s *Service) ExpireDue(ctx context.Context) (moved int, err error) {
	var steps []Step
	op := ids.NewOp()
	err = s.Main.Decide(ctx, func(ctx context.Context, tx MainTx) error {
		ended, err := tx.ExpireInvitations(ctx, expireBatch)
		if err != nil || len(ended) == 0 {
			steps = nil
			return err
		}
		if steps, err = closeSteps(ctx, tx, op, ended); err != nil {
			return err
		}
		return tx.AppendSteps(ctx, steps)
	})
	if err != nil || len(steps) == 0 {
		return 0, err
	}
	s.Outbox.Drive(ctx, steps).Linger(ctx)
	return len(steps) / 2, nil
}

// freeOverdue ends the channel of the group that has the name if its invitation is overdue, and returns the steps of that.
func freeOverdue(ctx context.Context, tx MainTx, op ids.Op, group ids.Group, name string) ([]Step, error) {
	ended, err := tx.ExpireNameHolder(ctx, group, NameKey(name))
	if err != nil || len(ended) == 0 {
		return nil, err
	}
	return closeSteps(ctx, tx, op, ended)
}
