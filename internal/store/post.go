package store

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// A group of posts is judged, placed and written: Postgres tells how each stands while the logs of their channels are locked, here
// each that goes on gets its number behind those before it, and then all are written (see post_write.go). One statement that did all of
// it took longer to begin than these take.

// authorNames are the names of a post's author in the channel, for its own group and for everyone; nil: there is none yet.
type authorNames struct{ name, public *string }

// roomsOfPosts are channels whose logs are locked as their sides see them, a row for each side, and what time it is. Where the cluster
// does not own the slot, or there is no such channel, there is a row without a side. Of a side that shows the channel to some of its users alone it
// says who of the authors is listed. Arguments: slots, channels, authors. OFFSET 0 has Postgres find each row by its whole key, also before it has statistics.
var roomsOfPosts = `
	SELECT w.channel_id, o.slot IS NOT NULL, c.state = 'ACTIVE', l.history, l.head, s.group_id, s.handle, s.group_name, ` + sideState + `, s.state = 'LINKED', s.private_head,
		(SELECT clock_timestamp()), (SELECT pg_postmaster_start_time()), s.members_only, CASE WHEN s.members_only THEN ARRAY (
			SELECT sm.user_id FROM linkspan_shard.side_member AS sm WHERE sm.slot = s.slot AND sm.channel_id = s.channel_id AND sm.group_id = s.group_id
				AND sm.user_id = ANY ($3)) END
	FROM unnest($1::smallint[], $2::uuid[]) AS w (slot, channel_id)
	LEFT JOIN LATERAL (SELECT * FROM linkspan_shard.owned_slot AS o WHERE o.slot = w.slot AND o.state = 'OWNED' OFFSET 0) AS o ON true
	LEFT JOIN LATERAL (SELECT * FROM linkspan_shard.channel AS c WHERE c.slot = o.slot AND c.channel_id = w.channel_id OFFSET 0) AS c ON true
	LEFT JOIN LATERAL (SELECT * FROM linkspan_shard.channel_log AS l WHERE l.slot = c.slot AND l.channel_id = c.channel_id OFFSET 0) AS l ON true
	LEFT JOIN LATERAL (SELECT * FROM linkspan_shard.channel_side AS s WHERE s.slot = c.slot AND s.channel_id = c.channel_id OFFSET 0) AS s ON true`

// authorsOfPosts are what was kept under the operation of each post, and the names under which its author is known. Arguments: slots,
// channels, operations, groups, users.
const authorsOfPosts = `
	SELECT p.n, k.mutation, k.input_hash, k.owner_group_id, k.number, u.name, u.public_name
	FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[]) WITH ORDINALITY AS p (slot, channel_id, op_id, group_id, user_id, n)
	LEFT JOIN LATERAL (SELECT * FROM linkspan_shard.channel_operation AS k
		WHERE k.slot = p.slot AND k.channel_id = p.channel_id AND k.op_id = p.op_id OFFSET 0) AS k ON true
	LEFT JOIN LATERAL (SELECT * FROM linkspan_shard.channel_user AS u
		WHERE u.slot = p.slot AND u.channel_id = p.channel_id AND u.group_id = p.group_id AND u.user_id = p.user_id OFFSET 0) AS u ON true`

// rootsOfPosts are the messages that some posts reply to, but for those of other groups alone: they are looked for all the same, for how
// long that takes tells nothing then. Arguments: slots, channels, owners, numbers, groups.
const rootsOfPosts = `
	SELECT p.n, t.state, t.author_group_id, t.author_id, t.reply_to IS NOT NULL
	FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::bigint[], $5::uuid[]) WITH ORDINALITY AS p (slot, channel_id, owner_group_id, number, group_id, n)
	JOIN LATERAL (SELECT * FROM linkspan_shard.message AS t
		WHERE t.slot = p.slot AND t.channel_id = p.channel_id AND t.owner_group_id = p.owner_group_id AND t.number = p.number
			AND t.owner_group_id IN (` + everyone + `, p.group_id) OFFSET 0) AS t ON true`

// roomsFor are the arguments of roomsOfPosts.
func roomsFor(posts []*post) []any { return append(logsOf(posts), keys(posts, (*post).author)) }

// room is a channel as the posts to it find it, and leave it.
type room struct {
	id            ids.Channel
	owned, active bool
	history       ids.History
	server        time.Time // when it was started, see [version]
	at            time.Time
	head, found   int64 // of the log for everyone: behind the last post, and before the first
	sides         []roomSide
}

// roomSide is how a channel stands for a group, with where its private log stands.
type roomSide struct {
	group  channel.Group
	state  string
	linked bool
	// where its private log stands, as in room
	head, found int64
	// whom it shows the channel to, if to members alone: of the authors of the group, beside admins
	membersOnly bool
	members     []ids.User
}

// shows reports whether who posts sees the channel.
func (s *roomSide) shows(p *post) bool {
	return !s.membersOnly || p.change.Admin ||
		slices.ContainsFunc(s.members, func(listed ids.User) bool { return listed.UUID() == p.author().UUID() })
}

