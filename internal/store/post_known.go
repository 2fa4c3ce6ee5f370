package store

import (
	"context"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// writeKnown is writePosts for posts for everyone to channels that are as they are known: their logs stand where they did, and the group that posts takes
// part and shows the channel to all its users. It returns these channels, with when that was, and who takes part. A channel to which a post repeats an
// operation is left out too. Arguments: the posts' columns; and of each channel the slot, the key, the history, the head, the group, the head of its
// private log, and when the server was started. OFFSET 0 has Postgres find rows by their keys, also before it has statistics.
const writeKnown = `
	WITH room AS MATERIALIZED (
		SELECT w.slot, w.channel_id, s.groups, s.heads, (SELECT clock_timestamp()) AS at
		FROM unnest($18::smallint[], $19::uuid[], $20::uuid[], $21::bigint[], $22::uuid[], $23::bigint[], $24::timestamptz[])
			AS w (slot, channel_id, history, head, group_id, private_head, server)
		JOIN LATERAL (
			SELECT FROM linkspan_shard.owned_slot AS o
			JOIN linkspan_shard.channel AS c ON c.slot = o.slot AND c.channel_id = w.channel_id
			JOIN linkspan_shard.channel_log AS l ON l.slot = o.slot AND l.channel_id = w.channel_id
			WHERE o.slot = w.slot AND o.state = 'OWNED' AND c.state = 'ACTIVE' AND l.history = w.history AND l.head = w.head OFFSET 0
		) AS c ON true
		JOIN LATERAL (
			SELECT array_agg(s.group_id) AS groups, array_agg(s.private_head) AS heads,
				bool_or(s.group_id = w.group_id AND s.private_head = w.private_head AND NOT s.members_only) AS known
			FROM linkspan_shard.channel_side AS s WHERE s.slot = w.slot AND s.channel_id = w.channel_id AND s.state = 'LINKED' OFFSET 0
		) AS s ON s.known
		WHERE w.server = pg_postmaster_start_time() AND w.channel_id NOT IN (
			SELECT p.channel_id FROM unnest($1::smallint[], $2::uuid[], $9::uuid[]) AS p (slot, channel_id, op_id)
			JOIN LATERAL (SELECT FROM linkspan_shard.channel_operation AS k
				WHERE k.slot = p.slot AND k.channel_id = p.channel_id AND k.op_id = p.op_id OFFSET 0) AS k ON true)
	), p AS MATERIALIZED (
		SELECT p.*, room.at FROM ` + postColumns + `) AS p (` + postNames + `) JOIN room USING (slot, channel_id)
	)` + besideMessages + `, message AS (` + insertMessages + `)
	SELECT channel_id, at, groups, heads FROM room`

// stand is how a channel stood that was found as it is known.
type stand struct {
	at     time.Time
	groups []ids.Group // that take part
	heads  []int64     // of their private logs
}

// tryKnown posts those of a group whose channels are as they are known, if it is known of all, and returns the others, which are to be judged: all where there
// is an error. Where a repeated attempt finds what the first one did, of which nobody knew, it is for the judging to find that the operations are kept.
func (l *lane) tryKnown(ctx context.Context, group []*post) (left []*post, err error) {
	rooms := l.known.of(group)
	if rooms == nil {
		return group, nil
	}
	place(group, rooms)
	var found map[ids.Channel]stand
	err = l.database.WritePgx(ctx, func(_ context.Context, tx *shardrouter.Tx) error {
		found = make(map[ids.Channel]stand, len(rooms))
		tx.Queue(setBusyAfter)
		for _, part := range l.parts(group) {
			tx.Queue(lockLogs, logsOf(part)...)
			tx.Queue(writeKnown, knownArgs(part, rooms)...).Query(func(rows pgx.Rows) error {
				var id ids.Channel
				var s stand
				_, err := pgx.ForEachRow(rows, []any{&id, &s.at, &s.groups, &s.heads}, func() error {
					found[id] = s
					s = stand{}
					return nil
				})
				return err
			})
		}
		return nil
	}, shardrouter.Repeatable())
	if err != nil {
		if !isLockTimeout(err) && !isOfOne(err) { // nobody knows whether they were written
			l.known.judge(column(group, (*post).channelID)...)
		}
		return group, err
	}
	written, left := apart(group, func(p *post) bool { _, is := found[p.channelID()]; return is })
	maps.DeleteFunc(rooms, func(id ids.Channel, r *room) bool {
		s, is := found[id]
		if is {
			r.foundAt(s)
		}
		return !is
	})
	place(written, rooms)
	l.known.learn(rooms, written)
	l.known.asKnown.Add(int64(len(written)))
	l.known.judge(column(left, (*post).channelID)...)
	l.known.inVain.Add(int64(len(left)))
	return left, nil
}

// foundAt has a room of which one side is known be as it was found, before any post.
func (r *room) foundAt(s stand) {
	known := r.sides[0]
	known.head = known.found
	r.head, r.at, r.sides = r.found, s.at, make([]roomSide, len(s.groups))
	for i, group := range s.groups {
		r.sides[i] = roomSide{group: channel.Group{ID: group}, state: known.state, linked: true, head: s.heads[i], found: s.heads[i]}
	}
	*r.side(known.group.ID) = known
}

// knownArgs are the arguments of writeKnown.
func knownArgs(posts []*post, rooms map[ids.Channel]*room) []any {
	first := firstOfEach(posts)
	of := func(p *post) *room { return rooms[p.channelID()] }
	return append(append(about(posts, written(posts)...), about(first)...),
		uuids(column(first, func(p *post) ids.History { return of(p).history })), column(first, func(p *post) int64 { return of(p).found }),
		keys(first, (*post).group), column(first, func(p *post) int64 { return of(p).sides[0].found }),
		column(first, func(p *post) time.Time { return of(p).server }))
}
