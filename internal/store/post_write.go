package store

import (
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// postColumns are what a post has, as they are written: arguments of a statement, from the first on. Mentions are spelt as Postgres reads arrays,
// words as it reads a tsvector.
const postColumns = `unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::uuid[], $7::uuid[], $8::text[],
			$9::uuid[], $10::text[], $11::text[], $12::uuid[], $13::bigint[], $14::text[], $15::text[], $16::text[], $17::text[]`

const postNames = `slot, channel_id, owner, number, follows, group_id, user_id, name,
			op_id, mutation, input_hash, root_owner, root, body, mention_groups, mention_users, words`

// The parts of a statement that writes what all posts p have, with events and heads of those for everyone.
const (
	besideMessages = `, head AS (
		UPDATE linkspan_shard.channel_log AS l SET head = g.head FROM (
			SELECT slot, channel_id, max(number) AS head FROM p WHERE owner = ` + everyone + ` GROUP BY slot, channel_id
		) AS g WHERE l.slot = g.slot AND l.channel_id = g.channel_id
	), event AS (
		INSERT INTO linkspan_shard.channel_event (slot, channel_id, number, kind, actor_group_id, actor_id, message_number, at)
		SELECT slot, channel_id, number, 'MESSAGE_POSTED', group_id, user_id, number, at FROM p WHERE owner = ` + everyone + `
	), words AS (
		INSERT INTO linkspan_shard.message_words (slot, channel_id, owner_group_id, number, follows, words)
		SELECT slot, channel_id, owner, number, follows, words::tsvector FROM p
	), operation AS (
		INSERT INTO linkspan_shard.channel_operation (slot, channel_id, op_id, mutation, input_hash, owner_group_id, number)
		SELECT slot, channel_id, op_id, mutation, input_hash, owner, number FROM p
	)`
	insertMessages = `
	INSERT INTO linkspan_shard.message (slot, channel_id, owner_group_id, number, follows, body, author_group_id, author_id, author_name,
		reply_to_owner, reply_to, mention_group_ids, mention_ids, created_at)
	SELECT slot, channel_id, owner, number, follows, body, group_id, user_id, name,
		CASE WHEN root IS NOT NULL THEN root_owner END, root, mention_groups::uuid[], mention_users::uuid[], at FROM p`
)

// writePosts writes what all posts have. Arguments: their columns, and their times.
const writePosts = `
	WITH p AS MATERIALIZED (SELECT * FROM ` + postColumns + `, $18::timestamptz[]) AS p (` + postNames + `, at))` + besideMessages + insertMessages

// What only some posts have. Arguments: slots and channels, and what else the columns say, in their order.
const (
	raiseSides = `
	UPDATE linkspan_shard.channel_side AS s SET private_head = g.head FROM (
		SELECT slot, channel_id, group_id, max(number) AS head
		FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::bigint[]) AS p (slot, channel_id, group_id, number) GROUP BY slot, channel_id, group_id
	) AS g WHERE s.slot = g.slot AND s.channel_id = g.channel_id AND s.group_id = g.group_id`
	writePrivateEvents = `
	INSERT INTO linkspan_shard.private_event (slot, channel_id, group_id, number, follows, position, kind, actor_group_id, actor_id, message_number, at)
	SELECT slot, channel_id, group_id, number, follows, follows + number, 'MESSAGE_POSTED', group_id, user_id, number, at
	FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::uuid[], $7::timestamptz[])
		AS p (slot, channel_id, group_id, number, follows, user_id, at)`
	// A reply to a message for everyone that is for the author's group alone is counted apart, for the group.
	countReplies = `
	UPDATE linkspan_shard.message AS m SET reply_count = m.reply_count + r.replies
	FROM (SELECT slot, channel_id, owner_group_id, number, count(*) AS replies
		FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::bigint[]) AS p (slot, channel_id, owner_group_id, number) GROUP BY 1, 2, 3, 4) AS r
	WHERE m.slot = r.slot AND m.channel_id = r.channel_id AND m.owner_group_id = r.owner_group_id AND m.number = r.number`
	countPrivateReplies = `
	INSERT INTO linkspan_shard.private_replies AS r (slot, channel_id, group_id, number, reply_count)
	SELECT slot, channel_id, group_id, number, count(*)
	FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::bigint[]) AS p (slot, channel_id, group_id, number) GROUP BY 1, 2, 3, 4
	ON CONFLICT (slot, channel_id, number, group_id) DO UPDATE SET reply_count = r.reply_count + excluded.reply_count`
	// Of several names of one user the last counts.
	writeAuthors = `
	INSERT INTO linkspan_shard.channel_user AS u
		(slot, channel_id, group_id, user_id, name, name_key, public_name, public_name_key, public_at, public_number)
	SELECT slot, channel_id, group_id, user_id, (array_agg(name ORDER BY n DESC))[1], (array_agg(name_key ORDER BY n DESC))[1],
		(array_agg(name ORDER BY n DESC) FILTER (WHERE public))[1], (array_agg(name_key ORDER BY n DESC) FILTER (WHERE public))[1],
		CASE WHEN bool_or(public) THEN now() END, COALESCE(max(number) FILTER (WHERE public), 0)
	FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::boolean[], $8::bigint[]) WITH ORDINALITY
		AS p (slot, channel_id, group_id, user_id, name, name_key, public, number, n)
	GROUP BY slot, channel_id, group_id, user_id ` + userKnown
)

// write lets the statements wait in the transaction that write posts, but for those with nothing to write.
func write(tx *shardrouter.Tx, placed []*post) {
	queue(tx, writePosts, placed, append(written(placed), column(placed, (*post).at))...)

	private, _ := apart(placed, func(p *post) bool { return !p.isPublic() })
	queue(tx, raiseSides, private, keys(private, (*post).owner), column(private, (*post).number))
	queue(tx, writePrivateEvents, private, keys(private, (*post).owner), column(private, (*post).number), column(private, (*post).follows),
		keys(private, (*post).author), column(private, (*post).at))

	replies, _ := apart(placed, (*post).isReply)
	counted, countedApart := apart(replies, func(p *post) bool { return p.rootOwner() == p.owner() })
	queue(tx, countReplies, counted, keys(counted, (*post).owner), column(counted, (*post).root))
	queue(tx, countPrivateReplies, countedApart, keys(countedApart, (*post).owner), column(countedApart, (*post).root))

	strangers := tellingOfAuthors(placed)
	queue(tx, writeAuthors, strangers, keys(strangers, (*post).group), keys(strangers, (*post).author), column(strangers, (*post).authorName),
		column(strangers, func(p *post) string { return channel.NameKey(p.authorName()) }), column(strangers, (*post).isPublic),
		column(strangers, (*post).number))
}

// written are the columns of posts but for the slots and channels.
func written(placed []*post) []any {
	return []any{
		keys(placed, (*post).owner), column(placed, (*post).number), column(placed, (*post).follows),
		keys(placed, (*post).group), keys(placed, (*post).author), column(placed, (*post).authorName),
		keys(placed, (*post).operation), column(placed, func(p *post) string { return p.change.Op.Mutation }),
		column(placed, func(p *post) string { return p.change.Op.Input }), keys(placed, (*post).rootOwner), column(placed, (*post).root),
		column(placed, func(p *post) string { return p.change.Body }),
		column(placed, func(p *post) string {
			return arrayOf(p.change.Mentions, func(u channel.User) uuid.UUID { return u.ID.Group.UUID() })
		}),
		column(placed, func(p *post) string {
			return arrayOf(p.change.Mentions, func(u channel.User) uuid.UUID { return u.ID.UUID() })
		}),
		column(placed, func(p *post) string { return p.words }),
	}
}

// queue lets a statement about some posts wait, if there are any. Its first arguments are their slots and channels.
func queue(tx *shardrouter.Tx, text string, posts []*post, columns ...any) {
	if len(posts) > 0 {
		tx.Queue(text, about(posts, columns...)...)
	}
}

// about are the arguments of a statement about posts: their slots and channels, and columns.
func about(posts []*post, columns ...any) []any {
	return append([]any{column(posts, (*post).slot), keys(posts, (*post).channelID)}, columns...)
}

// column is what posts have in a column.
func column[T any](posts []*post, of func(*post) T) []T {
	values := make([]T, len(posts))
	for i, p := range posts {
		values[i] = of(p)
	}
	return values
}

// keys is column for ids. The owner of what is for everyone is the nil UUID, and so it is in the tables of messages.
func keys[ID pgtype.UUIDValuer](posts []*post, of func(*post) ID) []pgtype.UUID {
	values := uuids(column(posts, of))
	for i := range values {
		values[i].Valid = true
	}
	return values
}

// firstOfEach are the first of the posts to each channel.
func firstOfEach(posts []*post) (first []*post) {
	had := make(map[ids.Channel]bool, len(posts))
	for _, p := range posts {
		if id := p.channelID(); !had[id] {
			had[id] = true
			first = append(first, p)
		}
	}
	return first
}

// apart parts posts.
func apart(posts []*post, by func(*post) bool) (those, others []*post) {
	for _, p := range posts {
		if by(p) {
			those = append(those, p)
		} else {
			others = append(others, p)
		}
	}
	return those, others
}

func (p *post) slot() int16            { return int16(slotOfChannel(p.channelID())) }
func (p *post) channelID() ids.Channel { return p.change.Message.Channel }
func (p *post) owner() ids.Group       { return p.change.Message.Owner }
func (p *post) rootOwner() ids.Group   { return p.change.ReplyTo.Owner }
func (p *post) group() ids.Group       { return p.change.By.ID.Group }
func (p *post) author() ids.User       { return p.change.By.ID }
func (p *post) authorName() string     { return p.change.By.Name }
func (p *post) operation() ids.Op      { return p.change.Op.ID }
func (p *post) number() int64          { return *p.row.number }
func (p *post) follows() int64         { return *p.row.follows }
func (p *post) at() time.Time          { return *p.row.at }

// root is the number of what a post replies to; nil: it is no reply.
func (p *post) root() *int64 {
	if !p.isReply() {
		return nil
	}
	return &p.change.ReplyTo.Number
}

func (p *post) isPublic() bool { return p.owner().IsZero() }
func (p *post) isReply() bool  { return !p.change.ReplyTo.IsZero() }

// tellsOfItsAuthor reports whether a post shows its author under a name that is not noted yet.
func (p *post) tellsOfItsAuthor() bool {
	name := p.authorName()
	return p.known.name == nil || *p.known.name != name || p.isPublic() && (p.known.public == nil || *p.known.public != name)
}

// tellingOfAuthors are the posts that show their authors under names that are not noted yet, or not behind the posts before them.
func tellingOfAuthors(placed []*post) (strangers []*post) {
	type author struct {
		channel ids.Channel
		user    ids.User
	}
	noted := map[author]authorNames{}
	for _, p := range placed {
		a := author{p.channelID(), p.author()}
		if names, ok := noted[a]; ok {
			p.known = names
		}
		if !p.tellsOfItsAuthor() {
			continue
		}
		strangers = append(strangers, p)
		name := p.authorName()
		names := authorNames{&name, p.known.public}
		if p.isPublic() {
			names.public = &name
		}
		noted[a] = names
	}
	return strangers
}

// arrayOf is an array of UUIDs as Postgres reads it.
func arrayOf(users []channel.User, id func(channel.User) uuid.UUID) string {
	spelt := make([]string, len(users))
	for i, user := range users {
		spelt[i] = id(user).String()
	}
	return "{" + strings.Join(spelt, ",") + "}"
}
