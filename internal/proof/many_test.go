package proof_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkspan/internal/channel"
)

// TestModelOfMany takes the model of a channel through the life that three groups may have with it. What each is shown, and
// what the tables then should hold, is written down here by hand.
func TestModelOfMany(t *testing.T) {
	t.Parallel()
	first, second, third := ana, targetAna, person{2, "ana"}
	l := begins(first, "launch")
	l.invites(first, second.group, "launch", true)
	const nothing = "nothing"
	for n, step := range []struct {
		deed  string
		do    func()
		shown [3]string
	}{
		{"another is asked too", func() { l.invites(first, third.group, "launch", true) }, [3]string{
			`PENDING[Group 0="launch"]`, nothing, nothing,
		}},
		{"the time of one runs out", func() { l.runsOut(0) }, [3]string{`PENDING[Group 0="launch"]`, nothing, nothing}},
		{"it is swept: the other keeps the channel open", l.sweep, [3]string{`PENDING[Group 0="launch"]`, nothing, nothing}},
		{"the other comes in", func() { l.accepts(1, channel.DeedAccept, third, "theirs") }, [3]string{
			`ACTIVE[Group 0="launch" Group 2="theirs"]`, nothing, `ACTIVE[Group 0="launch" Group 2="theirs"]`,
		}},
		{"the one is asked again, by the other", func() { l.invites(third, second.group, "theirs", true) }, [3]string{
			`ACTIVE[Group 0="launch" Group 2="theirs"]`, nothing, `ACTIVE[Group 0="launch" Group 2="theirs"]`,
		}},
		{"it comes in", func() { l.accepts(2, channel.DeedAccept, second, "launch") }, [3]string{
			`ACTIVE[Group 0="launch" Group 1="launch" Group 2="theirs"]`, `ACTIVE[Group 0="launch" Group 1="launch" Group 2="theirs"]`,
			`ACTIVE[Group 0="launch" Group 1="launch" Group 2="theirs"]`,
		}},
		{"it leaves", func() { l.parts(second.group, channel.LinkLeft, second) }, [3]string{
			`ACTIVE[Group 0="launch" Group 2="theirs"]`, `DISCONNECTED[Group 1="launch"]`, `ACTIVE[Group 0="launch" Group 2="theirs"]`,
		}},
		{"it is asked again, and its time runs out", func() {
			l.invites(first, second.group, "launch", true)
			l.runsOut(3)
			l.sweep()
		}, [3]string{
			`ACTIVE[Group 0="launch" Group 2="theirs"]`, `DISCONNECTED[Group 1="launch"]`, `ACTIVE[Group 0="launch" Group 2="theirs"]`,
		}},
		{"it comes back", func() {
			l.invites(first, second.group, "launch", true)
			l.accepts(4, channel.DeedAccept, second, "again")
		}, [3]string{
			`ACTIVE[Group 0="launch" Group 1="again" Group 2="theirs"]`, `ACTIVE[Group 0="launch" Group 1="again" Group 2="theirs"]`,
			`ACTIVE[Group 0="launch" Group 1="again" Group 2="theirs"]`,
		}},
		{"the third is removed", func() { l.parts(third.group, channel.LinkRemoved, first) }, [3]string{
			`ACTIVE[Group 0="launch" Group 1="again"]`, `ACTIVE[Group 0="launch" Group 1="again"]`, `DISCONNECTED[Group 2="theirs"]`,
		}},
		{"home leaves", func() { l.parts(first.group, channel.LinkLeft, first) }, [3]string{
			`DISCONNECTED[Group 0="launch"]`, `ACTIVE[Group 1="again"]`, `DISCONNECTED[Group 2="theirs"]`,
		}},
		{"the last one asks home, and leaves", func() {
			l.invites(second, first.group, "again", true)
			l.parts(second.group, channel.LinkLeft, second)
		}, [3]string{`ARCHIVED[Group 0="launch"]`, `ARCHIVED[Group 1="again"]`, `ARCHIVED[Group 2="theirs"]`}},
	} {
		step.do()
		if shown := [3]string{l.describe(0), l.describe(1), l.describe(2)}; shown != step.shown {
			t.Errorf("%d, %s: shown %q, want %q", n, step.deed, shown, step.shown)
		}
	}
	var got []string
	l.facts(7, func(format string, args ...any) { got = append(got, fmt.Sprintf(format, args...)) })
	slices.Sort(got)
	want := []string{
		"channel log channel-7 1 GROUP_LINKED group-0",
		"channel log channel-7 2 GROUP_LINKED group-2",
		"channel log channel-7 3 GROUP_LINKED group-1",
		"channel log channel-7 4 GROUP_UNLINKED group-1",
		"channel log channel-7 5 GROUP_LINKED group-1",
		"channel log channel-7 6 GROUP_UNLINKED group-2",
		"channel log channel-7 7 GROUP_UNLINKED group-0",
		"channel log channel-7 8 GROUP_UNLINKED group-1",
		"channel shard channel-7 ARCHIVED of group-0",
		"main: channel channel-7 ARCHIVED of group-0",
		"main: link channel-7 group-0 INITIATOR LEFT 2 invitation-7.5 launch",
		"main: link channel-7 group-1 TARGET LEFT 7 invitation-7.4 again",
		"main: link channel-7 group-2 TARGET REMOVED 3 invitation-7.1 theirs",
		"side channel-7 group-0 INITIATOR LEFT 2 launch until 7",
		"side channel-7 group-1 TARGET LEFT 7 again until 8",
		"side channel-7 group-2 TARGET REMOVED 3 theirs until 6",
		"took part channel-7 group-0 ana 0 0",
		"took part channel-7 group-1 ana 0 0",
		"took part channel-7 group-2 ana 0 0",
	}
	for group := range 3 {
		want = append(want, fmt.Sprintf("list of group-%d channel-7", group))
	}
	for n, in := range []struct {
		from, to  int
		state, by string
		events    string
		deed      string
	}{
		{0, 1, "EXPIRED", "", "INVITATION_CHANGED", "EXPIRE"},
		{0, 2, "ACCEPTED", "ana", "SHARED_CHANNEL_LINKED", "ACCEPT"},
		{2, 1, "ACCEPTED", "ana", "SHARED_CHANNEL_LINKED", "ACCEPT"},
		{0, 1, "EXPIRED", "", "INVITATION_CHANGED", "EXPIRE"},
		{0, 1, "ACCEPTED", "ana", "SHARED_CHANNEL_LINKED", "ACCEPT"},
		{1, 0, "REVOKED", "ana", "INVITATION_CHANGED", "REVOKE"},
	} {
		want = append(want,
			fmt.Sprintf("main: invitation invitation-7.%d from group-%d to group-%d channel-7 %s 2 %s", n, in.from, in.to, in.state, in.by),
			fmt.Sprintf("main: history of invitation-7.%d: CREATE PENDING, %s %s", n, in.deed, in.state),
			fmt.Sprintf("list of group-%d SENT invitation-7.%d %s 2 %s", in.from, n, in.state, in.by),
			fmt.Sprintf("list of group-%d RECEIVED invitation-7.%d %s 2 %s", in.to, n, in.state, in.by),
			fmt.Sprintf("inbox of group-%d invitation-7.%d 1 INVITATION_CHANGED", in.from, n),
			fmt.Sprintf("inbox of group-%d invitation-7.%d 1 INVITATION_RECEIVED", in.to, n),
			fmt.Sprintf("inbox of group-%d invitation-7.%d 2 %s", in.from, n, in.events),
			fmt.Sprintf("inbox of group-%d invitation-7.%d 2 %s", in.to, n, in.events))
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the tables (-want +got):\n%s", diff)
	}
}

