//go:build long

package proof_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"linkspan/internal/channel"
)

// glimpsed is a list that a client looks at, and what an inbox log says should be in it.
type glimpsed struct {
	group    string
	document string
	// entry returns the id of what an event adds to the list, "" if nothing.
	entry func(event channel.LogEvent, before map[string]bool) string
}

var glimpses = []glimpsed{{
	group:    "globex",
	document: `{ viewer { list: receivedInvitations(first: 20) { nodes { id } totalCount logCursor } } }`,
	entry: func(event channel.LogEvent, _ map[string]bool) string {
		if event.Kind != channel.EventInvitationReceived {
			return ""
		}
		return event.Invitation.String()
	},
}, {
	group:    "globex",
	document: `{ viewer { list: sharedChannels(first: 20) { nodes { id } logCursor } } }`,
	entry: func(event channel.LogEvent, _ map[string]bool) string {
		if event.Kind != channel.EventSharedChannelLinked {
			return ""
		}
		return event.Channel.String()
	},
}, {
	group:    "acme",
	document: `{ viewer { list: sentInvitations(first: 20) { nodes { id } totalCount logCursor } } }`,
	entry: func(event channel.LogEvent, before map[string]bool) string { // sending one is its first change
		if id := event.Invitation.String(); event.Kind == channel.EventInvitationChanged && !before[id] {
			return id
		}
		return ""
	},
}}

// glimpse is a page of a list, and what was heard when its reader went on from it.
type glimpse struct {
	of    int // in glimpses
	nodes []string
	total *int // nil: the list does not tell
	tail  *follower
}

// glance takes a page and follows from its cursor until the replay has ended, and then, if it lingers, until something came.
func glance(ctx context.Context, t testing.TB, f *front, by *caller, of int, linger func(over bool) bool) (*glimpse, error) {
	var answer struct {
		Viewer struct {
			List struct {
				Nodes      []struct{ ID string }
				TotalCount *int
				LogCursor  string
			}
		}
	}
	if err := by.Do(ctx, glimpses[of].document, "", nil, &answer); err != nil {
		return nil, err
	}
	list := answer.Viewer.List
	g := &glimpse{of: of, total: list.TotalCount, tail: f.followFrom(t, by.Token, glimpses[of].group, list.LogCursor)}
	for _, node := range list.Nodes {
		g.nodes = append(g.nodes, node.ID)
	}
	replayed, lingers := false, false
	err := g.tail.listen(ctx, func(typename string) bool {
		if typename == "InboxCheckpoint" && !replayed {
			replayed = true
			lingers = len(g.tail.heard) == 0 && linger(false)
		}
		return replayed && (!lingers || len(g.tail.heard) > 0)
	})
	if lingers {
		linger(true)
	}
	return g, err
}

// wrong says what is missing, or too much, in the page and what followed, by the log; "" if nothing is.
func (g *glimpse) wrong(log []channel.LogEvent) string {
	var entries []string
	before := make(map[string]bool)
	for _, event := range log[:g.tail.begin] {
		if id := glimpses[g.of].entry(event, before); id != "" {
			entries = append(entries, id)
			before[id] = true
		}
	}
	newest := slices.Clone(entries[max(0, len(entries)-20):])
	slices.Reverse(newest)
	if !slices.Equal(g.nodes, newest) {
		return fmt.Sprintf("the page at %d is %v, the log has %v", g.tail.begin, g.nodes, newest)
	}
	if g.total != nil && *g.total != len(entries) {
		return fmt.Sprintf("the list at %d has %d entries in all, the log has %d", g.tail.begin, *g.total, len(entries))
	}
	return g.tail.wrong(log, g.tail.reached.Load())
}

// wrong says where what was heard differs from the log between where the follower began and an end; "" if nowhere.
func (l *follower) wrong(log []channel.LogEvent, end int64) string {
	want := written(log)[l.begin:end]
	for i, event := range l.heard {
		if i >= len(want) || event != want[i] {
			return fmt.Sprintf("%s behind %d: event %d is %v, the log has %v", l.group, l.begin, i+1, event, want[min(i, len(want)):])
		}
	}
	if len(l.heard) < len(want) {
		return fmt.Sprintf("%s behind %d: %d events, the log has %d", l.group, l.begin, len(l.heard), len(want))
	}
	return ""
}
