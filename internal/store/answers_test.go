package store_test

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// An answer tells what was decided without reading it again: it must be what the next query reads.
func TestAnswersAreWhatIsReadNext(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		s := w.service()
		all := cmp.Options{
			cmpopts.IgnoreUnexported(channel.Invitation{}, channel.SharedChannel{}),
			cmp.Exporter(func(reflect.Type) bool { return true }), // ids are their bytes
		}
		ana := &channel.Viewer{User: w.user(w.acme, "ana"), Group: w.acme, Role: channel.RoleAdmin}
		gil := &channel.Viewer{User: w.user(w.globex, "gil"), Group: w.globex, Role: channel.RoleAdmin}
		same := func(what string, v *channel.Viewer, c *channel.SharedChannel, in *channel.Invitation) {
			t.Helper()
			if c != nil {
				found, unread := w.Channels(t.Context(), anyOf(v.Group.ID), []ids.Channel{c.ID})
				if diff := cmp.Diff(found[c.ID], c, all); diff != "" || len(unread) > 0 {
					t.Errorf("%s: the channel that is read, and that of the answer: %v %s", what, unread, diff)
				}
			}
			copies, err := w.Invitations(t.Context(), v.Group.ID, []ids.Invitation{in.ID})
			if diff := cmp.Diff(copies[in.ID], in, all); diff != "" || err != nil {
				t.Errorf("%s: the invitation that is read, and that of the answer: %v %s", what, err, diff)
			}
		}
		create := func(name string) *channel.CreateSharedChannelPayload {
			t.Helper()
			topic, note := "topic", "note"
			created, err := s.CreateSharedChannel(t.Context(), ana, channel.CreateSharedChannelInput{
				Target: channel.GroupSelector{ID: &w.globex.ID}, Name: name, Topic: &topic, Note: &note,
			})
			w.must(err)
			same("create", ana, created.SharedChannel, created.Invitation)
			return created
		}
		created := create("launch")
		accepted, err := s.AcceptSharedChannel(t.Context(), gil, channel.AcceptSharedChannelInput{InvitationID: created.Invitation.ID})
		w.must(err)
		same("accept", gil, accepted.SharedChannel, accepted.Invitation)
		reason := "no"
		declined, err := s.DeclineInvitation(t.Context(), gil, channel.DeclineInvitationInput{
			InvitationID: create("second").Invitation.ID, Reason: &reason,
		})
		w.must(err)
		same("decline", gil, nil, declined.Invitation)
		revoked, err := s.RevokeInvitation(t.Context(), ana, channel.RevokeInvitationInput{InvitationID: create("third").Invitation.ID})
		w.must(err)
		same("revoke", ana, nil, revoked.Invitation)
	})
}
