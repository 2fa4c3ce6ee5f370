//go:build long

package proof_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/gqlclient"
	"linkspan/internal/localpg"
	"linkspan/internal/server/servertest"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

// site is the whole program on clusters of its own, with the limits that it has in earnest.
type site struct {
	*servertest.Server
	clusters *localpg.Clusters
	wires    []*wire
	transfer *http.Transport
	parties  int
}

// newSite starts the program on clusters whose DSNs, by name, may lead through wires.
func newSite(t *testing.T, clusters *localpg.Clusters, dsns map[string]string) *site {
	t.Helper()
	config := shardrouter.Config{MainDSN: dsns[shardrouter.MainName]}
	for n := 1; dsns[fmt.Sprintf("shard-%d", n)] != ""; n++ {
		name := fmt.Sprintf("shard-%d", n)
		config.Shards = append(config.Shards, shardrouter.Shard{Name: name, DSN: dsns[name]})
	}
	storetest.Migrate(t, config)
	s := &site{clusters: clusters, transfer: &http.Transport{MaxIdleConnsPerHost: 64}}
	s.Server = servertest.New(t, servertest.Options{Config: &config, NoGroups: true})
	t.Cleanup(s.transfer.CloseIdleConnections)
	return s
}

// party is an admin of a group of its own.
type party struct {
	handle string
	client *gqlclient.Client
}

// partyOn registers a group whose slot is on the cluster.
func (s *site) partyOn(t *testing.T, cluster string) *party {
	t.Helper()
	for {
		s.parties++
		handle := fmt.Sprintf("group-%d", s.parties)
		if s.Router.ClusterOf(shardrouter.SlotOf(s.For(t).Register(handle).ID.Bytes())) == cluster {
			return &party{handle, &gqlclient.Client{
				URL: s.URL + "/graphql", Token: servertest.Admin(t, "ana@"+handle),
				HTTP: &http.Client{Transport: s.transfer, Timeout: servertest.Patience},
			}}
		}
	}
}

// faultOn is the cluster that a fault was about, as the server's log tells, "" if it does not tell.
func (s *site) faultOn(fault *gqlclient.Error) string {
	for line := range strings.Lines(s.Logs.String()) {
		if strings.Contains(line, fault.RequestID) && strings.Contains(line, `"msg":"fault"`) {
			_, after, _ := strings.Cut(line, `cluster `)
			name, _, _ := strings.Cut(after, " ")
			return name
		}
	}
	return ""
}

// unavailableFault is the fault that says so and that a repetition is right, or nil.
func unavailableFault(err error) *gqlclient.Error {
	var fault *gqlclient.Error
	if errors.As(err, &fault) && fault.Code == "SHARD_UNAVAILABLE" && fault.Retryable {
		return fault
	}
	return nil
}

// holdings is what a process holds of what could pile up.
type holdings struct {
	goroutines int            // but those of wires
	backends   map[string]int // by cluster: the server's processes for the program
}

// atRest waits until every step has taken effect and no connection is in use, and tells what is still held.
func (s *site) atRest(t *testing.T) holdings {
	t.Helper()
	s.transfer.CloseIdleConnections()
	held := holdings{backends: make(map[string]int)}
	s.Settled()
	for _, database := range s.databases() {
		servertest.Eventually(t, "the backends of "+database.Name()+" are those in the pool", func() bool {
			stat := database.Pool().Stat()
			n, err := s.backends(t.Context(), database.Name())
			held.backends[database.Name()] = n
			return err == nil && stat.AcquiredConns() == 0 && int(stat.TotalConns()) == n && n <= int(stat.MaxConns())
		})
	}
	held.goroutines = runtime.NumGoroutine()
	for _, w := range s.wires {
		held.goroutines -= int(w.workers.Load())
	}
	return held
}

// databases are main and the shards.
func (s *site) databases() []*shardrouter.Database {
	all := []*shardrouter.Database{s.Router.Main()}
	for _, name := range s.Router.Clusters() {
		database, _ := s.Router.Cluster(name)
		all = append(all, database)
	}
	return all
}

// backends counts a cluster's processes for the program.
func (s *site) backends(ctx context.Context, cluster string) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, storetest.DSN(s.Config, cluster))
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'linkspan'").Scan(&n)
	return n, err
}
