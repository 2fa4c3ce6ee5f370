package demo_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkspan/internal/channel"
	"linkspan/internal/demo"
	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
)

// clusters returns where acme, globex and initech live after the demo data was made twice.
func clusters(t *testing.T, options servertest.Options) []string {
	t.Helper()
	options.NoGroups = true
	s := servertest.New(t, options)
	for range 2 {
		if err := demo.Seed(t.Context(), s.Service); err != nil {
			t.Fatal(err)
		}
	}
	var found []string
	for _, handle := range []string{"acme", "globex", "initech"} {
		group, err := s.Service.Group(t.Context(), handle)
		if err != nil || group == nil {
			t.Fatalf("%s: %v %v", handle, group, err)
		}
		slot := s.Service.Shards.SlotOf(group.ID)
		found = append(found, s.Service.Shards.ClusterOf(ids.NewChannel(time.Now(), slot)))
	}
	ana := servertest.Admin(t, "ana@acme")
	seen := s.Must(ana, `{ viewer { sharedChannels { nodes { name state } } receivedInvitations { totalCount } } }`, nil)
	nodes := servertest.Get[[]any](t, seen, "viewer", "sharedChannels", "nodes")
	if len(nodes) != 1 || servertest.Get[string](t, nodes[0], "state") != "ACTIVE" ||
		servertest.Get[float64](t, seen, "viewer", "receivedInvitations", "totalCount") != 1 {
		t.Errorf("the demo data to ana: %v", seen)
	}
	wantConversation(t, s)
	return found
}

func TestDemoGroupsLiveApart(t *testing.T) {
	t.Parallel()
	for range 3 { // by chance alone they would in two of nine cases
		found := clusters(t, servertest.Options{})
		if found[0] == found[1] || found[1] == found[2] || found[0] == found[2] {
			t.Errorf("acme, globex and initech live on %v", found)
		}
	}
}

func TestDemoDataNeedsOneClusterOnly(t *testing.T) {
	t.Parallel()
	if found := clusters(t, servertest.Options{Shards: -1}); found[0] != found[1] {
		t.Errorf("one cluster has two names: %v", found)
	}
}

// wantConversation wants each side to see the conversation once, and its own private message alone.
func wantConversation(t *testing.T, s *servertest.Server) {
	t.Helper()
	const messages = `{ viewer { sharedChannels { nodes { messages { nodes {
		authorName audience replyTo { authorName } replyCount reactions { emoji count } mentions { name } } } } } } }`
	for user, want := range map[string][]string{
		"ana@acme": {
			"Ana EVERYONE 2 mentions=Gil",
			"Hua EVERYONE to Ana 0 🎉1",
			"Ben OWN_GROUP 0",
			"Ana EVERYONE to Ana 0 mentions=Hua",
		},
		"gil@globex": {
			"Ana EVERYONE 2 mentions=Gil",
			"Gil OWN_GROUP 0",
			"Hua EVERYONE to Ana 0 🎉1",
			"Ana EVERYONE to Ana 0 mentions=Hua",
		},
	} {
		seen := s.Must(servertest.Admin(t, user), messages, nil)
		channels := servertest.Get[[]any](t, seen, "viewer", "sharedChannels", "nodes")
		var got []string
		for _, m := range servertest.Get[[]any](t, channels[0], "messages", "nodes") {
			line := servertest.Get[string](t, m, "authorName") + " " + servertest.Get[string](t, m, "audience")
			if root, ok := m.(map[string]any)["replyTo"].(map[string]any); ok {
				line += " to " + servertest.Get[string](t, root, "authorName")
			}
			line += fmt.Sprint(" ", servertest.Get[float64](t, m, "replyCount"))
			for _, r := range servertest.Get[[]any](t, m, "reactions") {
				line += fmt.Sprint(" ", servertest.Get[string](t, r, "emoji"), servertest.Get[float64](t, r, "count"))
			}
			for _, r := range servertest.Get[[]any](t, m, "mentions") {
				line += " mentions=" + servertest.Get[string](t, r, "name")
			}
			got = append(got, line)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the conversation to %s: %s", user, diff)
		}
	}
}

// TestDemoConversationIsContinued has a start cut short behind the first messages, and one find what an earlier version made.
func TestDemoConversationIsContinued(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{NoGroups: true})
	ctx, end := context.WithCancel(t.Context())
	cut := *s.Service
	cut.Conversation = &cutShort{Conversation: s.Service.Conversation, end: end, left: 3}
	if err := demo.Seed(ctx, &cut); err == nil {
		t.Fatal("it was not cut short")
	}
	for range 2 {
		if err := demo.Seed(t.Context(), s.Service); err != nil {
			t.Fatal(err)
		}
	}
	wantConversation(t, s)
}

// cutShort is a conversation that ends with its context behind so many changes.
type cutShort struct {
	channel.Conversation
	end  func()
	left int
}

func (c *cutShort) Change(ctx context.Context, change channel.Change) (channel.Changed, error) {
	done, err := c.Conversation.Change(ctx, change)
	if c.left--; c.left == 0 {
		c.end()
	}
	return done, err
}
