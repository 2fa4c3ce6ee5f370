package proof_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

// patience is how long a test waits for what happens by itself: far longer than it takes.
const patience = 30 * time.Second

// installation is one main and three shards, and connections to them past the product.
type installation struct {
	config shardrouter.Config
	main   *pgxpool.Pool
	shards map[string]*pgxpool.Pool
}

func newInstallation(t testing.TB) *installation {
	t.Helper()
	in := &installation{config: storetest.Config(t, 3), shards: make(map[string]*pgxpool.Pool)}
	in.config.PoolSize = 3 // each process that is opened makes its connections anew
	connect := func(dsn string) *pgxpool.Pool {
		pool, err := pgxpool.New(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		return pool
	}
	in.main = connect(in.config.MainDSN)
	for _, shard := range in.config.Shards {
		in.shards[shard.Name] = connect(shard.DSN)
	}
	return in
}

// open starts a process, which ends with the test at the latest.
func (in *installation) open(t testing.TB) *process {
	t.Helper()
	p := open(t, in.config, slog.New(slog.DiscardHandler), ways{})
	t.Cleanup(p.stop)
	return p
}

// openLossy starts a process that shares a NATS server with others and loses half its hints.
func (in *installation) openLossy(t testing.TB, nats string) *process {
	t.Helper()
	p := open(t, in.config, slog.New(slog.DiscardHandler), ways{nats: nats, poll: 200 * time.Millisecond, lossy: true})
	t.Cleanup(p.stop)
	return p
}

// check waits until the outbox is empty and judges every invariant of the installation, and its audits.
func (in *installation) check(t testing.TB, p *process) {
	t.Helper()
	in.settled(t)
	verifyAudits(t, p)
	audit(t, p.router)
}

// world is a test's own groups on an installation.
type world struct {
	*installation
	groups []channel.Group
}

var lastWorld atomic.Int64

func newWorld(t rapid.TB, in *installation, p *process, groups int) *world {
	t.Helper()
	w := &world{installation: in}
	number := lastWorld.Add(1)
	operator := &channel.Viewer{Operator: true, User: channel.User{ID: ids.UserOf(ids.Group{}, "test")}}
	for n := range groups {
		payload, err := p.RegisterGroup(context.Background(), operator, channel.RegisterGroupInput{
			Handle: fmt.Sprintf("group-%d-%d", number, n), Name: fmt.Sprintf("Group %d", n),
		})
		if err != nil || len(payload.Errors) > 0 {
			t.Fatalf("register: %v %v", err, payload)
		}
		w.groups = append(w.groups, *payload.Group)
	}
	return w
}

func (w *world) viewer(p person) *channel.Viewer {
	group := w.groups[p.group]
	v := &channel.Viewer{
		Group: group, Role: channel.RoleMember,
		User: channel.User{ID: ids.UserOf(group.ID, p.name), Group: group, Name: p.name},
	}
	if p.admin() {
		v.Role = channel.RoleAdmin
	}
	return v
}

// dueIn lets the time of an invitation run out after a while by main's clock, in main and in all copies. Main has it
// last, so that what is left of the while is for the race.
func (w *world) dueIn(ctx context.Context, l *life, number int, while time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	in := &l.invitations[number]
	var due, until time.Time // the invitation's, and the last of those that the channel waits for
	err := w.main.QueryRow(ctx, `
		SELECT d.at, GREATEST(d.at, (SELECT max(o.expires_at) FROM linkspan_main.invitation AS o
			WHERE o.channel_id = d.channel_id AND o.invitation_id <> $1 AND o.state = ANY ($3)))
		FROM (
			SELECT channel_id, GREATEST(clock_timestamp() + $2 * interval '1 microsecond', created_at + interval '1 microsecond') AS at
			FROM linkspan_main.invitation WHERE invitation_id = $1
		) AS d`, in.id, while.Microseconds(), openStates).Scan(&due, &until)
	if err != nil {
		return err
	}
	wanted := 2 // the copies of both groups, one of which may still be on its way
	if in.unsent {
		wanted = 1
	}
	if l.state == channel.ChannelPending {
		wanted++ // the channel shard
	}
	for copies := 0; copies < wanted; {
		copies = 0
		for _, shard := range w.shards {
			var here int
			err := shard.QueryRow(ctx, `
				WITH list AS (
					UPDATE linkspan_shard.group_invitation SET expires_at = $1
					WHERE invitation_id = $2 AND group_id IN ($4, $5) RETURNING 1
				), shard AS (
					UPDATE linkspan_shard.channel SET pending_until = $7
					WHERE slot = $6 AND channel_id = $3 AND state = 'PENDING' RETURNING 1
				)
				SELECT (SELECT count(*) FROM list) + (SELECT count(*) FROM shard)`,
				due, in.id, l.channel, w.groups[in.from].ID, w.groups[in.to].ID, int16(l.channel.Slot()), until).Scan(&here)
			if err != nil {
				return err
			}
			copies += here
		}
	}
	_, err = w.main.Exec(ctx, `UPDATE linkspan_main.invitation SET expires_at = $1 WHERE invitation_id = $2`, due, in.id)
	return err
}

// sweepUntil runs the sweeper until somebody has decided on the invitation, or it has.
func (w *world) sweepUntil(ctx context.Context, s *channel.Service, id ids.Invitation) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if _, err := s.ExpireDue(ctx); err != nil {
			return err
		}
		var open bool
		err := w.main.QueryRow(ctx, `SELECT state = ANY ($2) FROM linkspan_main.invitation WHERE invitation_id = $1`,
			id, openStates).Scan(&open)
		if err != nil || !open {
			return err
		}
	}
}

// eventually asks until the answer is empty, and fails the test with the last answer if it never is.
func eventually(t rapid.TB, ask func() string) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		wrong := ask()
		if wrong == "" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not in %v:\n%s", patience, wrong)
		}
	}
}

// settled waits until every step has taken effect and is noted.
func (in *installation) settled(t rapid.TB) {
	t.Helper()
	in.noneOpen(t, `true`)
}

// delivered waits until every step about the world's channels has.
func (w *world) delivered(t rapid.TB) {
	t.Helper()
	w.noneOpen(t, `subject IN (SELECT channel_id FROM linkspan_main.shard_referential WHERE group_id = ANY ($1))`, w.groupIDs())
}

// noneOpen waits until no step is open for which a condition holds.
func (in *installation) noneOpen(t rapid.TB, condition string, args ...any) {
	t.Helper()
	eventually(t, func() string {
		var open []string
		err := in.main.QueryRow(context.Background(), `
			SELECT COALESCE(array_agg(kind || ' of ' || subject), '{}') FROM linkspan_main.outbox_step WHERE `+condition, args...).Scan(&open)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(open, "\n")
	})
}

func (w *world) groupIDs() []string {
	all := make([]string, len(w.groups))
	for i, group := range w.groups {
		all[i] = group.ID.UUID().String()
	}
	return all
}
