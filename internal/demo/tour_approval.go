package demo

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// putBackWithin is how long a tour that has ended may take to put the policy back.
const putBackWithin = 5 * time.Second

// approval is a yes of a member that waits for an admin, as it is being played.
type approval struct {
	agreed              time.Time // when step 22 began
	invitation, channel string
	before              *tourPolicy // what globex's policy was; nil: it is that now
}

// wantApproval has members of globex say yes, and an admin agree.
func (t *tour) wantApproval(ctx context.Context) (row, error) {
	before, err := t.policy(ctx)
	if err != nil {
		return row{}, err
	}
	wanted := tourPolicy{Version: before.Version, WhoMayAccept: "MEMBERS", IncomingApproval: true}
	t.approval.before = before // also where the answer does not come
	set, took, err := t.setPolicy(ctx, wanted)
	if err != nil {
		return row{}, err
	}
	t.scene.approval.wanting = took
	wanted.Version++
	return t.scene.wantsApproval(), differs("globex's policy", *set, wanted)
}

func (t *tour) askAgain(ctx context.Context) (row, error) {
	created, took, err := t.ana.create(ctx, "globex", t.scene.approval.name, "And one more?")
	if err != nil {
		return row{}, err
	}
	t.scene.approval.asking, t.approval.channel, t.approval.invitation = took, created.SharedChannel.ID, created.Invitation.ID
	return t.scene.asksAgain(), differs("the channel's state", created.SharedChannel.State, "PENDING")
}

// memberAccepts wants the yes to wait, and the channel to be none to globex meanwhile.
func (t *tour) memberAccepts(ctx context.Context) (row, error) {
	var answer struct {
		AcceptSharedChannel struct {
			SharedChannel *tourChannel
			Invitation    struct{ State string }
			Errors        tourRefusals
		}
	}
	took, err := t.hua.mutate(ctx, tourAccept, map[string]any{"invitationId": t.approval.invitation}, &answer)
	t.scene.approval.waiting = took
	if err = errors.Join(err, answer.AcceptSharedChannel.Errors.err()); err != nil {
		return row{}, err
	}
	var seen struct{ Node *tourChannel }
	if _, err := t.hua.do(ctx, tourNode, map[string]any{"id": t.approval.channel}, &seen); err != nil {
		return row{}, fmt.Errorf("opening the channel as Hua: %w", err)
	}
	return t.scene.memberAccepts(), errors.Join(
		differs("the invitation's state", answer.AcceptSharedChannel.Invitation.State, "AWAITING_APPROVAL"),
		differs("whether there is a channel to Hua", answer.AcceptSharedChannel.SharedChannel != nil || seen.Node != nil, false),
	)
}

func (t *tour) agree(ctx context.Context) (row, error) {
	var answer struct {
		ApproveInvitation struct {
			SharedChannel *tourChannel
			Invitation    struct{ State string }
			Errors        tourRefusals
		}
	}
	t.approval.agreed = time.Now()
	took, err := t.gil.mutate(ctx, tourApprove, map[string]any{"invitationId": t.approval.invitation}, &answer)
	t.scene.approval.agreeing = took
	if err = errors.Join(err, answer.ApproveInvitation.Errors.err()); err != nil {
		return row{}, err
	}
	return t.scene.agrees(), errors.Join(
		differs("the invitation's state", answer.ApproveInvitation.Invitation.State, "ACCEPTED"),
		t.another(answer.ApproveInvitation.SharedChannel, "globex"),
	)
}

func (t *tour) hearAgreed(ctx context.Context) (row, error) {
	ana, gil, err := t.bothHear(ctx, t.approval.channel)
	if err != nil {
		return row{}, err
	}
	t.scene.approval.linked = pair{ana.at.Sub(t.approval.agreed), gil.at.Sub(t.approval.agreed)}
	return t.scene.hearAgreed(), errors.Join(t.another(ana.event.SharedChannel, "acme"), t.another(gil.event.SharedChannel, "globex"))
}

// another checks the second channel as a group sees it when it is shared.
func (t *tour) another(channel *tourChannel, group string) error {
	if channel == nil {
		return fmt.Errorf("%s does not see the channel", group)
	}
	return errors.Join(
		differs("the channel's id to "+group, channel.ID, t.approval.channel),
		differs("its state to "+group, channel.State, "ACTIVE"),
		differs("its name to "+group, channel.Name, t.scene.approval.name),
	)
}

// putBack makes globex's policy what it was before the tour changed it, if it did.
func (t *tour) putBack(ctx context.Context) error {
	if t.approval.before == nil {
		return nil
	}
	now, err := t.policy(ctx)
	if err == nil {
		before := *t.approval.before
		before.Version = now.Version
		_, _, err = t.setPolicy(ctx, before)
	}
	if err != nil {
		return fmt.Errorf("globex's policy may not be what it was: have Gil set whoMayAccept to %s and incomingApproval to %t by setSharingPolicy: %w",
			t.approval.before.WhoMayAccept, t.approval.before.IncomingApproval, err)
	}
	t.approval.before = nil
	return nil
}

// policy reads globex's.
func (t *tour) policy(ctx context.Context) (*tourPolicy, error) {
	var answer struct {
		Viewer struct{ SharingPolicy *tourPolicy }
	}
	_, err := t.gil.do(ctx, tourReadPolicy, nil, &answer)
	if err == nil && answer.Viewer.SharingPolicy == nil {
		err = errors.New("an admin of globex does not see its policy")
	}
	return answer.Viewer.SharingPolicy, err
}

// setPolicy changes globex's, which has the version in it.
func (t *tour) setPolicy(ctx context.Context, to tourPolicy) (*tourPolicy, time.Duration, error) {
	var answer struct {
		SetSharingPolicy struct {
			Policy *tourPolicy
			Errors tourRefusals
		}
	}
	took, err := t.gil.mutate(ctx, tourSetPolicy, map[string]any{
		"whoMayAccept": to.WhoMayAccept, "incomingApproval": to.IncomingApproval, "expectedVersion": to.Version,
	}, &answer)
	if err = errors.Join(err, answer.SetSharingPolicy.Errors.err()); err == nil && answer.SetSharingPolicy.Policy == nil {
		err = errors.New("the answer has no policy")
	}
	return answer.SetSharingPolicy.Policy, took, err
}
