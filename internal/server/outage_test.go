//go:build long

package server_test

import (
	"fmt"
	"strings"
	"testing"

	"linkspan/internal/ids"
	"linkspan/internal/localpg"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/server/servertest"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

// apart is a server on real clusters with two groups on different ones.
func apart(t *testing.T) (s *place, clusters *localpg.Clusters, near, far string) {
	t.Helper()
	names := []string{shardrouter.MainName, "shard-1", "shard-2"}
	clusters = localpgtest.Clusters(t, true, names...)
	config := shardrouter.Config{MainDSN: clusters.DSN(names[0])}
	for _, name := range names[1:] {
		config.Shards = append(config.Shards, shardrouter.Shard{Name: name, DSN: clusters.DSN(name)})
	}
	storetest.Migrate(t, config)
	s = &place{Server: servertest.New(t, servertest.Options{Config: &config})}
	clusterOf := func(id ids.Group) string { return s.Router.ClusterOf(shardrouter.SlotOf(id.Bytes())) }
	near = "acme"
	for n := 0; far == ""; n++ {
		if other := s.Register(fmt.Sprintf("far-%d", n)); clusterOf(other.ID) != clusterOf(s.Register(near).ID) {
			far = other.Handle
		}
	}
	return s, clusters, near, far
}

const nodesDocument = `query ($ids: [ID!]!) { nodes(ids: $ids) { id } }`

const listDocument = `{ viewer { id sharedChannels(first: 10) { edges { node { id } } nodes { id } } } }`

// One cluster hangs. What needs it says so; all else goes on; and what was decided meanwhile arrives by itself.
func TestAClusterHangs(t *testing.T) {
	t.Parallel()
	s, clusters, near, far := apart(t)
	ana, gil := servertest.Admin(t, "ana@"+near), servertest.Admin(t, "gil@"+far)
	// A channel of each side, both known to near; and an invitation that far will accept.
	here, _ := offer(t, s, ana, far, "here")
	there, invitation := offer(t, s, gil, near, "there")
	succeed(t, s, ana, acceptDocument, object{"invitationId": invitation, "name": "from there"})
	_, open := offer(t, s, ana, far, "open")

	thaw := localpgtest.Freeze(t, clusters, s.Router.ClusterOf(slotOf(t, s, far)))
	servertest.Eventually(t, "the router knows that the cluster is down", func() bool {
		return unavailable(s.Post(gil, `{ viewer { inboxCursor } }`, nil))
	})

	// The target's cluster is not needed to ask, nor to look at what is one's own.
	_, late := offer(t, s, ana, far, "while far is down")
	list := s.Post(ana, listDocument, nil)
	if len(list.Errors) != 2 || !unavailable(list) {
		t.Fatalf("a page with a channel of the other cluster: %s", list.Body)
	}
	for i, path := range []string{"viewer.sharedChannels.edges.", "viewer.sharedChannels.nodes."} {
		if got := pathOf(list.Errors[i]); !strings.HasPrefix(got, path) {
			t.Errorf("error %d is at %s", i, got)
		}
	}
	var shown int
	for _, node := range servertest.Get[[]any](t, list.Data, "viewer", "sharedChannels", "nodes") {
		if node != nil {
			shown++
		}
	}
	if want := 3; shown != want { // here, open, while far is down
		t.Errorf("%d channels are shown, want %d: %s", shown, want, list.Body)
	}
	nodes := s.Post(ana, nodesDocument, object{"ids": []string{here, there}})
	if len(nodes.Errors) != 1 || !unavailable(nodes) || pathOf(nodes.Errors[0]) != "nodes.1" ||
		servertest.Get[any](t, nodes.Data, "nodes", 0) == nil || nodes.Data["nodes"].([]any)[1] != nil {
		t.Errorf("nodes: %s", nodes.Body)
	}

	// Accepting needs the acceptor's own cluster for the answer, not for the decision.
	accept := func() servertest.Answer {
		return s.Post(gil, acceptDocument, object{"input": object{"invitationId": open, "name": "accepted meanwhile"}})
	}
	if answer := accept(); !unavailable(answer) {
		t.Errorf("accept without the own cluster: %s", answer.Body)
	}
	servertest.Eventually(t, "the initiator sees the link", func() bool {
		sent := s.Must(ana, `{ viewer { sentInvitations(states: [ACCEPTED]) { nodes { id } } } }`, nil)
		return strings.Contains(fmt.Sprint(sent), open)
	})

	thaw()
	servertest.Eventually(t, "the invitation of meanwhile has arrived", func() bool {
		got := s.Post(gil, `{ viewer { receivedInvitations { nodes { id } } } }`, nil)
		return strings.Contains(got.Body, late)
	})
	servertest.Eventually(t, "the channel of meanwhile has arrived", func() bool {
		return strings.Contains(s.Post(gil, `{ viewer { sharedChannels { nodes { name } } } }`, nil).Body, "accepted meanwhile")
	})
	if answer := accept(); len(answer.Errors) > 0 || strings.Contains(answer.Body, `"code"`) {
		t.Errorf("accept repeated: %s", answer.Body)
	}
}

func slotOf(t *testing.T, s *place, handle string) shardrouter.Slot {
	t.Helper()
	return shardrouter.SlotOf(s.For(t).Register(handle).ID.Bytes())
}

// unavailable tells that all errors of an answer are retryable SHARD_UNAVAILABLE, and that there are some.
func unavailable(answer servertest.Answer) bool {
	for _, err := range answer.Errors {
		if retryable, _ := err.Extensions["retryable"].(bool); err.Code() != "SHARD_UNAVAILABLE" || !retryable {
			return false
		}
	}
	return len(answer.Errors) > 0
}

func pathOf(err servertest.Error) string {
	steps := make([]string, len(err.Path))
	for i, step := range err.Path {
		steps[i] = fmt.Sprint(step)
	}
	return strings.Join(steps, ".")
}
