//go:build long

package server_test

import (
	"testing"

	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/server"
	"linkspan/internal/server/jwkstest"
	"linkspan/internal/server/servertest"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

// Main and the identity provider hang. Who was let in before goes on in known channels, over HTTP and new sockets.
func TestKnownViewersNeedNeitherMainNorProvider(t *testing.T) {
	t.Parallel()
	clusters := localpgtest.Clusters(t, true, shardrouter.MainName, "shard-1")
	config := shardrouter.Config{
		MainDSN: clusters.DSN(shardrouter.MainName), Shards: []shardrouter.Shard{{Name: "shard-1", DSN: clusters.DSN("shard-1")}},
	}
	storetest.Migrate(t, config)
	key := jwkstest.NewKey(t, "1", "ES256")
	provider := jwkstest.New(key)
	s := newPlace(servertest.New(t, servertest.Options{Config: &config, Tokens: &server.TokenConfig{JWKSURL: provider.Listen(t)}}), "")
	ana, gil := key.Sign(t, claims(nil)), key.Sign(t, claims(object{"sub": "gil", "group": "globex"}))
	channel, invitation := offer(t, s, ana, "globex", "launch")
	succeed(t, s, gil, acceptDocument, object{"invitationId": invitation})
	s.Settled()

	provider.Hangs()
	localpgtest.Freeze(t, clusters, shardrouter.MainName)
	servertest.Eventually(t, "main is known to be down", func() bool {
		return unavailable(s.Post(ana, createDocument, object{"input": object{"target": s.to("globex"), "name": "another"}}))
	})
	for _, token := range []string{ana, gil} {
		answer := s.Post(token, `query($id: ID!) { viewer { user { name } group { handle } } node(id: $id) { ... on SharedChannel { name state } } }`, object{"id": channel})
		if len(answer.Errors) > 0 || servertest.Get[string](t, answer.Data, "node", "state") != "ACTIVE" {
			t.Errorf("got %s", answer.Body)
		}
	}
	expectBoth(t, s, ana, "ana", "without main and provider")
}
