//go:build long

package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"linkspan/internal/check"
	"linkspan/internal/failpoint"
	"linkspan/internal/gqlclient"
	"linkspan/internal/ids"
	"linkspan/internal/localpg"
	"linkspan/internal/server"
	"linkspan/shardrouter"
)

// crashShards are the shards of each installation that crashes: the initiator's, the target's, and one that has no part
// in what they do.
var crashShards = []string{"shard-1", "shard-2", "shard-3"}

// lane is an installation with databases of its own and at most one running program, for one crash after the other.
type lane struct {
	t        *testing.T
	clusters *localpg.Clusters
	config   shardrouter.Config
	secret   []byte
	pools    map[string]*pgxpool.Pool
	groups   atomic.Int64
	spare    map[string][]*party // groups that came to lie on a cluster where nobody wanted one yet

	p     *program
	ttl   time.Duration // of the program that runs
	first failpoint.Command

	mu      sync.Mutex
	url     string
	changed chan struct{} // closed when the url changes
}

// party is a group and its admin.
type party struct {
	handle, token string // of an admin
	member        string // the token of a member
	id            ids.Group
}

// newLanes makes installations in databases of their own.
func newLanes(t *testing.T, n int, clusters func(lane int) *localpg.Clusters) []*lane {
	t.Helper()
	lanes := make([]*lane, n)
	var making errgroup.Group
	for i := range lanes {
		on := clusters(i)
		making.Go(func() (err error) {
			lanes[i], err = newLane(t, on, fmt.Sprintf("lane_%d", i))
			return err
		})
	}
	if err := making.Wait(); err != nil {
		t.Fatal(err)
	}
	return lanes
}

func newLane(t *testing.T, clusters *localpg.Clusters, database string) (*lane, error) {
	key := make([]byte, minSecretBytes)
	rand.Read(key)
	l := &lane{
		t: t, clusters: clusters, secret: []byte(hex.EncodeToString(key)), pools: map[string]*pgxpool.Pool{},
		spare: map[string][]*party{}, changed: make(chan struct{}),
	}
	for _, cluster := range crashClusters() {
		conn, err := pgx.Connect(t.Context(), clusters.DSN(cluster))
		if err != nil {
			return nil, err
		}
		_, err = conn.Exec(t.Context(), "CREATE DATABASE "+database)
		dsn := clusters.DatabaseDSN(cluster, database)
		if err := errors.Join(err, conn.Close(t.Context())); err != nil {
			return nil, err
		}
		if l.pools[cluster], err = pgxpool.New(t.Context(), dsn); err != nil {
			return nil, err
		}
		t.Cleanup(l.pools[cluster].Close)
		if cluster == shardrouter.MainName {
			l.config.MainDSN = dsn
		} else {
			l.config.Shards = append(l.config.Shards, shardrouter.Shard{Name: cluster, DSN: dsn})
		}
	}
	return l, prepare(t.Context(), l.config, nil)
}

// start starts the program, which must not run, with a first command.
func (l *lane) start(ttl time.Duration, first failpoint.Command) (ready chan string) {
	l.t.Helper()
	var shards []string
	for _, shard := range l.config.Shards {
		shards = append(shards, shard.Name+"="+shard.DSN)
	}
	env := []string{
		"LINKSPAN_RATE=0", "LINKSPAN_MAIN_DSN=" + l.config.MainDSN, "LINKSPAN_SHARD_DSNS=" + strings.Join(shards, ","),
		"LINKSPAN_JWT_SECRET=" + string(l.secret), "LINKSPAN_POOL_SIZE=8",
	}
	if ttl > 0 {
		env = append(env, "LINKSPAN_INVITATION_TTL="+ttl.String())
	}
	l.p, ready = startProgram(l.t, env, first)
	l.ttl, l.first = ttl, first
	return ready
}

// serve waits until the program is ready, and lets everybody know where it is. One that ends because a cluster did not
// answer in time, as on a machine that is overloaded, is started again, as whoever runs it does.
func (l *lane) serve(ready chan string) {
	l.t.Helper()
	late := time.After(crashPatience)
	for {
		select {
		case url := <-ready:
			l.mu.Lock()
			defer l.mu.Unlock()
			l.url = url
			close(l.changed)
			l.changed = make(chan struct{})
			return
		case <-l.p.died:
			l.t.Logf("the program did not start and is started again: %s", l.p.errs.String())
			ready = l.start(l.ttl, l.first)
		case <-late:
			l.t.Fatal("the program is never ready")
		}
	}
}

