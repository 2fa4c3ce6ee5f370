package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

// fillBatch is how many channels are copied at a time.
const fillBatch = 20_000

// linkEvents are the events of a channel's log before the first message: each group's link.
const linkEvents = 2

// filler makes channels that two groups each share, as the product would have made them, by COPY.
type filler struct {
	config shardrouter.Config
	router *shardrouter.Router
	groups []fillGroup
	begin  time.Time
	pages  map[string]*copyPage // by cluster and table
}

// fillGroup is a group with the head of its inbox.
type fillGroup struct {
	channel.Group
	user ids.User
	slot int16
	head int64
}

// copyPage is rows of one table of one cluster.
type copyPage struct {
	cluster, schema, table string
	columns                []string
	rows                   [][]any
}

// fill brings the installation to n channels among the groups, and tells how far it is.
func fill(b *testing.B, config shardrouter.Config, router *shardrouter.Router, groups, n int) {
	b.Helper()
	f := newFiller(config, router, time.Now().Add(-time.Hour))
	for i := range groups {
		f.register(fmt.Sprintf("filler-%d", i), "")
	}
	for i := range n {
		f.share(i)
		if (i+1)%fillBatch == 0 || i+1 == n {
			f.copy(b)
			fmt.Printf("filled %d of %d channels\n", i+1, n)
		}
	}
	f.finish(b)
}

func newFiller(config shardrouter.Config, router *shardrouter.Router, begin time.Time) *filler {
	return &filler{config: config, router: router, begin: begin.Truncate(time.Microsecond), pages: make(map[string]*copyPage)}
}

// finish notes the heads of the groups' inboxes, and leaves the tables as autovacuum would.
func (f *filler) finish(tb testing.TB) {
	tb.Helper()
	for _, dsn := range append([]shardrouter.Shard{{Name: shardrouter.MainName, DSN: f.config.MainDSN}}, f.config.Shards...) {
		conn := connect(tb, dsn.DSN)
		for _, group := range f.groups {
			if f.clusterOf(group.slot) != dsn.Name {
				continue
			}
			if _, err := conn.Exec(tb.Context(), `UPDATE linkspan_shard.inbox_log SET head = $2 WHERE group_id = $1`, group.ID, group.head); err != nil {
				tb.Fatal(err)
			}
		}
		if _, err := conn.Exec(tb.Context(), `VACUUM ANALYZE`); err != nil {
			tb.Fatal(err)
		}
		if err := conn.Close(tb.Context()); err != nil {
			tb.Fatal(err)
		}
	}
}

func (f *filler) clusterOf(slot int16) string { return f.router.ClusterOf(shardrouter.Slot(slot)) }

// register makes a group, on that cluster unless it is empty.
func (f *filler) register(handle, cluster string) {
	g := fillGroup{Group: channel.Group{Handle: handle, Name: handle}}
	for g.ID.IsZero() || cluster != "" && f.clusterOf(g.slot) != cluster {
		g.ID = ids.NewGroup()
		g.slot = int16(shardrouter.SlotOf(g.ID.Bytes()))
	}
	g.user = ids.UserOf(g.ID, "ana")
	f.groups = append(f.groups, g)
	f.main("groups", []string{"group_id", "handle", "name", "slot"}, g.ID, g.Handle, g.Name, g.slot)
	f.main("outbox_stream", streamColumns, g.ID, "GROUP", g.ID, 2, 1, f.begin)
	f.shard(g.slot, "inbox_log", []string{"group_id", "history", "created_at", "oldest_at"}, g.ID, ids.NewHistory(), f.begin, f.begin)
	f.shard(g.slot, "applied_step", appliedColumns, g.ID, g.ID, 1, ids.NewOp())
}

var (
	streamColumns  = []string{"subject", "destination_kind", "destination", "head", "tail", "due_at"}
	appliedColumns = []string{"subject", "destination", "number", "op_id"}
	linkColumns    = []string{"channel_id", "group_id", "role", "state", "version", "name", "name_key", "invitation_id", "created_at", "linked_at"}
)

// share makes channel i between two of the groups.
func (f *filler) share(i int) {
	from := &f.groups[i%len(f.groups)]
	to := &f.groups[(i*7+1+i/len(f.groups))%len(f.groups)]
	if from == to {
		to = &f.groups[(i+1)%len(f.groups)]
	}
	f.link(from, to, i, 0)
}

