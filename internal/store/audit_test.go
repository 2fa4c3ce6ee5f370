package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/store"
)

// decline ends an invitation of acme's for globex.
func (w *world) decline(in *channel.Invitation) {
	w.t.Helper()
	w.must(w.decide(func(ctx context.Context, tx channel.MainTx) error {
		f, err := tx.LockInvitation(ctx, in.ID)
		if err != nil {
			return err
		}
		return tx.Write(ctx, moved(f, channel.InvitationDeclined))
	}))
}

// audit writes all that there is to write.
func (w *world) audit() {
	w.t.Helper()
	s := w.service()
	for {
		n, err := s.WriteAudit(w.t.Context())
		w.must(err)
		if n == 0 {
			return
		}
	}
}

// auditOf reads the whole audit of a group from its oldest entry on, and looks that it is a chain.
func (w *world) auditOf(group channel.Group) (entries []*channel.AuditEntry) {
	w.t.Helper()
	rows, err := w.ListAudit(w.t.Context(), group.ID, channel.Range{Limit: 10_000})
	w.must(err)
	for _, row := range slices.Backward(rows.Rows) {
		entries = append(entries, row.Value)
	}
	var genesis, last []byte
	var number int32
	err = w.router.Main().Pool().QueryRow(w.t.Context(), `SELECT genesis, number, hash FROM linkspan_main.audit_head WHERE group_id = $1`, group.ID).
		Scan(&genesis, &number, &last)
	if err != nil {
		w.t.Fatal(err)
	}
	at := channel.AuditHash(genesis)
	for i, e := range entries {
		if at = at.Next(e.Record); e.Number != int32(i+1) || e.Hash != at || e.Group != group.ID {
			w.t.Errorf("%s: entry %d is not chained: %+v", group.Handle, i+1, e)
		}
	}
	if int(number) != len(entries) || at != channel.AuditHash(last) {
		w.t.Errorf("%s: the head has number %d, of %d entries", group.Handle, number, len(entries))
	}
	return entries
}

// deeds are what entries are about, in their order.
func deeds(entries []*channel.AuditEntry) (all []string) {
	for _, e := range entries {
		said := string(e.Deed)
		if e.State != nil {
			said += " " + *e.State
		}
		if e.Refused {
			said = "refused " + said
		}
		all = append(all, said)
	}
	return all
}

// What is decided comes into the audits of both groups, in order, once.
func TestAuditIsWritten(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		if n, err := w.service().WriteAudit(t.Context()); n != 0 || err != nil {
			t.Errorf("nothing is decided, and %d are written: %v", n, err)
		}
		first, _, _ := w.create("one", time.Hour)
		second, _, _ := w.create("two", time.Hour)
		w.audit()
		w.decline(second)
		w.decline(first)
		ana := w.user(w.acme, "ana")
		note := channel.Refusal{ID: ids.NewTransition(), Deed: channel.DeedCreate, Rule: channel.RuleWhoMayCreate, By: ana, About: w.globex.ID}
		w.must(w.NoteRefusal(t.Context(), &note))
		w.audit()
		w.audit()
		want := []string{"CREATE PENDING", "CREATE PENDING", "TEST DECLINED", "TEST DECLINED"}
		globex := w.auditOf(w.globex)
		if diff := cmp.Diff(want, deeds(globex)); diff != "" {
			t.Errorf("globex (-want +got):\n%s", diff)
		}
		acme := w.auditOf(w.acme)
		if diff := cmp.Diff(append(want, "refused CREATE"), deeds(acme)); diff != "" {
			t.Errorf("acme (-want +got):\n%s", diff)
		}
		for i := range globex {
			if globex[i].Source != acme[i].Source || globex[i].Nonce == acme[i].Nonce {
				t.Errorf("the entries of one decision are %+v and %+v", acme[i], globex[i])
			}
			if i > 0 && (*acme[i].PartnerHash != globex[i-1].Hash || *globex[i].PartnerHash != acme[i-1].Hash) {
				t.Errorf("entry %d does not hold the partner's head", i+1)
			}
		}
		last := acme[4]
		if last.By() != channel.Actor(ana) || last.OtherGroup.ID != w.globex.ID || last.PartnerHash != nil || *last.Rule != channel.RuleWhoMayCreate {
			t.Errorf("the refusal is %+v", last)
		}
	})
}

