package store

import (
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"linkspan/internal/channel"
	"linkspan/shardrouter"
)

// postMany posts many messages at once, to channels of one cluster whose logs are locked. Each is judged by itself, and placed
// behind those that come before it in the arguments, which are columns: slots, channels, groups, users, their names, the keys of
// these, operations, mutations, hashes of the inputs, owners, owners and numbers of what they reply to, bodies, the groups and
// users whom they name, their words, marks. No two have one operation. OFFSET 0 has Postgres find each row by its whole key, also
// before it has statistics.
var postMany = `
	WITH post AS MATERIALIZED (
		SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::text[],
			$10::uuid[], $11::uuid[], $12::bigint[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[]) WITH ORDINALITY
		AS p (slot, channel_id, group_id, user_id, name, name_key, op_id, mutation, input_hash,
			owner, root_owner, root, body, mention_groups, mention_users, words, mark, n)
	), judged AS MATERIALIZED (
		SELECT p.n, o.slot IS NOT NULL AS owned, l.history, l.head, s.private_head,
			CASE WHEN s.state IS NOT NULL THEN ` + sideState + ` END AS state,
			k.op_id IS NOT NULL AS kept, k.mutation, k.input_hash, k.owner_group_id AS kept_owner, k.number AS kept_number,
			t.state AS root_state, t.author_group_id, t.author_id, t.reply_to IS NOT NULL AS root_is_reply, t.owner_group_id AS root_owner,
			s.state = 'LINKED' AND c.state = 'ACTIVE' AND k.op_id IS NULL
				AND (p.root IS NULL OR t.state <> 'DELETED' AND t.reply_to IS NULL AND t.owner_group_id IN (` + everyone + `, p.owner)) AS going
		FROM post AS p
		LEFT JOIN LATERAL (SELECT * FROM linkspan_shard.owned_slot AS o WHERE o.slot = p.slot AND o.state = 'OWNED' OFFSET 0) AS o ON true
		LEFT JOIN LATERAL (SELECT * FROM linkspan_shard.channel_side AS s
			WHERE s.slot = o.slot AND s.channel_id = p.channel_id AND s.group_id = p.group_id OFFSET 0) AS s ON true
		LEFT JOIN LATERAL (SELECT * FROM linkspan_shard.channel AS c WHERE c.slot = s.slot AND c.channel_id = s.channel_id OFFSET 0) AS c ON true
		LEFT JOIN LATERAL (SELECT * FROM linkspan_shard.channel_log AS l WHERE l.slot = s.slot AND l.channel_id = s.channel_id OFFSET 0) AS l ON true
		LEFT JOIN LATERAL (SELECT * FROM linkspan_shard.channel_operation AS k
			WHERE k.slot = s.slot AND k.channel_id = s.channel_id AND k.op_id = p.op_id OFFSET 0) AS k ON true
		LEFT JOIN LATERAL (SELECT * FROM linkspan_shard.message AS t
			WHERE t.slot = s.slot AND t.channel_id = s.channel_id AND s.state = 'LINKED' AND t.owner_group_id = p.root_owner AND t.number = p.root
				AND t.owner_group_id IN (` + everyone + `, p.group_id) OFFSET 0) AS t ON true
	), placed AS MATERIALIZED (
		SELECT p.*, CASE p.owner WHEN ` + everyone + ` THEN j.head ELSE j.private_head END
				+ count(*) OVER (PARTITION BY p.slot, p.channel_id, p.owner ORDER BY p.n) AS number,
			j.head + count(*) FILTER (WHERE p.owner = ` + everyone + `) OVER (PARTITION BY p.slot, p.channel_id ORDER BY p.n) AS follows,
			(SELECT clock_timestamp()) AS at
		FROM post AS p JOIN judged AS j USING (n) WHERE j.going
	), grown AS (
		SELECT slot, channel_id, owner, count(*) AS posts FROM placed GROUP BY slot, channel_id, owner
	), log AS (
		UPDATE linkspan_shard.channel_log AS l SET head = l.head + g.posts FROM grown AS g
		WHERE l.slot = g.slot AND l.channel_id = g.channel_id AND g.owner = ` + everyone + `
	), side AS (
		UPDATE linkspan_shard.channel_side AS s SET private_head = s.private_head + g.posts FROM grown AS g
		WHERE s.slot = g.slot AND s.channel_id = g.channel_id AND s.group_id = g.owner
	), event AS (
		INSERT INTO linkspan_shard.channel_event (slot, channel_id, number, kind, actor_group_id, actor_id, message_number, at)
		SELECT slot, channel_id, number, 'MESSAGE_POSTED', group_id, user_id, number, at FROM placed WHERE owner = ` + everyone + `
	), private_event AS (
		INSERT INTO linkspan_shard.private_event
			(slot, channel_id, group_id, number, follows, position, kind, actor_group_id, actor_id, message_number, at)
		SELECT slot, channel_id, owner, number, follows, follows + number, 'MESSAGE_POSTED', group_id, user_id, number, at
		FROM placed WHERE owner <> ` + everyone + `
	), posted AS (
		INSERT INTO linkspan_shard.message (slot, channel_id, owner_group_id, number, follows, body,
			author_group_id, author_id, author_name, reply_to_owner, reply_to, mention_group_ids, mention_ids, created_at)
		SELECT slot, channel_id, owner, number, follows, body, group_id, user_id, name,
			CASE WHEN root IS NOT NULL THEN root_owner END, root, mention_groups::uuid[], mention_users::uuid[], at FROM placed
	), worded AS (
		INSERT INTO linkspan_shard.message_words (slot, channel_id, owner_group_id, number, follows, words)
		SELECT slot, channel_id, owner, number, follows, ` + wordsOf(`words`, `mark`) + ` FROM placed
	), counted AS (
		UPDATE linkspan_shard.message AS m SET reply_count = m.reply_count + r.replies
		FROM (SELECT slot, channel_id, owner, root, count(*) AS replies FROM placed
			WHERE root IS NOT NULL AND root_owner = owner GROUP BY slot, channel_id, owner, root) AS r
		WHERE m.slot = r.slot AND m.channel_id = r.channel_id AND m.owner_group_id = r.owner AND m.number = r.root
	), counted_apart AS (
		INSERT INTO linkspan_shard.private_replies AS r (slot, channel_id, number, group_id, reply_count)
		SELECT slot, channel_id, root, owner, count(*) FROM placed
		WHERE root IS NOT NULL AND root_owner <> owner GROUP BY slot, channel_id, root, owner
		ON CONFLICT (slot, channel_id, number, group_id) DO UPDATE SET reply_count = r.reply_count + excluded.reply_count
	), operation AS (
		INSERT INTO linkspan_shard.channel_operation (slot, channel_id, op_id, mutation, input_hash, owner_group_id, number)
		SELECT slot, channel_id, op_id, mutation, input_hash, owner, number FROM placed
	), known AS (
		INSERT INTO linkspan_shard.channel_user AS u (slot, channel_id, group_id, user_id, name, name_key, public_name, public_name_key, public_at)
		SELECT slot, channel_id, group_id, user_id, (array_agg(name ORDER BY n DESC))[1], (array_agg(name_key ORDER BY n DESC))[1],
			(array_agg(name ORDER BY n DESC) FILTER (WHERE owner = ` + everyone + `))[1],
			(array_agg(name_key ORDER BY n DESC) FILTER (WHERE owner = ` + everyone + `))[1],
			CASE WHEN bool_or(owner = ` + everyone + `) THEN now() END
		FROM placed GROUP BY slot, channel_id, group_id, user_id ` + userKnown + `
	)
	SELECT j.n, j.owned, j.state, j.mutation, j.input_hash, j.kept_owner, j.kept_number, j.root_state, j.author_group_id, j.author_id, j.root_is_reply,
		p.number IS NOT NULL, p.number, p.follows, p.at, j.history, s.groups, s.heads
	FROM judged AS j LEFT JOIN placed AS p USING (n) LEFT JOIN (
		SELECT s.slot, s.channel_id, array_agg(s.group_id) AS groups, array_agg(s.private_head) AS heads
		FROM (SELECT DISTINCT slot, channel_id FROM grown) AS g
		JOIN linkspan_shard.channel_side AS s ON s.slot = g.slot AND s.channel_id = g.channel_id AND s.state = 'LINKED'
		GROUP BY s.slot, s.channel_id
	) AS s ON s.slot = p.slot AND s.channel_id = p.channel_id
	ORDER BY j.n`

