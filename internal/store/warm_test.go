package store_test

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

// preparedOn are the statements that each idle connection to a cluster has prepared about shards.
func (w *world) preparedOn(database *shardrouter.Database) (all [][]string) {
	w.t.Helper()
	for _, conn := range database.Pool().AcquireAllIdle(w.t.Context()) {
		var statements []string
		err := conn.QueryRow(w.t.Context(), `SELECT array_agg(statement ORDER BY statement) FROM pg_prepared_statements WHERE statement LIKE '%linkspan_shard%'`).Scan(&statements)
		w.must(err)
		all = append(all, statements)
		defer conn.Release()
	}
	return all
}

// Connections that were warmed up have what posts and readers of a channel ask: these prepare nothing.
func TestWarmUp(t *testing.T) {
	t.Parallel()
	config := storetest.Config(t, 3)
	w := newWorld(t, config)
	id, _ := w.talkIn("launch", 2)
	fresh, router := storetest.OpenConfig(t, config)
	w.must(fresh.WarmUp(t.Context(), 2))
	for _, name := range router.Clusters() {
		database, _ := router.Cluster(name)
		warm := w.preparedOn(database)
		if len(warm) != 2 || len(warm[0]) == 0 || !slices.Equal(warm[0], warm[1]) {
			t.Fatalf("%s: %d connections have prepared %.500q", name, len(warm), warm)
		}
		if name != w.ClusterOf(id) {
			continue
		}
		if done, err := fresh.Change(t.Context(), w.said(id, "hello")); err != nil || !done.Done {
			t.Fatalf("%+v, %v", done, err)
		}
		_, err := fresh.OpenChannel(t.Context(), as(w.user(w.acme, "ana").ID), id, true, &channel.MessageRange{Limit: 20, Backward: true})
		w.must(err)
		for _, after := range w.preparedOn(database) {
			for _, statement := range after {
				if !slices.Contains(warm[0], statement) {
					t.Errorf("a post or a reader had this prepared:\n%s", statement)
				}
			}
		}
	}
}

// Half of a pool is left to those who ask.
func TestWarmUpOfASmallPool(t *testing.T) {
	t.Parallel()
	config := storetest.Config(t, 1)
	config.PoolSize = 3
	s, router := storetest.OpenConfig(t, config)
	if err := s.WarmUp(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	shard, _ := router.Cluster(config.Shards[0].Name)
	if n := shard.Pool().Stat().TotalConns(); n != 1 {
		t.Errorf("there are %d connections, want one of three", n)
	}
}

// A cluster that does not answer is told of, and the others are warmed up.
func TestWarmUpWithoutACluster(t *testing.T) {
	t.Parallel()
	config := storetest.Config(t, 2)
	s, router := storetest.OpenConfig(t, config)
	dead, _ := router.Cluster(config.Shards[0].Name)
	dead.Pool().Close()
	err := s.WarmUp(t.Context(), 2)
	alive, _ := router.Cluster(config.Shards[1].Name)
	if n := alive.Pool().Stat().TotalConns(); err == nil || n != 2 {
		t.Errorf("the other cluster has %d connections, want 2; the error is %v", n, err)
	}
}

// Connections that the pool lets go of are replaced before anybody asks.
func TestKeepWarm(t *testing.T) {
	t.Parallel()
	config := storetest.Config(t, 1)
	s, router := storetest.OpenConfig(t, config)
	shard, _ := router.Cluster(config.Shards[0].Name)
	ctx, stop := context.WithCancel(t.Context())
	var warming sync.WaitGroup
	warming.Go(func() { s.KeepWarm(ctx, 2, 10*time.Millisecond, func(err error) { t.Error(err) }) })
	for range 3 {
		before := shard.Pool().Stat().NewConnsCount()
		shard.Pool().Reset()
		deadline := time.Now().Add(20 * time.Second)
		for shard.Pool().Stat().NewConnsCount() < before+2 {
			if time.Now().After(deadline) {
				t.Fatal("the connections that were closed are not replaced")
			}
			runtime.Gosched()
		}
	}
	stop()
	warming.Wait()
}