// The same refused again and again is a row a minute; anything else is a row of its own.
func TestRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		in, _, _ := w.create("one", time.Hour)
		base := channel.Refusal{Deed: channel.DeedAccept, Rule: channel.RuleRole, By: w.user(w.acme, "ana"), Invitation: in.ID}
		var notes []channel.Refusal
		for _, change := range []func(*channel.Refusal){
			func(*channel.Refusal) {},
			func(r *channel.Refusal) { r.Deed = channel.DeedDecline },
			func(r *channel.Refusal) { r.Rule = channel.RuleSharingOff },
			func(r *channel.Refusal) { r.By = w.user(w.acme, "ben") },
			func(r *channel.Refusal) { r.Invitation, r.About = ids.Invitation{}, w.globex.ID },
			func(r *channel.Refusal) { r.Invitation = ids.Invitation{} },
		} {
			note := base
			change(&note)
			notes = append(notes, note)
		}
		var noting sync.WaitGroup
		for range 3 {
			for _, note := range notes {
				noting.Go(func() {
					note.ID = ids.NewTransition()
					if err := w.NoteRefusal(t.Context(), &note); err != nil {
						t.Error(err)
					}
				})
			}
		}
		noting.Wait()
		var rows, minutes int
		err := w.router.Main().Pool().QueryRow(t.Context(), `SELECT count(*), count(DISTINCT minute) FROM linkspan_main.refusal`).Scan(&rows, &minutes)
		if err != nil || rows < len(notes) || rows > len(notes)*minutes {
			t.Errorf("%d refusals, each three times in %d minutes, are %d rows: %v", len(notes), minutes, rows, err)
		}
	})
}

// errDies is of a process that dies in the middle.
var errDies = errors.New("it dies")

// A process that dies while it writes audits leaves nothing, and nothing undone.
func TestScribeDies(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		for n := range 3 {
			w.create(fmt.Sprint(n), time.Hour)
		}
		ctx, cancel := context.WithCancel(t.Context())
		_, err := w.WriteAudit(ctx, 2, func(sources []channel.AuditSource, heads map[ids.Group]channel.AuditHead) []channel.AuditEntry {
			if len(sources) != 2 || len(heads) != 2 {
				t.Errorf("it was given %d rows and %d heads", len(sources), len(heads))
			}
			cancel() // before it writes
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("it died, and the error is %v", err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("it did not die")
				}
			}()
			_, _ = w.WriteAudit(t.Context(), 2, func([]channel.AuditSource, map[ids.Group]channel.AuditHead) []channel.AuditEntry { panic(errDies) })
		}()
		w.audit()
		if got := deeds(w.auditOf(w.globex)); len(got) != 3 {
			t.Errorf("globex has %v", got)
		}
		if got := deeds(w.auditOf(w.acme)); len(got) != 3 {
			t.Errorf("acme has %v", got)
		}
	})
}

// cutOff loses the connection of whoever writes audits, in the middle of it, so often.
type cutOff struct {
	*store.Store
	w     *world
	times int
}

func (c *cutOff) WriteAudit(
	ctx context.Context, limit int, chain func([]channel.AuditSource, map[ids.Group]channel.AuditHead) []channel.AuditEntry,
) (int, error) {
	return c.Store.WriteAudit(ctx, limit, func(sources []channel.AuditSource, heads map[ids.Group]channel.AuditHead) []channel.AuditEntry {
		if c.times > 0 {
			c.times--
			c.w.must(c.w.endWriters())
		}
		return chain(sources, heads)
	})
}

// endWriters ends all connections to main that are in a transaction.
func (w *world) endWriters() error {
	conn, err := pgx.Connect(w.t.Context(), w.router.Main().Pool().Config().ConnString())
	if err != nil {
		return err
	}
	defer conn.Close(w.t.Context())
	tag, err := conn.Exec(w.t.Context(), `
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`)
	if err == nil && tag.RowsAffected() == 0 {
		err = errors.New("nobody is in a transaction")
	}
	return err
}

