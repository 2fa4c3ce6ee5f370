// Package failpoint gives tests the places at which a process may die: decorators over the domain's ports that say
// where the work is, before and after every call of a deciding transaction, every commit and every step on a shard.
//
// Nothing of the program imports it: where a test does not put it between the rooms, it is not there. The points are
// found by running what is to be tested once and noting which it reaches ([Switch]), so no list of them goes stale.
//
// A point's name says who decides or which step it is, then the call, then the side of it:
//
//	acceptSharedChannel/Write/after        acceptSharedChannel/commit/before
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

// found is an answer with the time of it.
type found[T any] struct {
	at    time.Time
	value T
}

func (t *mainTx) Parties(ctx context.Context, from, to ids.Group) (time.Time, *channel.Party, *channel.Party, error) {
	got, err := around(t, "Parties", func() (found[[2]*channel.Party], error) {
		at, own, other, err := t.MainTx.Parties(ctx, from, to)
		return found[[2]*channel.Party]{at, [2]*channel.Party{own, other}}, err
	})
	return got.at, got.value[0], got.value[1], err
}

func (t *mainTx) Policy(ctx context.Context, group ids.Group) (time.Time, channel.SharingPolicy, error) {
	got, err := around(t, "Policy", func() (found[channel.SharingPolicy], error) {
		at, policy, err := t.MainTx.Policy(ctx, group)
		return found[channel.SharingPolicy]{at, policy}, err
	})
	return got.at, got.value, err
}

func (t *mainTx) SavePolicy(ctx context.Context, by channel.Decision, policy channel.SharingPolicy) error {
	return t.aroundBare("SavePolicy", func() error { return t.MainTx.SavePolicy(ctx, by, policy) })
}

func (t *mainTx) Stance(ctx context.Context, group, other ids.Group) (time.Time, channel.Stance, error) {
	got, err := around(t, "Stance", func() (found[channel.Stance], error) {
		at, stance, err := t.MainTx.Stance(ctx, group, other)
		return found[channel.Stance]{at, stance}, err
	})
	return got.at, got.value, err
}

func (t *mainTx) SaveStance(ctx context.Context, by channel.Decision, other ids.Group, stance channel.Stance) error {
	return t.aroundBare("SaveStance", func() error { return t.MainTx.SaveStance(ctx, by, other, stance) })
}

func (t *mainTx) InsertChannel(ctx context.Context, m *channel.Move) error {
	return t.aroundBare("InsertChannel", func() error { return t.MainTx.InsertChannel(ctx, m) })
}

func (t *mainTx) LockChannel(ctx context.Context, id ids.Channel, user ids.User, groups ...ids.Group) (*channel.Links, error) {
	return around(t, "LockChannel", func() (*channel.Links, error) { return t.MainTx.LockChannel(ctx, id, user, groups...) })
}

func (t *mainTx) ListedMembers(ctx context.Context, id ids.Channel, group ids.Group, user ids.User) (channel.ListedMembers, error) {
	return around(t, "ListedMembers", func() (channel.ListedMembers, error) { return t.MainTx.ListedMembers(ctx, id, group, user) })
}

func (t *mainTx) WriteMember(ctx context.Context, m *channel.LinkMove, move channel.MemberMove) error {
	return t.aroundBare("WriteMember", func() error { return t.MainTx.WriteMember(ctx, m, move) })
}

func (t *mainTx) OpenInvitations(ctx context.Context, id ids.Channel, group ids.Group) ([]*channel.Facts, error) {
	return around(t, "OpenInvitations", func() ([]*channel.Facts, error) { return t.MainTx.OpenInvitations(ctx, id, group) })
}

func (t *mainTx) InsertInvitation(ctx context.Context, m *channel.Move) error {
	return t.aroundBare("InsertInvitation", func() error { return t.MainTx.InsertInvitation(ctx, m) })
}

func (t *mainTx) WriteLinks(ctx context.Context, m *channel.LinkMove) error {
	return t.aroundBare("WriteLinks", func() error { return t.MainTx.WriteLinks(ctx, m) })
}

func (t *mainTx) TakenNames(ctx context.Context, group ids.Group, keys []string) (map[string]bool, error) {
	return around(t, "TakenNames", func() (map[string]bool, error) { return t.MainTx.TakenNames(ctx, group, keys) })
}

func (t *mainTx) ChannelOf(ctx context.Context, id ids.Invitation) (ids.Channel, ids.Group, error) {
	type home struct {
		channel ids.Channel
		group   ids.Group
	}
	got, err := around(t, "ChannelOf", func() (home, error) {
		channel, group, err := t.MainTx.ChannelOf(ctx, id)
		return home{channel, group}, err
	})
	return got.channel, got.group, err
}

func (t *mainTx) LockInvitation(ctx context.Context, id ids.Invitation) (*channel.Facts, error) {
	return around(t, "LockInvitation", func() (*channel.Facts, error) { return t.MainTx.LockInvitation(ctx, id) })
}

// LockOverdue implements [channel.MainTx]. The sweep asks all the time; only an answer has a point behind it.
func (t *mainTx) LockOverdue(ctx context.Context, channels int) ([]*channel.Facts, error) {
	t.reached("LockOverdue" + before)
	overdue, err := t.MainTx.LockOverdue(ctx, channels)
	t.idle = len(overdue) == 0
	if !t.idle {
		t.reached("LockOverdue" + after)
	}
	return overdue, err
}

func (t *mainTx) LockNameHolder(ctx context.Context, group ids.Group, key string) ([]*channel.Facts, error) {
	return around(t, "LockNameHolder", func() ([]*channel.Facts, error) { return t.MainTx.LockNameHolder(ctx, group, key) })
}

func (t *mainTx) LockDueNameHolder(ctx context.Context, group ids.Group, key string) ([]*channel.Facts, error) {
	return around(t, "LockDueNameHolder", func() ([]*channel.Facts, error) { return t.MainTx.LockDueNameHolder(ctx, group, key) })
}

func (t *mainTx) Write(ctx context.Context, m *channel.Move) error {
	return t.aroundBare("Write", func() error { return t.MainTx.Write(ctx, m) })
}

func (t *mainTx) AppendSteps(ctx context.Context, steps []channel.Step) error {
	return t.aroundBare("AppendSteps", func() error { return t.MainTx.AppendSteps(ctx, steps) })
}
