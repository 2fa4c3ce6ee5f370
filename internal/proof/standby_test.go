//go:build long

package proof_test

import (
	"testing"
	"time"

	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/server/servertest"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

// TestTroubleStandbyHangs lets a synchronous standby hang. A commit then waits until its connection is given up, which
// makes it visible on the primary alone. Nobody may be told of it as done, for the primary dies, and the standby takes
// over without it.
func TestTroubleStandbyHangs(t *testing.T) {
	t.Parallel()
	for cluster, trace := range map[string]string{
		shardrouter.MainName: `SELECT count(*) FROM linkspan_main.channel`,
		"shard-1":            `SELECT count(*) FROM linkspan_shard.group_channel`,
	} {
		t.Run(cluster, func(t *testing.T) {
			t.Parallel()
			standbyHangs(t, cluster, trace)
		})
	}
}

// standbyHangs lets the cluster's standby hang while a channel is made that leaves a trace on the cluster.
func standbyHangs(t *testing.T, cluster, trace string) {
	clusters := localpgtest.Clusters(t, true, "main", "shard-1", "other")
	standby := localpgtest.NewStandby(t, clusters, cluster, "other")
	dsns := map[string]string{"main": clusters.DSN("main"), "shard-1": clusters.DSN("shard-1"), cluster: standby.DSN}
	config := shardrouter.Config{
		MainDSN: dsns["main"], Shards: []shardrouter.Shard{{Name: "shard-1", DSN: dsns["shard-1"]}}, StatementTimeout: time.Second,
	}
	storetest.Migrate(t, config)
	s := servertest.New(t, servertest.Options{Config: &config})
	ana := servertest.Admin(t, "ana@acme")
	create := func() servertest.Answer {
		return s.Post(ana, `mutation { createSharedChannel(input: {target: {handle: "globex"}, name: "plan", idempotencyKey: "once"}) {
			sharedChannel { id state } errors { message }
		} }`, nil)
	}
	if state, err := standby.SyncState(t.Context()); state != "sync" || err != nil {
		t.Fatalf("the standby is %q: %v", state, err)
	}
	thaw := localpgtest.Freeze(t, clusters, "other")
	for n := range 3 {
		answer := create()
		if len(answer.Errors) == 0 {
			t.Fatalf("call %d is acknowledged, and only the primary has it: %s", n, answer.Body)
		}
		t.Logf("call %d: %s", n, answer.Errors[0].Code())
	}
	database := s.Router.Main()
	if cluster != shardrouter.MainName {
		database, _ = s.Router.Cluster(cluster)
	}
	servertest.Eventually(t, "the primary alone shows a commit that was given up", func() bool {
		seen := 0
		err := database.Pool().QueryRow(t.Context(), trace).Scan(&seen)
		return err == nil && seen > 0
	})

	clusters.Kill(cluster)
	thaw()
	standby.Promote(t)
	var answer servertest.Answer
	servertest.Eventually(t, "the standby serves", func() bool {
		answer = create()
		return len(answer.Errors) == 0
	})
	if again := create(); again.Body != answer.Body {
		t.Errorf("the key's answer was %s and is %s", answer.Body, again.Body)
	}
	s.Settled()
	audit(t, s.Router)
}
