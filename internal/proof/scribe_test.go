//go:build long

package proof_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
)

const (
	createDocument = `mutation($input: CreateSharedChannelInput!) { createSharedChannel(input: $input) {
		invitation { id } errors { code message } } }`
	acceptDocument = `mutation($input: AcceptSharedChannelInput!) { done: acceptSharedChannel(input: $input) {
		errors { code message } } }`
	declineDocument = `mutation($input: DeclineInvitationInput!) { done: declineInvitation(input: $input) {
		errors { code message } } }`
	revokeDocument = `mutation($input: RevokeInvitationInput!) { done: revokeInvitation(input: $input) {
		errors { code message } } }`
)

// scribe is one writer: it asks for channels with a group and has most of them decided, each step with a key and until it
// is answered.
type scribe struct {
	name         string
	here, there  *caller // admins of the group that asks and of the one that is asked
	target       string
	made, failed *atomic.Int64 // answers, and attempts that had none
}

// newScribe makes a writer for a group that asks another.
func (f *front) newScribe(t testing.TB, n int, from, to string, made, failed *atomic.Int64) *scribe {
	return &scribe{
		name: fmt.Sprintf("%s-%d", from, n), target: to, made: made, failed: failed,
		here:  f.caller(t, admin(t, fmt.Sprintf("ana%d@%s", n, from))),
		there: f.caller(t, admin(t, fmt.Sprintf("gil%d@%s", n, to))),
	}
}

// write makes channels until enough says so. It returns an error for what no repetition mends.
func (s *scribe) write(ctx context.Context, enough func(round int) bool) error {
	for round := 0; !enough(round); round++ {
		if err := s.round(ctx, round); err != nil {
			return fmt.Errorf("%s, round %d: %w", s.name, round, err)
		}
	}
	return nil
}

func (s *scribe) round(ctx context.Context, round int) error {
	var created struct {
		CreateSharedChannel struct {
			Invitation *struct{ ID string }
			Errors     []refusal
		}
	}
	name := fmt.Sprintf("%s-%d", s.name, round)
	err := s.here.insist(ctx, createDocument, map[string]any{
		"target": map[string]any{"handle": s.target}, "name": name, "idempotencyKey": name,
	}, &created, s.failed)
	if err != nil {
		return err
	}
	if created.CreateSharedChannel.Invitation == nil {
		return fmt.Errorf("refused: %v", created.CreateSharedChannel.Errors)
	}
	s.made.Add(1)
	by, document := s.there, acceptDocument
	switch round % 4 {
	case 1:
		document = declineDocument
	case 2:
		by, document = s.here, revokeDocument
	case 3:
		return nil // it stays open
	}
	var decided struct{ Done struct{ Errors []refusal } }
	err = by.insist(ctx, document, map[string]any{
		"invitationId": created.CreateSharedChannel.Invitation.ID, "idempotencyKey": name,
	}, &decided, s.failed)
	if err == nil && len(decided.Done.Errors) > 0 {
		err = fmt.Errorf("refused: %v", decided.Done.Errors)
	}
	s.made.Add(1)
	return err
}
