package check_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"linkspan/internal/channel"
	"linkspan/internal/check"
	"linkspan/internal/ids"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/server/servertest"
	"linkspan/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(localpgtest.Main(m)) }

// secretText is what a user writes: no report may repeat it.
const secretText = "between-us-only"

// world is an installation with a channel in every state.
type world struct {
	*servertest.Server
	t      testing.TB
	names  atomic.Int64
	admins map[string]*channel.Viewer
}

func newWorld(t testing.TB) *world {
	w := &world{Server: servertest.New(t, servertest.Options{}), t: t, admins: make(map[string]*channel.Viewer)}
	for _, handle := range []string{"acme", "globex", "initech"} {
		group := w.Register(handle)
		w.admins[handle] = &channel.Viewer{
			Group: group, Role: channel.RoleAdmin,
			User: channel.User{ID: ids.UserOf(group.ID, "ana"), Group: group, Name: secretText},
		}
	}
	return w
}

// create asks another group for a channel of a new name.
func (w *world) create(ctx context.Context, from, to string) (*channel.Invitation, error) {
	note := secretText
	payload, err := w.Service.CreateSharedChannel(ctx, w.admins[from], channel.CreateSharedChannelInput{
		Name:   fmt.Sprintf("%s %d", secretText, w.names.Add(1)),
		Target: channel.GroupSelector{Handle: &to}, Note: &note,
	})
	if err == nil && len(payload.Errors) > 0 {
		err = fmt.Errorf("refused: %v", payload.Errors)
	}
	if err != nil {
		return nil, err
	}
	return payload.Invitation, nil
}

func (w *world) accept(ctx context.Context, in *channel.Invitation) error {
	payload, err := w.Service.AcceptSharedChannel(ctx, w.admins[in.ToGroup.Handle], channel.AcceptSharedChannelInput{InvitationID: in.ID})
	return refusedOr(err, payload.Errors)
}

func (w *world) decline(ctx context.Context, in *channel.Invitation) error {
	payload, err := w.Service.DeclineInvitation(ctx, w.admins[in.ToGroup.Handle], channel.DeclineInvitationInput{InvitationID: in.ID})
	return refusedOr(err, payload.Errors)
}

func (w *world) revoke(ctx context.Context, in *channel.Invitation) error {
	payload, err := w.Service.RevokeInvitation(ctx, w.admins[in.FromGroup.Handle], channel.RevokeInvitationInput{InvitationID: in.ID})
	return refusedOr(err, payload.Errors)
}

func refusedOr(err error, refusals []channel.UserError) error {
	if err == nil && len(refusals) > 0 {
		err = fmt.Errorf("refused: %v", refusals)
	}
	return err
}

// live makes one channel each that stays pending, is accepted, declined, revoked, and expires. Two are talked in.
func (w *world) live() {
	w.t.Helper()
	ctx := w.t.Context()
	who := channel.MembersMay
	set, err := w.Service.SetSharingPolicy(ctx, w.admins["initech"], channel.SetSharingPolicyInput{
		ExpectedVersion: 1, WhoMayAccept: &who, Given: map[string]bool{"whoMayAccept": true},
	})
	if err != nil || len(set.Errors) > 0 {
		w.t.Fatal(err, set)
	}
	for i, end := range []func(context.Context, *channel.Invitation) error{
		w.talkAndForget, w.decline, w.revoke, w.acceptAndTalk, w.expire, func(context.Context, *channel.Invitation) error { return nil },
	} {
		pair := [][2]string{{"acme", "globex"}, {"globex", "initech"}, {"initech", "acme"}}[i%3]
		in, err := w.create(ctx, pair[0], pair[1])
		if err == nil {
			err = end(ctx, in)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	w.Settled()
	w.block("globex", "initech", true)
	for _, blocked := range []bool{true, false} { // what initech has asked is told again
		w.block("acme", "initech", blocked)
	}
	w.Settled()
}

// block has a group block another, or do so no longer.
func (w *world) block(group, other string, blocked bool) {
	w.t.Helper()
	target := channel.GroupSelector{Handle: &other}
	if blocked {
		payload, err := w.Service.BlockGroup(w.t.Context(), w.admins[group], channel.BlockGroupInput{Target: target})
		if err != nil || len(payload.Errors) > 0 {
			w.t.Fatal(err, payload)
		}
		return
	}
	payload, err := w.Service.UnblockGroup(w.t.Context(), w.admins[group], channel.UnblockGroupInput{Target: target})
	if err != nil || len(payload.Errors) > 0 {
		w.t.Fatal(err, payload)
	}
}

// expire lets main's clock pass the invitation's time, everywhere where it is written.
func (w *world) expire(ctx context.Context, in *channel.Invitation) error {
	set := `SET expires_at = created_at + interval '1 microsecond' WHERE invitation_id = $1`
	_, err := w.exec("main", `UPDATE linkspan_main.invitation `+set, in.ID)
	for _, shard := range w.Router.Clusters() {
		if err == nil {
			_, err = w.exec(shard, `UPDATE linkspan_shard.group_invitation `+set, in.ID)
		}
	}
	if err == nil {
		_, err = w.Service.ExpireDue(ctx)
	}
	return err
}

// exec runs a statement on a cluster past the product and returns how many rows it touched.
func (w *world) exec(cluster, text string, args ...any) (int64, error) {
	tag, err := localpgtest.Pool(w.t, storetest.DSN(w.Config, cluster)).Exec(w.t.Context(), text, args...)
	return tag.RowsAffected(), err
}

// check runs the check, which must be able to read everything.
func (w *world) check() *check.Report {
	w.t.Helper()
	report, err := check.Run(w.t.Context(), w.Router, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}
