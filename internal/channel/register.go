package channel

import (
	"context"

	"linkspan/internal/ids"
)

// RegisterGroup registers a group; operators only. It answers when the group's inbox log is there too.
func (s *Service) RegisterGroup(ctx context.Context, v *Viewer, in RegisterGroupInput) (*RegisterGroupPayload, error) {
	return s.RegisterGroupAs(ctx, v, ids.NewGroup(), in)
}

// RegisterGroupAs is RegisterGroup under an id that the caller has made and no group has: it says where the group's data
// lives.
func (s *Service) RegisterGroupAs(ctx context.Context, v *Viewer, id ids.Group, in RegisterGroupInput) (*RegisterGroupPayload, error) {
	group, err := s.registerGroup(ctx, v, id, in)
	if err != nil {
		refusals, err := s.refused(err)
		return &RegisterGroupPayload{Errors: refusals}, err
	}
	return &RegisterGroupPayload{Group: &group}, nil
}

func (s *Service) registerGroup(ctx context.Context, v *Viewer, id ids.Group, in RegisterGroupInput) (Group, error) {
	if !v.Operator {
		return Group{}, notAllowed("Only operators register groups.")
	}
	group := Group{ID: id, Handle: in.Handle}
	if !HandlePattern.MatchString(in.Handle) {
		return Group{}, invalidInput("A handle has 2 to 39 of a-z, 0-9 and '-', and does not begin with '-'.", "handle")
	}
	var err error
	if group.Name, err = cleanName(in.Name, "name"); err != nil {
		return Group{}, err
	}
	op, err := newOperation(v, "registerGroup", "", in.IdempotencyKey, []string{group.Handle, group.Name})
	if err != nil {
		return Group{}, err
	}
	op.Outcome.Group = group.ID

	var d decided
	err = s.Main.Decide(ctx, func(ctx context.Context, tx MainTx) error {
		d = decided{outcome: op.Outcome}
		if kept, err := claim(ctx, tx, op); err != nil {
			return err
		} else if kept != nil {
			d = decided{outcome: *kept, repeated: true}
			group, err = tx.FindGroup(ctx, GroupSelector{ID: &kept.Group})
			return err
		}
		if ok, err := tx.InsertGroup(ctx, group); err != nil {
			return err
		} else if !ok {
			return handleTaken(group.Handle)
		}
		d.steps = []Step{{
			Stream: Stream{Subject: group.ID.Bytes(), Destination: toGroup(group.ID)},
			Op:     op.ID, Kind: StepRegisterGroup, Effect: Effect{Group: &group},
		}}
		return tx.AppendSteps(ctx, d.steps)
	})
	if err != nil {
		return Group{}, err
	}
	steps, err := s.drive(ctx, d, group.ID.Bytes())
	if err == nil {
		err = steps.Wait(ctx, toGroup(group.ID))
	}
	return group, err
}
