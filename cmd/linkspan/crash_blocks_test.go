//go:build long

package main

const (
	blockDocument   = `mutation ($in: BlockGroupInput!) { answer: blockGroup(input: $in) { group { id } errors { code message } } }`
	unblockDocument = `mutation ($in: UnblockGroupInput!) { answer: unblockGroup(input: $in) { group { id } errors { code message } } }`
)

// says has the target block the initiator, or do so no longer. The answer has the invitation, which is the same all along.
func says(document string) func(r *crashRun) answer {
	return func(r *crashRun) answer {
		a := r.mutate(r.to, document, map[string]any{"target": map[string]any{"handle": r.from.handle}, "idempotencyKey": document[:40]})
		if a.err == nil && len(a.Refusals) == 0 {
			a.Invitation = &struct{ ID string }{r.invitation}
		}
		return a
	}
}

// heard makes the invitation, and waits until the target has heard of it.
func heard(r *crashRun) error {
	if err := created(r); err != nil {
		return err
	}
	return within(crashPatience, func() error {
		log, err := r.log(r.to, crashShards[1])
		if err == nil {
			err = r.ears[1].hasHeard(log)
		}
		if err == nil && len(log) == 0 {
			err = errNothingHeard
		}
		return err
	})
}

// silenced makes the invitation, and has the target block who sent it.
func silenced(r *crashRun) error {
	if err := heard(r); err != nil {
		return err
	}
	return says(blockDocument)(r).failed()
}