// side returns that of a group, if it has one.
func (r *room) side(group ids.Group) *roomSide {
	for i := range r.sides {
		if r.sides[i].group.ID == group {
			return &r.sides[i]
		}
	}
	return nil
}

// judge asks how posts stand, part by part, in one round trip with what waits in the transaction, and returns their channels.
func judge(ctx context.Context, tx *shardrouter.Tx, parts [][]*post) (map[ids.Channel]*room, error) {
	rooms := map[ids.Channel]*room{}
	for _, part := range parts {
		ask(tx, part, rooms)
	}
	return rooms, tx.Flush(ctx)
}

// ask lets the statements wait in the transaction that tell how posts stand, and of their channels.
func ask(tx *shardrouter.Tx, posts []*post, rooms map[ids.Channel]*room) {
	tx.Queue(roomsOfPosts, roomsFor(posts)...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if err := scanRoom(rows, rooms); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	tx.Queue(authorsOfPosts, about(posts, keys(posts, (*post).operation), keys(posts, (*post).group), keys(posts, (*post).author))...).Query(func(rows pgx.Rows) error {
		var n int
		var r changeRow
		var known authorNames
		_, err := pgx.ForEachRow(rows, []any{&n, &r.mutation, &r.input, &r.keptOwner, &r.keptNumber, &known.name, &known.public}, func() error {
			posts[n-1].row, posts[n-1].known = r, known
			return nil
		})
		return err
	})
	if replies, _ := apart(posts, (*post).isReply); len(replies) > 0 {
		roots := about(replies, keys(replies, (*post).rootOwner), column(replies, (*post).root), keys(replies, (*post).group))
		tx.Queue(rootsOfPosts, roots...).Query(func(rows pgx.Rows) error {
			var n int
			var found changeRow
			_, err := pgx.ForEachRow(rows, []any{&n, &found.messageState, &found.author.Group, &found.author, &found.isReply}, func() error {
				r := &replies[n-1].row
				r.messageState, r.author, r.isReply = found.messageState, found.author, found.isReply
				return nil
			})
			return err
		})
	}
}

func scanRoom(rows pgx.Rows, rooms map[ids.Channel]*room) error {
	var found room
	var active, linked, membersOnly *bool
	var members []ids.User
	var head, private *int64
	var side roomSide
	var handle, name, state *string
	if err := rows.Scan(&found.id, &found.owned, &active, &found.history, &head, &side.group.ID, &handle, &name, &state, &linked, &private, &found.at, &found.server,
		&membersOnly, &members); err != nil {
		return err
	}
	r := rooms[found.id]
	if r == nil {
		r = &found
		rooms[r.id] = r
	}
	if handle != nil && head != nil {
		r.active, r.head, r.found = *active, *head, *head
		side.group.Handle, side.group.Name = *handle, *name
		side.state, side.linked, side.head, side.found = *state, *linked, *private, *private
		side.membersOnly, side.members = *membersOnly, members
		r.sides = append(r.sides, side)
	}
	return nil
}

// goesOn reports whether a post is written: its author's group takes part, nothing was kept under its operation, and what it replies
// to is there, is no reply itself, and is for nobody but those whom the post is for.
func (p *post) goesOn(r *room, side *roomSide) bool {
	if side == nil || !side.linked || !r.active || p.row.keptNumber != nil {
		return false
	}
	return !p.isReply() || p.row.messageState != nil && *p.row.messageState != string(channel.Deleted) && !*p.row.isReply &&
		(p.rootOwner().IsZero() || p.rootOwner() == p.owner())
}

// place has each post its answer, and returns those that go on, each with a number behind those before it.
func place(posts []*post, rooms map[ids.Channel]*room) (placed []*post) {
	for _, p := range posts {
		r := rooms[p.channelID()]
		if p.err = nil; !r.owned {
			p.err = shardrouter.ErrNotOwned
			continue
		}
		side := r.side(p.group())
		if side != nil && !side.shows(p) {
			side = nil // there is no such channel
		}
		if side != nil {
			p.row.state = &side.state
		}
		if side == nil || !side.linked {
			p.row.messageState = nil // of what is not for the group's eyes
		}
		going := p.goesOn(r, side)
		if p.row.going = &going; going {
			p.placeIn(r, side)
			placed = append(placed, p)
		}
		p.changed = p.row.changed(p.change)
		if going {
			p.changed.Home = side.group
		}
	}
	return placed
}

// placeIn gives a post the next number, for everyone or in the private log of its author's side, which its row tells as if it had been read.
func (p *post) placeIn(r *room, side *roomSide) {
	var number int64
	if p.isPublic() {
		r.head++
		number = r.head
	} else {
		side.head++
		number = side.head
	}
	follows := r.head
	p.row.number, p.row.follows, p.row.at, p.row.history = &number, &follows, &r.at, r.history
	p.row.groups, p.row.heads = nil, nil
	for _, other := range r.sides {
		if other.linked {
			p.row.groups, p.row.heads = append(p.row.groups, other.group.ID), append(p.row.heads, other.head)
		}
	}
}
