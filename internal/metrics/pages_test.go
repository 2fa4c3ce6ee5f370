package metrics_test

import (
	"testing"

	"linkspan/internal/server/servertest"
)

// firstChannel is the first of a user's channels.
func firstChannel(t *testing.T, s *servertest.Server, token string) string {
	t.Helper()
	listed := s.Must(token, `{ viewer { sharedChannels(first: 1) { nodes { id } } } }`, nil)
	return servertest.Get[string](t, servertest.Get[[]any](t, listed, "viewer", "sharedChannels", "nodes")[0], "id")
}

// A page of a channel that was opened twice comes from memory, and behind what has happened there in between from its cluster.
func TestPagesThatAreOpened(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{Shards: 1})
	play(t, s)
	url, ana := admin(t, s.Metrics), servertest.Admin(t, "ana@acme")
	id := firstChannel(t, s, ana)
	open := func() {
		s.Must(ana, `query($id: ID!) { node(id: $id) { ... on SharedChannel { messages { nodes { body } } } } }`, map[string]any{"id": id})
	}
	for n, step := range []struct {
		do              func()
		memory, cluster float64
	}{
		{open, 0, 1}, {open, 0, 2}, {open, 1, 2}, {open, 2, 2},
		{func() {
			s.Must(ana, `mutation($id: ID!) { postMessage(input: {channelId: $id, body: "hello"}) { errors { code } } }`, map[string]any{"id": id})
		}, 2, 2},
		{open, 2, 3}, {open, 3, 3},
	} {
		step.do()
		got := scrape(t, url)
		memory, cluster := got.value("linkspan_pages_opened_total", "from", "memory"), got.value("linkspan_pages_opened_total", "from", "cluster")
		if memory != step.memory || cluster != step.cluster {
			t.Errorf("step %d: %v pages came from memory and %v from the cluster, not %v and %v", n, memory, cluster, step.memory, step.cluster)
		}
	}
	if bytes := scrape(t, url).value("linkspan_kept_pages_bytes"); bytes < 1000 || bytes > 10_000 {
		t.Errorf("one page takes %v bytes", bytes)
	}
}
