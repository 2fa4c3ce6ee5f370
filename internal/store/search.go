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
// to everyone and to the group, as whom the reader is judged. IS NOT DISTINCT FROM and OFFSET 0 leave Postgres no choice, which without statistics would read
// all of the channel: words are found by their index, messages by their whole keys.
func (r reading) pageOfFound(order channel.SearchOrder, backward bool) string {
	rank := func(string) string { return `0::real` }
	if order == channel.SearchRank {
		rank = func(asked string) string { return `ts_rank(w.words, (SELECT ranked FROM ` + asked + `))` }
	}
	direction := ` DESC`
	if backward {
		direction = ``
	}
	found := func(asked, owner, private, of, known string) string {
		place := `(` + rank(asked) + `, w.follows, ` + private + `)`
		return `
			(SELECT w.owner_group_id, w.number, w.follows, ` + private + ` AS private, ` + rank(asked) + ` AS rank
			FROM ` + of + ` AS w
			WHERE w.words @@ (SELECT wanted FROM ` + asked + `)
				AND ROW (w.slot, w.channel_id, w.owner_group_id) IS NOT DISTINCT FROM ROW (v.slot, $2::uuid, ` + owner + `::uuid)` + known + `
				AND ` + place + ` < ($5::real, $6::bigint, $7::bigint) AND ` + place + ` > ($8::real, $9::bigint, $10::bigint)
			ORDER BY rank` + direction + `, w.follows` + direction + `, private` + direction + ` LIMIT $11)`
	}
	const words = `linkspan_shard.message_words`
	known, before := r.until(`w.number`), ``
	if r == anySide {
		// What was edited since the side parted says now what the side is not to know; it finds that by what it said then.
		known += `
				AND (v.unlinked_after IS NULL OR ((
					SELECT m.edited_number FROM linkspan_shard.message AS m
					WHERE m.slot = v.slot AND m.channel_id = $2 AND m.owner_group_id = ` + everyone + ` AND m.number = w.number
				) > v.unlinked_after) IS NOT TRUE)`
		before = `
			UNION ALL` + found(`of_all`, everyone, `0::bigint`, `(SELECT b.*, b.number AS follows FROM linkspan_shard.message_version AS b)`, `
				AND w.number <= v.unlinked_after AND w.edited_number <= v.unlinked_after AND w.replaced_number > v.unlinked_after`)
	}
	return `
	WITH of_all AS MATERIALIZED ` + searchFor(`$12`, `$13`) + `, of_group AS MATERIALIZED ` + searchFor(`$12`, `$14`) + `
	SELECT owned.slot, ` + r.head() + `, COALESCE(f.rank, 0), ` + r.columns() + `
	FROM ` + shardrouter.OwnedFirst + `
	LEFT JOIN (
		linkspan_shard.channel_side AS v JOIN linkspan_shard.channel_log AS l ON l.slot = v.slot AND l.channel_id = v.channel_id
	) ON v.slot = owned.slot AND v.channel_id = $2 AND v.group_id = $3 AND ` + r.mayFind(`$15`) + `
	LEFT JOIN LATERAL (
		SELECT * FROM (` + found(`of_all`, everyone, `0::bigint`, words, known) + before + `
			UNION ALL` + found(`of_group`, `$3`, `w.number`, words, ``) + `
		) AS f ORDER BY f.rank` + direction + `, f.follows` + direction + `, f.private` + direction + ` LIMIT $11
	) AS f ON true
	LEFT JOIN LATERAL (
		SELECT m.*, ` + r.ofSide() + ` FROM linkspan_shard.message AS m
		WHERE m.slot = v.slot AND m.channel_id = $2 AND m.owner_group_id = f.owner_group_id AND m.number = f.number OFFSET 0
	) AS m ON true` + r.joins() + `
	ORDER BY f.rank DESC, f.follows DESC, f.private DESC`
}

// foundPages are the statements by order and reading, the first for a page from the beginning, the second for one from the end.
var foundPages = map[channel.SearchOrder][2][2]string{
	channel.SearchNewest: foundBy(channel.SearchNewest),
	channel.SearchRank:   foundBy(channel.SearchRank),
}

func foundBy(order channel.SearchOrder) [2][2]string {
	return [...][2]string{
		{takingPart.pageOfFound(order, false), takingPart.pageOfFound(order, true)}, {anySide.pageOfFound(order, false), anySide.pageOfFound(order, true)},
	}
}

// SearchMessages implements [channel.Conversation].
func (s *Store) SearchMessages(
	ctx context.Context, reader channel.Reader, id ids.Channel, search channel.Search, r channel.MessageRange,
) (rows channel.MessageRows, err error) {
	args := searchArgs(reader, id, search, r)
	for _, texts := range foundPages[search.Order] {
		text := texts[0]
		if r.Backward {
			text = texts[1]
		}
		begin := func() { rows = channel.MessageRows{} }
		var rank float32
		scan := newMessageScan(&rank)
		err = s.readSlot(ctx, slotOfChannel(id), text, args, begin, func(row pgx.Rows) error {
			if err := scan.scan(row); err != nil {
				return err
			}
			scan.row.place.Rank = rank
			scan.addTo(&rows)
			return nil
		})
		if err != nil || !rows.Log.History.IsZero() {
			break
		}
	}
	cut(&rows, r)
	return rows, err
}

// searchArgs are the arguments of a page of what was found, from the second on.
func searchArgs(reader channel.Reader, id ids.Channel, search channel.Search, r channel.MessageRange) []any {
	above := channel.Place{Rank: math.MaxFloat32, Public: math.MaxInt64}
	below := channel.Place{Rank: -1}
	if r.After != nil {
		above = *r.After
	}
	if r.Before != nil {
		below = *r.Before
	}
	return []any{
		id, reader.User.Group, reader.User, above.Rank, above.Public, above.Private, below.Rank, below.Public, below.Private, r.Limit + 1,
		asked(search.Text), mark(id, ids.Group{}), mark(id, reader.User.Group), judgedAs(reader),
	}
}
