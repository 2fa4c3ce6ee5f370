package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// circle is a third group's part in the channel, as it is being played.
type circle struct {
	left       time.Time // when step 17 began
	invitation string
}

func (t *tour) askThird(ctx context.Context) (row, error) {
	var answer struct {
		InviteGroup struct {
			Invitation *struct{ ID string }
			Errors     tourRefusals
		}
	}
	took, err := t.ana.mutate(ctx, tourInvite, map[string]any{"channelId": t.scene.channel, "target": map[string]any{"handle": "initech"}}, &answer)
	t.scene.circle.asking = took
	if err = errors.Join(err, answer.InviteGroup.Errors.err()); err != nil {
		return row{}, err
	}
	if answer.InviteGroup.Invitation == nil {
		return row{}, errors.New("the answer has no invitation")
	}
	t.circle.invitation = answer.InviteGroup.Invitation.ID
	return t.scene.asksThird(), nil
}

// thirdComes wants the third group to read all that was said to everyone before, and nothing else.
func (t *tour) thirdComes(ctx context.Context) (row, error) {
	var answer struct {
		AcceptSharedChannel struct {
			SharedChannel *tourChannel
			Errors        tourRefusals
		}
	}
	took, err := t.ivy.mutate(ctx, tourAccept, map[string]any{"invitationId": t.circle.invitation}, &answer)
	t.scene.circle.accepting = took
	if err = errors.Join(err, answer.AcceptSharedChannel.Errors.err()); err != nil {
		return row{}, err
	}
	if err := t.active(answer.AcceptSharedChannel.SharedChannel, "initech", t.scene.acmeName); err != nil {
		return row{}, err
	}
	return t.scene.thirdComes(), t.thirdReads(ctx)
}

func (t *tour) thirdLeaves(ctx context.Context) (row, error) {
	var answer struct {
		LeaveSharedChannel struct {
			SharedChannel *tourChannel
			Errors        tourRefusals
		}
	}
	t.left = time.Now()
	took, err := t.ivy.mutate(ctx, tourLeave, map[string]any{"channelId": t.scene.channel}, &answer)
	t.scene.circle.leaving = took
	if err = errors.Join(err, answer.LeaveSharedChannel.Errors.err()); err != nil {
		return row{}, err
	}
	if answer.LeaveSharedChannel.SharedChannel == nil {
		return row{}, errors.New("the answer has no channel")
	}
	return t.scene.thirdLeaves(), errors.Join(
		differs("the channel's state to initech", answer.LeaveSharedChannel.SharedChannel.State, "DISCONNECTED"),
		t.thirdReads(ctx),
	)
}

func (t *tour) thirdReads(ctx context.Context) error {
	said, _, err := t.read(ctx, t.ivy)
	if err != nil {
		return fmt.Errorf("reading as Ivy: %w", err)
	}
	return differs("what initech reads", said, strings.Join([]string{"Ana: " + t.scene.talk.hello, "Gil: " + t.scene.talk.reply}, " / "))
}

// hearThird wants both to hear that the third group came, and that it went.
func (t *tour) hearThird(ctx context.Context) (row, error) {
	for who, p := range map[string]*party{"Ana": t.ana, "Gil": t.gil} {
		for _, kind := range []string{"GroupLinked", "GroupUnlinked"} {
			told, err := p.talk.hears(ctx, func(e tourEvent) bool { return e.Typename == kind })
			if err == nil {
				err = differs("who came and went", told.event.Group.Handle, "initech")
			}
			if err != nil {
				return row{}, fmt.Errorf("hearing as %s of %s: %w", who, kind, err)
			}
			if waited := told.at.Sub(t.left); p == t.ana {
				t.scene.circle.heard.left = waited
			} else {
				t.scene.circle.heard.right = waited
			}
		}
	}
	return t.scene.hearThird(), nil
}
