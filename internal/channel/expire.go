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
		overdue, err := tx.LockOverdue(ctx, expireBatch)
		if moved = len(overdue); err != nil || moved == 0 {
			return err
		}
		if steps, err = expire(ctx, tx, op, overdue); err != nil {
			return err
		}
		return tx.AppendSteps(ctx, steps)
	})
	if err != nil || moved == 0 {
		return 0, err
	}
	s.Outbox.Drive(ctx, steps).Linger(ctx)
	return moved, nil
}

// freeOverdue ends the overdue invitations to the channel of the group that has the name, and returns the steps of that. If nobody else is
// asked, the channel is closed with them, and the name is free.
func freeOverdue(ctx context.Context, tx MainTx, op ids.Op, group ids.Group, name string) ([]Step, error) {
	overdue, err := tx.LockNameHolder(ctx, group, NameKey(name))
	if err != nil {
		return nil, err
	}
	return expire(ctx, tx, op, overdue)
}

// expire moves invitations that are overdue to EXPIRED, and returns the steps by which both sides get to know.
func expire(ctx context.Context, tx MainTx, op ids.Op, overdue []*Facts) (steps []Step, err error) {
	for _, f := range overdue {
		m := f.move(op, DeedExpire, nil, verdict{next: InvitationExpired, rule: RuleTime}, nil)
		f.end(m)
		if err := tx.Write(ctx, m); err != nil {
			return nil, err
		}
		steps = append(steps, ended(f, m)...)
	}
	return steps, nil
}
