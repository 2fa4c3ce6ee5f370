package store

import (
	"context"

	"github.com/uptrace/bun"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// memberArgs are whom a step lists, and whom it lists no longer: ids, one of which is null, the name and the position.
func memberArgs(e *channel.MembersEffect) []any {
	if added := e.Added; added != nil {
		return []any{added.User, ids.User{}, &added.Name, &added.Position}
	}
	return []any{ids.User{}, e.Removed, (*string)(nil), (*int64)(nil)}
}

// ChangeMembers implements [channel.ShardTx]. What it appends is seen by the side alone. Of a side that parted it follows the event that ended the
// part, as deletions do; where even that was removed, as too old, it goes at once with the rest.
func (t *shardTx) ChangeMembers(e channel.Effect) {
	link, by := e.Link, e.By
	t.queue(lockLog, link.Channel)
	t.queue(`
		WITH side AS (
			UPDATE linkspan_shard.channel_side AS s SET members_only = $4, private_head = s.private_head + 1,
				private_floor = s.private_floor + CASE WHEN l.floor > s.unlinked_after THEN 1 ELSE 0 END,
				version = CASE WHEN s.state = 'LINKED' THEN s.version ELSE GREATEST(s.version, $13) END
			FROM linkspan_shard.channel_log AS l
			WHERE s.slot = $1 AND s.channel_id = $2 AND s.group_id = $3 AND l.slot = s.slot AND l.channel_id = s.channel_id
			RETURNING s.private_head, COALESCE(s.unlinked_after, l.head) AS follows, COALESCE(l.floor > s.unlinked_after, false) AS removed, l.history
		), known AS (
			INSERT INTO linkspan_shard.channel_user AS u (slot, channel_id, group_id, user_id, name, name_key)
			SELECT $1, $2, $9, $10, $11, $12 FROM side ON CONFLICT (slot, channel_id, group_id, user_id) DO NOTHING
		), listed AS (
			INSERT INTO linkspan_shard.side_member (slot, channel_id, group_id, user_id, name, position)
			SELECT $1, $2, $3, $5::uuid, $7::text, $8::bigint FROM side WHERE $5::uuid IS NOT NULL
			ON CONFLICT (slot, channel_id, group_id, user_id) DO UPDATE SET name = excluded.name, position = excluded.position
		), unlisted AS (
			DELETE FROM linkspan_shard.side_member AS m
			WHERE m.slot = $1 AND m.channel_id = $2 AND m.group_id = $3 AND m.user_id = $6::uuid
		), event AS (
			INSERT INTO linkspan_shard.private_event
				(slot, channel_id, group_id, number, follows, position, kind, actor_group_id, actor_id, at)
			SELECT $1, $2, $3, side.private_head, side.follows, side.follows + side.private_head, 'MEMBERS_CHANGED', $9, $10, clock_timestamp()
			FROM side WHERE NOT side.removed
			RETURNING number, follows, at
		)
		SELECT event.follows, event.at, side.history, $3::uuid, event.number FROM event, side`,
		append(append([]any{link.Channel, link.Group, e.Members.Only}, memberArgs(e.Members)...),
			by.ID.Group, by.ID, by.Name, channel.NameKey(by.Name), link.Version)...,
	).Query(t.tells(channel.LogEvent{Kind: channel.EventMembersChanged, Channel: link.Channel, Actor: by.ID}))
}

// ListMembers implements [channel.ShardTx].
func (t *shardTx) ListMembers(e channel.Effect) {
	link := e.Link
	member := memberArgs(e.Members)[:2]
	t.queue(`
		WITH list AS (
			UPDATE linkspan_shard.group_channel AS c SET members_only = $4 WHERE c.slot = $1 AND c.group_id = $2 AND c.channel_id = $3
		), listed AS (
			INSERT INTO linkspan_shard.listed_member (slot, group_id, channel_id, user_id)
			SELECT $1, $2, $3, $5::uuid WHERE $5::uuid IS NOT NULL
			ON CONFLICT (slot, group_id, channel_id, user_id) DO NOTHING
		)
		DELETE FROM linkspan_shard.listed_member AS m
		WHERE m.slot = $1 AND m.group_id = $2 AND m.channel_id = $3 AND m.user_id = $6::uuid`,
		append([]any{link.Group, link.Channel, e.Members.Only}, member...)...)
}

// ListSideMembers implements [channel.Shards].
func (s *Store) ListSideMembers(ctx context.Context, reader channel.Reader, id ids.Channel, r channel.Range) (rows channel.Rows[channel.User], err error) {
	type row struct {
		Position int64    `bun:"position"`
		User     ids.User `bun:"user_id"`
		Name     string   `bun:"name"`
	}
	group := reader.User.Group
	slot := slotOfChannel(id)
	err = translate(s.router.Read(ctx, slot, func(ctx context.Context, db bun.IDB) error {
		page, args := paged(`
			SELECT m.position, m.user_id, COALESCE(u.name, m.name) AS name
			FROM linkspan_shard.channel_side AS v
			JOIN linkspan_shard.side_member AS m ON m.slot = v.slot AND m.channel_id = v.channel_id AND m.group_id = v.group_id
			LEFT JOIN linkspan_shard.channel_user AS u
				ON u.slot = m.slot AND u.channel_id = m.channel_id AND u.group_id = m.group_id AND u.user_id = m.user_id
			WHERE v.slot = owned.slot AND v.channel_id = ?1 AND v.group_id = ?2 AND `+sees(`v`, `?3`), []any{slot, id, group, judgedAs(reader)}, r)
		var found []row
		err := db.NewRaw(`SELECT COALESCE(p.position, 0) AS position, p.user_id, COALESCE(p.name, '') AS name FROM `+shardrouter.Owned+lateral(page, r), args...).
			Scan(ctx, &found)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return shardrouter.ErrNotOwned
		}
		if found[0].Position == 0 {
			found = nil
		}
		rows = inOrder(found, r, func(r *row) int64 { return r.Position }, func(r *row) channel.User {
			return userIn(channel.Group{ID: group}, r.User, r.Name)
		})
		return nil
	}))
	return rows, err
}