// running lets a program run that makes invitations of that length of life.
func (l *lane) running(ttl time.Duration) {
	l.t.Helper()
	if l.p != nil && l.ttl == ttl {
		return
	}
	if l.p != nil {
		l.p.kill()
	}
	l.serve(l.start(ttl, failpoint.Command{Do: failpoint.Off}))
}

// where is the program's endpoint, and what is closed when it is another.
func (l *lane) where() (string, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.url, l.changed
}

// client is that of a bearer; each has connections of its own.
func (l *lane) client(token string) *gqlclient.Client {
	url, _ := l.where()
	alone := &http.Client{Timeout: crashPatience, Transport: &http.Transport{DisableKeepAlives: true}}
	return &gqlclient.Client{URL: url, Token: token, HTTP: alone}
}

func (l *lane) sign(claims server.Claims, subject string) string {
	l.t.Helper()
	claims.Subject = subject
	token, err := server.SignToken(l.secret, claims, time.Hour)
	if err != nil {
		l.t.Fatal(err)
	}
	return token
}

const registerDocument = `mutation ($in: RegisterGroupInput!) { registerGroup(input: $in) { errors { message } } }`

// group registers a group that no run has had, whose data is on the cluster.
func (l *lane) group(cluster string) *party {
	l.t.Helper()
	operator := l.client(l.sign(server.Claims{Role: server.RoleOperator}, "operator"))
	for len(l.spare[cluster]) == 0 {
		g := &party{handle: fmt.Sprintf("group-%d", l.groups.Add(1))}
		g.token = l.sign(server.Claims{Group: g.handle, Role: server.RoleAdmin}, "ana")
		g.member = l.sign(server.Claims{Group: g.handle, Role: server.RoleMember}, "ben")
		in := map[string]any{"handle": g.handle, "name": g.handle, "idempotencyKey": g.handle}
		err := within(converges, func() error { // a cluster may be just back
			var answer struct {
				RegisterGroup struct{ Errors []struct{ Message string } }
			}
			err := operator.Do(l.t.Context(), registerDocument, "", map[string]any{"in": in}, &answer)
			if refusals := answer.RegisterGroup.Errors; err == nil && len(refusals) > 0 {
				err = fmt.Errorf("refused: %v", refusals)
			}
			return err
		})
		if err != nil {
			l.t.Fatal(err)
		}
		var on string
		err = l.pools[shardrouter.MainName].QueryRow(l.t.Context(), `
			SELECT g.group_id, s.cluster FROM linkspan_main.groups AS g JOIN linkspan_main.slot AS s USING (slot)
			WHERE g.handle = $1`, g.handle).Scan(&g.id, &on)
		if err != nil {
			l.t.Fatal(err)
		}
		l.spare[on] = append(l.spare[on], g)
	}
	g := l.spare[cluster][0]
	l.spare[cluster] = l.spare[cluster][1:]
	return g
}

// settled tells what main still has to do: steps to deliver, overdue invitations to end.
func (l *lane) settled() error {
	var steps, overdue int
	err := l.pools[shardrouter.MainName].QueryRow(l.t.Context(), `
		SELECT (SELECT count(*) FROM linkspan_main.outbox_step),
			(SELECT count(*) FROM linkspan_main.invitation WHERE state = 'PENDING' AND expires_at <= now())`).Scan(&steps, &overdue)
	if err == nil && steps+overdue > 0 {
		err = fmt.Errorf("%d steps are open and %d invitations overdue", steps, overdue)
	}
	return err
}

// checkAll holds the installation to all invariants.
func (l *lane) checkAll() {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), crashPatience)
	defer cancel()
	config := l.config
	config.Logger = slog.New(slog.DiscardHandler)
	router, err := shardrouter.Open(ctx, config)
	if err != nil {
		l.t.Fatal(err)
	}
	defer router.Close()
	report, err := check.Run(ctx, router, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	if !report.OK() || report.InFlight > 0 {
		l.t.Errorf("the check: %d in flight, %v", report.InFlight, report.Breaches)
	}
	l.t.Logf("the check: %d channels and %d groups compared, %d invariants", report.Channels, report.Groups, report.Invariants)
}
