package store

import (
	"context"
	"math"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// pageOfFound is a part of what a search found in a channel, in descending order of rank and place. Arguments: slot, channel,
// group, user, the rank and place that the part lies behind, those that it lies before, limit, the text, the marks of messages
// to everyone and to the group. IS NOT DISTINCT FROM and OFFSET 0 leave Postgres no choice, which without statistics would read
// all of the channel: words are found by their index, messages by their whole keys.
func pageOfFound(order channel.SearchOrder, backward bool) string {
	rank := func(string) string { return `0::real` }
	if order == channel.SearchRank {
		rank = func(asked string) string { return `ts_rank(w.words, (SELECT ranked FROM ` + asked + `))` }
	}
	direction := ` DESC`
	if backward {
		direction = ``
	}
	found := func(asked, owner, private string) string {
		place := `(` + rank(asked) + `, w.follows, ` + private + `)`
		return `
			(SELECT w.owner_group_id, w.number, w.follows, ` + private + ` AS private, ` + rank(asked) + ` AS rank
			FROM linkspan_shard.message_words AS w
			WHERE w.words @@ (SELECT wanted FROM ` + asked + `)
				AND ROW (w.slot, w.channel_id, w.owner_group_id) IS NOT DISTINCT FROM ROW (v.slot, $2::uuid, ` + owner + `::uuid)
				AND ` + place + ` < ($5::real, $6::bigint, $7::bigint) AND ` + place + ` > ($8::real, $9::bigint, $10::bigint)
			ORDER BY rank` + direction + `, w.follows` + direction + `, private` + direction + ` LIMIT $11)`
	}
	return `
	WITH of_all AS MATERIALIZED ` + searchFor(`$12`, `$13`) + `, of_group AS MATERIALIZED ` + searchFor(`$12`, `$14`) + `
	SELECT owned.slot, l.history, l.head + v.private_head, COALESCE(f.rank, 0), ` + messageColumns + `
	FROM ` + shardrouter.OwnedFirst + `
	LEFT JOIN (
		linkspan_shard.channel_side AS v JOIN linkspan_shard.channel_log AS l ON l.slot = v.slot AND l.channel_id = v.channel_id
	) ON v.slot = owned.slot AND v.channel_id = $2 AND v.group_id = $3 AND v.state = 'LINKED'
	LEFT JOIN LATERAL (
		SELECT * FROM (` + found(`of_all`, everyone, `0::bigint`) + `
			UNION ALL` + found(`of_group`, `$3`, `w.number`) + `
		) AS f ORDER BY f.rank` + direction + `, f.follows` + direction + `, f.private` + direction + ` LIMIT $11
	) AS f ON true
	LEFT JOIN LATERAL (
		SELECT m.*, v.private_head FROM linkspan_shard.message AS m
		WHERE m.slot = v.slot AND m.channel_id = $2 AND m.owner_group_id = f.owner_group_id AND m.number = f.number OFFSET 0
	) AS m ON true` + messageJoins + `
	ORDER BY f.rank DESC, f.follows DESC, f.private DESC`
}

var foundPages = map[channel.SearchOrder][2]string{
	channel.SearchNewest: {pageOfFound(channel.SearchNewest, false), pageOfFound(channel.SearchNewest, true)},
	channel.SearchRank:   {pageOfFound(channel.SearchRank, false), pageOfFound(channel.SearchRank, true)},
}

// SearchMessages implements [channel.Conversation].
func (s *Store) SearchMessages(
	ctx context.Context, reader ids.User, id ids.Channel, search channel.Search, r channel.MessageRange,
) (rows channel.MessageRows, err error) {
	text := foundPages[search.Order][0]
	if r.Backward {
		text = foundPages[search.Order][1]
	}
	begin := func() { rows = channel.MessageRows{} }
	var rank float32
	scan := newMessageScan(&rank)
	err = s.readSlot(ctx, slotOfChannel(id), text, searchArgs(reader, id, search, r), begin, func(row pgx.Rows) error {
		if err := scan.scan(row); err != nil {
			return err
		}
		scan.row.place.Rank = rank
		scan.addTo(&rows)
		return nil
	})
	cut(&rows, r)
	return rows, err
}

// searchArgs are the arguments of a page of what was found, from the second on.
func searchArgs(reader ids.User, id ids.Channel, search channel.Search, r channel.MessageRange) []any {
	above := channel.Place{Rank: math.MaxFloat32, Public: math.MaxInt64}
	below := channel.Place{Rank: -1}
	if r.After != nil {
		above = *r.After
	}
	if r.Before != nil {
		below = *r.Before
	}
	return []any{
		id, reader.Group, reader, above.Rank, above.Public, above.Private, below.Rank, below.Public, below.Private, r.Limit + 1,
		asked(search.Text), mark(id, ids.Group{}), mark(id, reader.Group),
	}
}