// A connection that is lost in the middle costs no entry, and makes none twice.
func TestScribeIsCutOff(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		for n := range 3 {
			w.create(fmt.Sprint(n), time.Hour)
		}
		s := w.service()
		s.Main = &cutOff{w.Store, w, 1}
		if n, err := s.WriteAudit(t.Context()); n != 3 || err != nil {
			t.Errorf("it wrote about %d: %v", n, err)
		}
		for _, group := range []channel.Group{w.acme, w.globex} {
			if got := deeds(w.auditOf(group)); len(got) != 3 {
				t.Errorf("%s has %v", group.Handle, got)
			}
		}
	})
}

// While one writes another passes over it, and many at once write each entry once, in order.
func TestScribesTakeTurns(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		const channels = 40
		var made []*channel.Invitation
		for n := range channels {
			in, _, _ := w.create(fmt.Sprint(n), time.Hour)
			made = append(made, in)
		}
		ctx, cancel := context.WithCancel(t.Context())
		_, err := w.WriteAudit(ctx, 1, func([]channel.AuditSource, map[ids.Group]channel.AuditHead) []channel.AuditEntry {
			if n, err := w.service().WriteAudit(t.Context()); n != 0 || err != nil { // as another process
				t.Errorf("another wrote %d at the same time: %v", n, err)
			}
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("it was ended, and the error is %v", err)
		}
		decided, ended := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(decided)
			for _, in := range made {
				w.decline(in)
			}
		}()
		var writing sync.WaitGroup
		for range 4 {
			writing.Go(func() {
				for {
					if _, err := w.service().WriteAudit(t.Context()); err != nil {
						t.Error(err)
						return
					}
					select {
					case <-ended:
						return
					default:
					}
				}
			})
		}
		<-decided
		close(ended)
		writing.Wait()
		w.audit()
		for _, group := range []channel.Group{w.acme, w.globex} {
			state := map[ids.Invitation]string{}
			entries := w.auditOf(group)
			for _, e := range entries {
				if *e.State == "DECLINED" && state[*e.InvitationID] != "PENDING" {
					t.Errorf("%s: entry %d tells of the end of what it was %q before", group.Handle, e.Number, state[*e.InvitationID])
				}
				state[*e.InvitationID] = *e.State
			}
			if len(entries) != 2*channels || len(state) != channels {
				t.Errorf("%s has %d entries about %d invitations", group.Handle, len(entries), len(state))
			}
		}
	})
}

// Pages of an audit are the newest entries first, and show more on either side where there is.
func TestAuditPages(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		for n := range 5 {
			w.create(fmt.Sprint(n), time.Hour)
		}
		w.audit()
		for _, c := range []struct {
			r              channel.Range
			want           []int64
			before, behind bool
		}{
			{channel.Range{Limit: 10}, []int64{5, 4, 3, 2, 1}, false, false},
			{channel.Range{Limit: 2}, []int64{5, 4}, false, true},
			{channel.Range{Limit: 2, After: 4}, []int64{3, 2}, true, true},
			{channel.Range{Limit: 2, After: 2}, []int64{1}, true, false},
			{channel.Range{Limit: 2, Backward: true}, []int64{2, 1}, true, false},
			{channel.Range{Limit: 2, Before: 2, Backward: true}, []int64{4, 3}, true, true},
			{channel.Range{Limit: 2, After: 5, Before: 1}, []int64{4, 3}, true, true},
			{channel.Range{Limit: 2, After: 1 << 40}, []int64{5, 4}, true, true},
			{channel.Range{Limit: 2, Before: 1 << 40}, nil, false, true},
			{channel.Range{Limit: 0}, nil, false, true},
		} {
			rows, err := w.ListAudit(t.Context(), w.acme.ID, c.r)
			w.must(err)
			var got []int64
			for _, row := range rows.Rows {
				got = append(got, row.Position)
			}
			if !slices.Equal(got, c.want) || rows.MoreBefore != c.before || rows.MoreBehind != c.behind {
				t.Errorf("%+v is %v, more before %v, behind %v; want %+v", c.r, got, rows.MoreBefore, rows.MoreBehind, c)
			}
		}
		if rows, err := w.ListAudit(t.Context(), ids.NewGroup(), channel.Range{Limit: 3}); err != nil || len(rows.Rows) != 0 {
			t.Errorf("of nobody: %v, %v", rows, err)
		}
	})
}
