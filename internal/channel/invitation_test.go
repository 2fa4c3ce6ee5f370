package channel

import (
	"testing"

	"linkspan/internal/ids"
)

// TestWhoMay asks who may accept, decline and revoke an invitation in each of its states, where no policy says anything.
func TestWhoMay(t *testing.T) {
	t.Parallel()
	acme, globex, initech := Group{ID: ids.NewGroup()}, Group{ID: ids.NewGroup()}, Group{ID: ids.NewGroup()}
	viewer := func(group Group, sub string, role Role) *Viewer {
		return &Viewer{User: User{ID: ids.UserOf(group.ID, sub), Group: group}, Group: group, Role: role}
	}
	ben := viewer(acme, "ben", RoleMember)
	viewers := []struct {
		name            string
		v               *Viewer
		decides, revoke bool
	}{
		{"admin of the invited group", viewer(globex, "gil", RoleAdmin), true, false},
		{"member of the invited group", viewer(globex, "hua", RoleMember), false, false},
		{"admin of the sending group", viewer(acme, "ana", RoleAdmin), false, true},
		{"member who sent it", ben, false, true},
		{"another member of the sending group", viewer(acme, "bob", RoleMember), false, false},
		{"namesake in the invited group", viewer(globex, "ben", RoleMember), false, false},
		{"admin of another group", viewer(initech, "ivy", RoleAdmin), false, false},
		{"member of another group", viewer(initech, "ike", RoleMember), false, false},
		{"operator", &Viewer{Operator: true, User: User{ID: ids.UserOf(ids.Group{}, "op")}}, false, false},
	}
	states := []InvitationState{
		InvitationRequested, InvitationPending, InvitationAwaitingApproval, InvitationAccepted, InvitationDeclined, InvitationDenied, InvitationRevoked, InvitationExpired,
	}
	for _, state := range states {
		in := &Invitation{
			ID: ids.NewInvitation(), State: state, FromGroup: acme, ToGroup: globex, Sender: ben.User, Policy: DefaultPolicy(globex.ID),
			AwaitsFrom: state == InvitationRequested, AwaitsTo: state == InvitationAwaitingApproval,
		}
		for _, c := range viewers {
			if got := in.CanAccept(c.v); got != (c.decides && (state == InvitationPending || state == InvitationAwaitingApproval)) {
				t.Errorf("%s, %s: can accept %v", state, c.name, got)
			}
			if got := in.CanDecline(c.v); got != (c.decides && state.isOpen()) {
				t.Errorf("%s, %s: can decline %v", state, c.name, got)
			}
			if got := in.CanRevoke(c.v); got != (c.revoke && state.isOpen()) {
				t.Errorf("%s, %s: can revoke %v", state, c.name, got)
			}
			approves := c.v.Role == RoleAdmin && (state == InvitationRequested && c.v.Group.ID == acme.ID || state == InvitationAwaitingApproval && c.v.Group.ID == globex.ID)
			if can, deny := in.CanApprove(c.v), in.CanDeny(c.v); can != approves || deny != approves {
				t.Errorf("%s, %s: can approve %v, deny %v", state, c.name, can, deny)
			}
			mayAccept := func(in *Invitation, v *Viewer) UserError { return mayAccept(in, v, &in.Policy) }
			for rule, ok := range map[string]bool{"accept": c.decides, "decline": c.decides, "revoke": c.revoke} {
				refusal := map[string]func(*Invitation, *Viewer) UserError{"accept": mayAccept, "decline": mayDecline, "revoke": mayRevoke}[rule](in, c.v)
				if (refusal == nil) != ok {
					t.Errorf("%s, %s: may %s: %v", state, c.name, rule, refusal)
				}
				if refusal != nil && (refusal.GetCode() != CodeNotAllowed || refusal.GetMessage() == "" || len(refusal.GetPath()) != 2) {
					t.Errorf("%s, %s: may not %s: %+v", state, c.name, rule, refusal)
				}
			}
		}
		for group, visible := range map[ids.Group]bool{acme.ID: true, globex.ID: true, initech.ID: false, {}: false} {
			if in.visibleTo(group) != visible {
				t.Errorf("%s: visible to %v: %v", state, group, !visible)
			}
		}
	}
}

// TestOperatorsView: what belongs to a group's own view is a fault for an operator, who has none.
func TestOperatorsView(t *testing.T) {
	t.Parallel()
	name := "launch"
	c := &SharedChannel{Own: &ChannelSide{Name: &name}}
	if got, err := c.Name(); got != "launch" || err != nil {
		t.Errorf("%q: %v", got, err)
	}
	if side, err := c.ViewerSide(); side != c.Own || err != nil {
		t.Errorf("%v: %v", side, err)
	}
	c.Own = nil
	for what, err := range map[string]error{"name": second(c.Name()), "viewerSide": second(c.ViewerSide())} {
		if fault, ok := err.(*Fault); !ok || fault.Code != Forbidden || fault.Retryable { //nolint:errorlint // the very type
			t.Errorf("%s: %v", what, err)
		}
	}
	if c.CreatedBy() != nil {
		t.Errorf("created by %v", c.CreatedBy())
	}
	in := &Invitation{}
	if in.ResolvedBy() != nil {
		t.Errorf("resolved by %v", in.ResolvedBy())
	}
}

func second[T any](_ T, err error) error { return err }