// link makes channel i with so many messages in its log, which are yet to be made: one group has asked, another has accepted a
// minute later.
func (f *filler) link(from, to *fillGroup, i, messages int) ids.Channel {
	at := f.begin.Add(time.Duration(i) * time.Millisecond)
	linked := at.Add(time.Minute)
	id, in := ids.NewChannel(at, uint16(from.slot)), ids.NewInvitation()
	name := fmt.Sprintf("channel %d", i)

	f.main("channel", []string{"channel_id", "initiator_group_id", "state", "created_at"}, id, from.ID, "ACTIVE", at)
	f.main("shard_referential", linkColumns, id, from.ID, "INITIATOR", "LINKED", 1, name, name, in, at, at)
	f.main("shard_referential", linkColumns, id, to.ID, "TARGET", "LINKED", 2, name, name, in, at, linked)
	f.main("invitation", []string{"invitation_id", "channel_id", "from_group_id", "to_group_id", "state", "version", "sender_id", "sender_name",
		"resolver_group_id", "resolver_id", "resolver_name", "created_at", "expires_at", "resolved_at", "proposed_name"},
		in, id, from.ID, to.ID, "ACCEPTED", 2, from.user, "Ana", to.ID, to.user, "Ana", at, at.Add(336*time.Hour), linked, name)
	f.main("outbox_stream", streamColumns, id, "CHANNEL", id, 3, 2, at)
	f.main("outbox_stream", streamColumns, id, "GROUP", to.ID, 3, 2, at)

	f.shard(from.slot, "applied_step", appliedColumns, id, id, 2, ids.NewOp())
	f.shard(to.slot, "applied_step", appliedColumns, id, to.ID, 2, ids.NewOp())
	f.shard(from.slot, "channel", []string{"channel_id", "initiator_group_id", "initiator_handle", "initiator_name", "state", "creator_id",
		"creator_name", "created_at"}, id, from.ID, from.Handle, from.Name, "ACTIVE", from.user, "Ana", at)
	sideColumns := []string{"channel_id", "group_id", "handle", "group_name", "role", "state", "version", "name", "linked_at"}
	f.shard(from.slot, "channel_side", sideColumns, id, from.ID, from.Handle, from.Name, "INITIATOR", "LINKED", 1, name, at)
	f.shard(from.slot, "channel_side", sideColumns, id, to.ID, to.Handle, to.Name, "TARGET", "LINKED", 2, name, linked)
	f.shard(from.slot, "channel_log", []string{"channel_id", "history", "head", "created_at", "oldest_at"}, id, ids.NewHistory(),
		linkEvents+messages, at, at)
	eventColumns := []string{"channel_id", "number", "at", "kind", "actor_group_id", "actor_id", "about_group_id", "side_version"}
	f.shard(from.slot, "channel_event", eventColumns, id, 1, at, "GROUP_LINKED", from.ID, from.user, from.ID, 1)
	f.shard(from.slot, "channel_event", eventColumns, id, 2, linked, "GROUP_LINKED", to.ID, to.user, to.ID, 2)
	f.hear(from, to, "SENT", "INVITATION_CHANGED", id, in, from, to, name, at, linked)
	f.hear(to, from, "RECEIVED", "INVITATION_RECEIVED", id, in, from, to, name, at, linked)
	return id
}

// hear adds the two events and the two entries of lists of one side.
func (f *filler) hear(
	group, other *fillGroup, direction, first string, id ids.Channel, in ids.Invitation, from, to *fillGroup, name string, at, linked time.Time,
) {
	columns := []string{"group_id", "number", "at", "kind", "invitation_id", "invitation_version", "channel_id",
		"about_group_id", "about_handle", "about_name", "actor_group_id", "actor_id"}
	f.shard(group.slot, "inbox_event", columns, group.ID, group.head+1, at, first, in, 1, id, other.ID, other.Handle, other.Name, from.ID, from.user)
	f.shard(group.slot, "inbox_event", columns, group.ID, group.head+2, linked, "SHARED_CHANNEL_LINKED", in, 2, id,
		to.ID, to.Handle, to.Name, to.ID, to.user)
	listed := group.head + 1
	if direction == "RECEIVED" {
		listed = group.head + 2
	}
	f.shard(group.slot, "group_channel", []string{"group_id", "channel_id", "position"}, group.ID, id, listed)
	f.shard(group.slot, "group_invitation", []string{"group_id", "invitation_id", "direction", "position", "channel_id", "state", "version",
		"from_group_id", "from_handle", "from_name", "to_group_id", "to_handle", "to_name", "sender_id", "sender_name",
		"resolver_group_id", "resolver_id", "resolver_name", "created_at", "expires_at", "resolved_at", "proposed_name"},
		group.ID, in, direction, group.head+1, id, "ACCEPTED", 2, from.ID, from.Handle, from.Name, to.ID, to.Handle, to.Name,
		from.user, "Ana", to.ID, to.user, "Ana", at, at.Add(336*time.Hour), linked, name)
	group.head += 2
}

func (f *filler) main(table string, columns []string, values ...any) {
	f.add(shardrouter.MainName, "linkspan_main", table, columns, values)
}

// shard adds a row behind its slot.
func (f *filler) shard(slot int16, table string, columns []string, values ...any) {
	f.add(f.clusterOf(slot), "linkspan_shard", table, append([]string{"slot"}, columns...), append([]any{slot}, values...))
}

func (f *filler) add(cluster, schema, table string, columns []string, values []any) {
	page := f.pages[cluster+table]
	if page == nil {
		page = &copyPage{cluster: cluster, schema: schema, table: table, columns: columns}
		f.pages[cluster+table] = page
	}
	page.rows = append(page.rows, values)
}

// copy writes the rows that have gathered.
func (f *filler) copy(tb testing.TB) {
	tb.Helper()
	for _, page := range f.pages {
		conn := connect(tb, storetest.DSN(f.config, page.cluster))
		if _, err := conn.CopyFrom(tb.Context(), pgx.Identifier{page.schema, page.table}, page.columns, pgx.CopyFromRows(page.rows)); err != nil {
			tb.Fatal(page.table, err)
		}
		if err := conn.Close(context.Background()); err != nil {
			tb.Fatal(err)
		}
		page.rows = nil
	}
}

func connect(tb testing.TB, dsn string) *pgx.Conn {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), dsn)
	if err != nil {
		tb.Fatal(err)
	}
	return conn
}
