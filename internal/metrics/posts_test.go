package metrics_test

import (
	"testing"

	"linkspan/internal/server/servertest"
)

// The first post to a channel is judged, the next find it as it was known, and a reply is judged again.
func TestPostsThatAreCounted(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{Shards: 1})
	play(t, s)
	url, ana := admin(t, s.Metrics), servertest.Admin(t, "ana@acme")
	id := firstChannel(t, s, ana)
	post := func(replyTo any) string {
		done := s.Must(ana, `mutation($id: ID!, $to: ID) { postMessage(input: {channelId: $id, body: "hello", replyToId: $to}) { message { id } } }`,
			map[string]any{"id": id, "to": replyTo})
		return servertest.Get[string](t, done, "postMessage", "message", "id")
	}
	root := post(nil)
	post(nil)
	post(nil)
	post(root)
	got := scrape(t, url)
	known, judged := got.value("linkspan_posts_total", "found", "known"), got.value("linkspan_posts_total", "found", "judged")
	if known != 2 || judged != 2 {
		t.Errorf("%v posts found their channel as it was known, and %v were judged, not 2 and 2", known, judged)
	}
}
