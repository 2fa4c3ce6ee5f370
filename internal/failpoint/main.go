// Package failpoint gives tests the places at which a process may die: decorators over the domain's ports that say
// where the work is, before and after every call of a deciding transaction, every commit and every step on a shard.
//
// Nothing of the program imports it: where a test does not put it between the rooms, it is not there. The points are
// found by running what is to be tested once and noting which it reaches ([Switch]), so no list of them goes stale.
//
// A point's name says who decides or which step it is, then the call, then the side of it:
//
//	acceptSharedChannel/LinkGroup/after    acceptSharedChannel/commit/before
//	apply/LINK_GROUP/channel/planned       outbox/Complete/LINK_GROUP/before
package failpoint

import (
	"context"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// At is told each point that is reached, and may not return. It is safe for concurrent use.
type At func(point string)

// The sides of a call. A step is planned when all is said that it changes, and nothing is committed.
const (
	before  = "/before"
	planned = "/planned"
	after   = "/after"
)

// undecided is who decides in a transaction that claims no operation: the sweep for invitations that are overdue.
const undecided = "expireDue"

// Main puts points around what is decided in main.
func Main(inner channel.Main, at At) channel.Main { return mainPort{inner, at} }

type mainPort struct {
	channel.Main
	at At
}

// Decide implements [channel.Main]. A sweep that found nothing reaches no commit worth a point.
func (m mainPort) Decide(ctx context.Context, fn func(ctx context.Context, tx channel.MainTx) error) error {
	var last *mainTx
	err := m.Main.Decide(ctx, func(ctx context.Context, tx channel.MainTx) error {
		last = &mainTx{MainTx: tx, at: m.at, who: undecided}
		err := fn(ctx, last)
		if err == nil && !last.idle {
			last.reached("commit" + before)
		}
		return err
	})
	if err == nil && !last.idle {
		last.reached("commit" + after)
	}
	return err
}

// mainTx is a deciding transaction with points.
type mainTx struct {
	channel.MainTx
	at   At
	who  string
	idle bool
}

func (t *mainTx) reached(point string) { t.at(t.who + "/" + point) }

// around puts the points before and after a call that yields something.
func around[T any](t *mainTx, call string, do func() (T, error)) (T, error) {
	t.reached(call + before)
	got, err := do()
	if err == nil {
		t.reached(call + after)
	}
	return got, err
}

// aroundBare is around for a call that yields nothing.
func (t *mainTx) aroundBare(call string, do func() error) error {
	_, err := around(t, call, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

// Claim implements [channel.MainTx]; from here on the operation's mutation is the name.
func (t *mainTx) Claim(ctx context.Context, op channel.Operation) (*channel.Operation, error) {
	t.who = op.Mutation
	return around(t, "Claim", func() (*channel.Operation, error) { return t.MainTx.Claim(ctx, op) })
}

func (t *mainTx) AmendOutcome(ctx context.Context, op ids.Op, outcome channel.Outcome) error {
	return t.aroundBare("AmendOutcome", func() error { return t.MainTx.AmendOutcome(ctx, op, outcome) })
}

func (t *mainTx) FindGroup(ctx context.Context, by channel.GroupSelector) (channel.Group, error) {
	return around(t, "FindGroup", func() (channel.Group, error) { return t.MainTx.FindGroup(ctx, by) })
}

func (t *mainTx) InsertGroup(ctx context.Context, group channel.Group) (bool, error) {
	return around(t, "InsertGroup", func() (bool, error) { return t.MainTx.InsertGroup(ctx, group) })
}

func (t *mainTx) InsertChannel(ctx context.Context, in *channel.Invitation, ttl time.Duration) (bool, error) {
	return around(t, "InsertChannel", func() (bool, error) { return t.MainTx.InsertChannel(ctx, in, ttl) })
}

func (t *mainTx) TakenNames(ctx context.Context, group ids.Group, keys []string) (map[string]bool, error) {
	return around(t, "TakenNames", func() (map[string]bool, error) { return t.MainTx.TakenNames(ctx, group, keys) })
}

func (t *mainTx) FindInvitation(ctx context.Context, id ids.Invitation) (channel.Invitation, error) {
	return around(t, "FindInvitation", func() (channel.Invitation, error) { return t.MainTx.FindInvitation(ctx, id) })
}

func (t *mainTx) ResolveInvitation(ctx context.Context, r channel.Resolution) (channel.Invitation, error) {
	return around(t, "ResolveInvitation", func() (channel.Invitation, error) { return t.MainTx.ResolveInvitation(ctx, r) })
}

// ExpireInvitations implements [channel.MainTx]. The sweep asks all the time; only an answer has a point behind it.
func (t *mainTx) ExpireInvitations(ctx context.Context, limit int) ([]channel.Invitation, error) {
	t.reached("ExpireInvitations" + before)
	ended, err := t.MainTx.ExpireInvitations(ctx, limit)
	t.idle = len(ended) == 0
	if !t.idle {
		t.reached("ExpireInvitations" + after)
	}
	return ended, err
}

func (t *mainTx) ExpireNameHolder(ctx context.Context, group ids.Group, key string) ([]channel.Invitation, error) {
	return around(t, "ExpireNameHolder", func() ([]channel.Invitation, error) {
		return t.MainTx.ExpireNameHolder(ctx, group, key)
	})
}

func (t *mainTx) LinkGroup(ctx context.Context, id ids.Channel, group ids.Group, name string) (channel.Link, error) {
	return around(t, "LinkGroup", func() (channel.Link, error) { return t.MainTx.LinkGroup(ctx, id, group, name) })
}

func (t *mainTx) CloseChannels(ctx context.Context, channels []ids.Channel) ([]channel.Link, error) {
	return around(t, "CloseChannels", func() ([]channel.Link, error) { return t.MainTx.CloseChannels(ctx, channels) })
}

func (t *mainTx) AppendSteps(ctx context.Context, steps []channel.Step) error {
	return t.aroundBare("AppendSteps", func() error { return t.MainTx.AppendSteps(ctx, steps) })
}