// postArgs are the arguments of postMany.
func postArgs(posts []*post) []any {
	n := len(posts)
	slots, numbers, words := make([]int16, n), make([]*int64, n), make([]string, n)
	key := func(of func(c *channel.Change) pgtype.UUIDValuer) []pgtype.UUID {
		column := make([]pgtype.UUID, n)
		for i, p := range posts {
			column[i], _ = of(p.change).UUIDValue() // never fails: see ids
			column[i].Valid = true                  // the owner of what is for everyone is the nil UUID
		}
		return column
	}
	text := func(of func(c *channel.Change) string) []string {
		column := make([]string, n)
		for i, p := range posts {
			column[i] = of(p.change)
		}
		return column
	}
	for i, p := range posts {
		slots[i], words[i] = int16(slotOfChannel(p.change.Message.Channel)), p.words
		if root := p.change.ReplyTo; !root.IsZero() {
			numbers[i] = &root.Number
		}
	}
	return []any{
		slots,
		key(func(c *channel.Change) pgtype.UUIDValuer { return c.Message.Channel }),
		key(func(c *channel.Change) pgtype.UUIDValuer { return c.By.ID.Group }),
		key(func(c *channel.Change) pgtype.UUIDValuer { return c.By.ID }),
		text(func(c *channel.Change) string { return c.By.Name }),
		text(func(c *channel.Change) string { return channel.NameKey(c.By.Name) }),
		key(func(c *channel.Change) pgtype.UUIDValuer { return c.Op.ID }),
		text(func(c *channel.Change) string { return c.Op.Mutation }),
		text(func(c *channel.Change) string { return c.Op.Input }),
		key(func(c *channel.Change) pgtype.UUIDValuer { return c.Message.Owner }),
		key(func(c *channel.Change) pgtype.UUIDValuer { return c.ReplyTo.Owner }),
		numbers,
		text(func(c *channel.Change) string { return c.Body }),
		text(func(c *channel.Change) string {
			return arrayOf(c.Mentions, func(u channel.User) uuid.UUID { return u.ID.Group.UUID() })
		}),
		text(func(c *channel.Change) string {
			return arrayOf(c.Mentions, func(u channel.User) uuid.UUID { return u.ID.UUID() })
		}),
		words,
		text(func(c *channel.Change) string { return mark(c.Message.Channel, c.Message.Owner) }),
	}
}

// arrayOf is an array of UUIDs as Postgres reads it.
func arrayOf(users []channel.User, id func(channel.User) uuid.UUID) string {
	spelt := make([]string, len(users))
	for i, user := range users {
		spelt[i] = id(user).String()
	}
	return "{" + strings.Join(spelt, ",") + "}"
}

// scanPosted reads what became of a post. before counts the posts to a side alone that came before it in the same statement.
func scanPosted(row pgx.Rows, posts []*post, before map[channel.LogKey]int64) error {
	var n int
	var owned bool
	var r changeRow
	if err := row.Scan(append([]any{&n, &owned}, r.fields()...)...); err != nil {
		return err
	}
	p := posts[n-1]
	if p.changed, p.err = r.changed(p.change, before), nil; !owned {
		p.err = shardrouter.ErrNotOwned
	}
	return nil
}