// TestModelCloses has the last of several invitations end: only then a channel that nobody has come into is closed.
func TestModelCloses(t *testing.T) {
	t.Parallel()
	m := newModel()
	m.apply(operation{do: create, by: ana, target: 1, name: "launch"})
	l := &m.lives[0]
	l.invites(ana, 2, "launch", true)
	for n, step := range []struct {
		op    operation
		state channel.SharedChannelState
		free  string // what the name launch would be for another channel of the first group
	}{
		{operation{do: decline, by: targetAna}, channel.ChannelPending, "launch 2"},
		{operation{do: expire, in: 1}, channel.ChannelClosed, "launch"},
	} {
		m.apply(step.op)
		if free := m.clone().free(0, "launch"); l.state != step.state || free != step.free {
			t.Errorf("%d: the channel is %s, and %q is free", n, l.state, free)
		}
	}
	if k := l.link(0); k.state != channel.LinkClosed || k.version != 2 {
		t.Errorf("home's link is %+v", k)
	}
	if again := m.apply(operation{do: decline, by: targetAna}); again.refused != "" || again.in != 0 {
		t.Errorf("declined again: %+v", again)
	}
	if late := m.apply(operation{do: accept, by: person{2, "ana"}, in: 1}); late.state != channel.InvitationExpired {
		t.Errorf("accepted too late: %+v", late)
	}
}
