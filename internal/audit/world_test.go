package audit_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"linkspan/internal/audit"
	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/server/servertest"
)

func TestMain(m *testing.M) { os.Exit(localpgtest.Main(m)) }

// world is an installation whose groups have decided and refused this and that.
type world struct {
	*servertest.Server
	t      testing.TB
	groups map[string]channel.Group
	names  int
}

// viewer is a user of a group; "ana" is its admin.
func (w *world) viewer(group, name string) *channel.Viewer {
	g := w.groups[group]
	v := &channel.Viewer{Group: g, Role: channel.RoleMember, User: channel.User{ID: ids.UserOf(g.ID, name), Group: g, Name: name}}
	if name == "ana" {
		v.Role = channel.RoleAdmin
	}
	return v
}

// must ends the test unless something went as it should: refused or not.
func (w *world) must(err error, refusals []channel.UserError, refused bool) {
	w.t.Helper()
	if err != nil || (len(refusals) > 0) != refused {
		w.t.Fatalf("refused: %v, want %v; %v", refusals, refused, err)
	}
}

func (w *world) create(ctx context.Context, from, by, to string, refused bool) (id ids.Invitation) {
	w.t.Helper()
	w.names++
	payload, err := w.Service.CreateSharedChannel(ctx, w.viewer(from, by), channel.CreateSharedChannelInput{
		Target: channel.GroupSelector{Handle: &to}, Name: fmt.Sprint("launch ", w.names),
	})
	w.must(err, payload.Errors, refused)
	if !refused {
		id = payload.Invitation.ID
	}
	return id
}

func (w *world) accept(ctx context.Context, group, by string, id ids.Invitation, refused bool) {
	w.t.Helper()
	payload, err := w.Service.AcceptSharedChannel(ctx, w.viewer(group, by), channel.AcceptSharedChannelInput{InvitationID: id})
	w.must(err, payload.Errors, refused)
}

func (w *world) decline(ctx context.Context, group string, id ids.Invitation) {
	w.t.Helper()
	why := "not now"
	payload, err := w.Service.DeclineInvitation(ctx, w.viewer(group, "ana"), channel.DeclineInvitationInput{InvitationID: id, Reason: &why})
	w.must(err, payload.Errors, false)
}

// newWorld has three groups decide and refuse some of everything; all of it is in their audits.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{Server: servertest.New(t, servertest.Options{NoSweep: true}), t: t, groups: map[string]channel.Group{}}
	for _, handle := range []string{"acme", "globex", "initech"} {
		w.groups[handle] = w.Register(handle)
	}
	ctx := t.Context()
	w.accept(ctx, "globex", "ana", w.create(ctx, "acme", "ben", "globex", false), false)
	w.decline(ctx, "globex", w.create(ctx, "acme", "ana", "globex", false))
	yes := true
	set, err := w.Service.SetSharingPolicy(ctx, w.viewer("acme", "ana"), channel.SetSharingPolicyInput{
		ExpectedVersion: 1, OutgoingApproval: &yes, Given: map[string]bool{"outgoingApproval": true},
	})
	w.must(err, set.Errors, false)
	requested := w.create(ctx, "acme", "ben", "globex", false)
	approved, err := w.Service.ApproveInvitation(ctx, w.viewer("acme", "ana"), channel.ApproveInvitationInput{InvitationID: requested})
	w.must(err, approved.Errors, false)
	w.accept(ctx, "globex", "ben", requested, true) // whom the policy does not name
	denied := w.create(ctx, "acme", "ben", "globex", false)
	deny, err := w.Service.DenyInvitation(ctx, w.viewer("acme", "ana"), channel.DenyInvitationInput{InvitationID: denied})
	w.must(err, deny.Errors, false)
	globex := "globex"
	trust, err := w.Service.TrustGroup(ctx, w.viewer("acme", "ana"), channel.TrustGroupInput{Target: channel.GroupSelector{Handle: &globex}})
	w.must(err, trust.Errors, false)
	w.accept(ctx, "globex", "ana", requested, false)
	w.create(ctx, "initech", "ana", "globex", false)
	w.decline(ctx, "acme", w.create(ctx, "globex", "ana", "acme", false))
	w.Settled()
	w.Audited()
	return w
}

// verify verifies all audits.
func (w *world) verify(t testing.TB) *audit.Report {
	t.Helper()
	report, err := audit.Verify(t.Context(), w.Router, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// exec runs statements on main past the product.
func (w *world) exec(t testing.TB, text string, args ...any) int64 {
	t.Helper()
	tag, err := localpgtest.Pool(t, w.Config.MainDSN).Exec(t.Context(), text, args...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return tag.RowsAffected()
}
