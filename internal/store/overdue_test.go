package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"linkspan/internal/channel"
	"linkspan/internal/outbox"
)

// service is the domain over the world's clusters, without a relay: requests deliver their own steps.
func (w *world) service() *channel.Service {
	relay := outbox.NewRelay(w.Store, w.deliverer.Deliver, slog.New(slog.DiscardHandler))
	return &channel.Service{Main: w.Store, Shards: w.Store, Outbox: relay, InvitationTTL: time.Hour, Logger: slog.Default()}
}

// createAgain creates a channel of a name that an overdue one holds.
func (w *world) createAgain(s *channel.Service, name string) error {
	ana := &channel.Viewer{User: w.user(w.acme, "ana"), Group: w.acme, Role: channel.RoleMember}
	payload, err := s.CreateSharedChannel(w.t.Context(), ana, channel.CreateSharedChannelInput{
		Target: channel.GroupSelector{ID: &w.globex.ID}, Name: name,
	})
	if err == nil && len(payload.Errors) > 0 {
		err = fmt.Errorf("refused: %+v", payload.Errors[0])
	}
	return err
}

// However many invitations of the group are overdue, and for longer, the name is free.
func TestNameOfTheNewestOverdueIsFree(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		for n := range 120 {
			_, steps, _ := w.create(fmt.Sprintf("older %d", n), time.Microsecond)
			w.deliver(steps[0])
		}
		_, steps, _ := w.create("launch", time.Microsecond)
		w.deliver(steps[0])
		if err := w.createAgain(w.service(), "Launch"); err != nil {
			t.Error(err)
		}
	})
}

// A sweep is just writing that the holder of the name is overdue: whoever wants the name waits for it and gets it.
func TestNameIsFreeWhileASweepIsAtWork(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		in, steps, _ := w.create("launch", time.Microsecond)
		w.deliver(steps[0])
		marked, closing, swept := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			swept <- w.decide(func(ctx context.Context, tx channel.MainTx) error {
				overdue, err := tx.LockOverdue(ctx, 10)
				if err != nil || len(overdue) != 1 || overdue[0].Invitation.ID != in.ID {
					return errors.Join(err, fmt.Errorf("%d invitations are overdue", len(overdue)))
				}
				close(marked)
				<-closing
				m := moved(overdue[0], channel.InvitationExpired)
				closed := overdue[0].Channel.Initiator
				closed.State, closed.LinkedAt = channel.LinkClosed, nil
				closed.Version++
				m.Links, m.Channel = []channel.Link{closed}, channel.ChannelClosed
				return tx.Write(ctx, m)
			})
		}()
		select {
		case <-marked:
		case err := <-swept:
			t.Fatal(err)
		}
		created := make(chan error, 1)
		go func() { created <- w.createAgain(w.service(), "launch") }()
		w.untilSomebodyWaits()
		close(closing)
		if err := errors.Join(<-swept, <-created); err != nil {
			t.Error(err)
		}
	})
}

// Who has a channel locked gets a name's holder only if that is due and nobody has it locked: it waits for none, and comes again where somebody has.
func TestDueNameHolderIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		open, steps, _ := w.create("open", time.Hour)
		w.deliver(steps[0])
		due, steps, _ := w.create("due", time.Microsecond)
		w.deliver(steps[0])
		half, steps, _ := w.create("half due", time.Microsecond)
		w.deliver(steps[0])
		_, err := w.router.Main().Pool().Exec(t.Context(), `
			INSERT INTO linkspan_main.invitation SELECT another.* FROM linkspan_main.invitation AS i, jsonb_populate_record(i, jsonb_build_object(
				'invitation_id', gen_random_uuid(), 'to_group_id', gen_random_uuid(), 'expires_at', now() + interval '1 hour')) AS another
			WHERE i.invitation_id = $1`, half.ID)
		w.must(err)
		holder := func(ctx context.Context, tx channel.MainTx, name string) ([]*channel.Facts, error) {
			return tx.LockDueNameHolder(ctx, w.acme.ID, channel.NameKey(name))
		}
		w.must(w.decide(func(ctx context.Context, tx channel.MainTx) error {
			if _, err := tx.LockInvitation(ctx, open.ID); err != nil {
				return err
			}
			for _, name := range []string{"nobody's", "open", "half due"} {
				if found, err := holder(ctx, tx, name); err != nil || len(found) > 0 {
					t.Errorf("%s: %d invitations are due: %v", name, len(found), err)
				}
			}
			found, err := holder(ctx, tx, "DUE")
			if err != nil || len(found) != 1 || found[0].Invitation.ID != due.ID {
				t.Errorf("of the one that is due are %v: %v", found, err)
			}
			return nil
		}))

		// Somebody decides about both: of the one that is open nobody waits, of the other it comes again.
		locked, ending, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			ended <- w.decide(func(ctx context.Context, tx channel.MainTx) error {
				facts, err := tx.LockInvitation(ctx, due.ID)
				if err != nil {
					return err
				}
				if _, err := tx.LockInvitation(ctx, open.ID); err != nil {
					return err
				}
				close(locked)
				<-ending
				m := moved(facts, channel.InvitationExpired)
				closed := facts.Channel.Initiator
				closed.State, closed.LinkedAt = channel.LinkClosed, nil
				closed.Version++
				m.Links, m.Channel = []channel.Link{closed}, channel.ChannelClosed
				return tx.Write(ctx, m)
			})
		}()
		select {
		case <-locked:
		case err := <-ended:
			t.Fatal(err)
		}
		tries := 0
		w.must(w.decide(func(ctx context.Context, tx channel.MainTx) error {
			if found, err := holder(ctx, tx, "open"); err != nil || len(found) > 0 {
				t.Errorf("of one that is open and locked are %v: %v", found, err)
			}
			found, err := holder(ctx, tx, "due")
			if tries++; tries == 1 {
				if fault := (*channel.Fault)(nil); !errors.As(err, &fault) || len(found) > 0 {
					t.Errorf("of one that is due and locked are %v: %v", found, err)
				}
				close(ending)
				return errors.Join(err, <-ended)
			}
			if err == nil && len(found) > 0 {
				t.Errorf("of one that has ended are %v", found)
			}
			return err
		}))
		if tries < 2 {
			t.Errorf("it came %d times", tries)
		}
	})
}

// untilSomebodyWaits returns when a transaction on main waits for a lock.
func (w *world) untilSomebodyWaits() {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for waiting := 0; waiting == 0; {
		if time.Now().After(deadline) {
			w.t.Fatal("nobody waits for a lock")
		}
		w.must(w.router.Main().Read(w.t.Context(), func(ctx context.Context, db bun.IDB) error {
			return db.NewRaw(`SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`).
				Scan(ctx, &waiting)
		}))
	}
}
