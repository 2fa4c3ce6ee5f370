package store

import (
	"context"
	"errors"
	"slices"

	"github.com/uptrace/bun"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// read runs one statement on the cluster of a group's slot, by bun. fn returns whether the cluster owns the slot:
// whether there was any row.
func (s *Store) read(ctx context.Context, group ids.Group, fn func(ctx context.Context, db bun.IDB, slot shardrouter.Slot) (owned bool, err error)) error {
	slot := slotOf(group)
	return translate(s.router.Read(ctx, slot, func(ctx context.Context, db bun.IDB) error {
		owned, err := fn(ctx, db, slot)
		if err == nil && !owned {
			err = shardrouter.ErrNotOwned
		}
		return err
	}))
}

// listed is what every statement of a list selects beside its values: the inbox log's head in the same snapshot, the
// length of the whole list where it is asked for, and the position, 0 for the one row of an empty page.
type listed struct {
	History  ids.History `bun:"history"`
	Head     int64       `bun:"head"`
	Total    int         `bun:"total"`
	Position int64       `bun:"position"`
}

// fromInbox begins the statement of a list or log of a group with the slot and the inbox log. Arguments: slot, group.
const fromInbox = ` FROM ` + shardrouter.Owned + `
	LEFT JOIN linkspan_shard.inbox_log AS l ON l.slot = owned.slot AND l.group_id = ?1`

// paged appends the bounds, the order and the limit of a range to the query of a list of rows with positions. It asks
// for one more row than the range has, to see whether there is more.
func paged(query string, args []any, r channel.Range) (string, []any) {
	if r.After > 0 {
		query, args = query+` AND position < ?`+itoa(len(args)), append(args, r.After)
	}
	if r.Before > 0 {
		query, args = query+` AND position > ?`+itoa(len(args)), append(args, r.Before)
	}
	return query + byPosition("position", r) + ` LIMIT ?` + itoa(len(args)), append(args, r.Limit+1)
}

// byPosition is the order in which a range is read.
func byPosition(column string, r channel.Range) string {
	if r.Backward {
		return ` ORDER BY ` + column + ` ASC`
	}
	return ` ORDER BY ` + column + ` DESC`
}

// lateral joins a page to the inbox log. The order is said again, for SQL does not promise that a join keeps it.
func lateral(page string, r channel.Range) string {
	return ` LEFT JOIN LATERAL (` + page + `) AS p ON true` + byPosition("p.position", r)
}

// rowsOf makes the rows of a range from what its statement found: drops the row that was one too many and puts the
// rest in list order. A group whose inbox log is not made yet can't be read yet.
func rowsOf[R, T any](found []R, r channel.Range, head func(*R) listed, value func(*R) T) (channel.Rows[T], error) {
	first := head(&found[0])
	if first.History.IsZero() {
		return channel.Rows[T]{}, channel.Unavailable(errNoInbox)
	}
	if first.Position == 0 {
		found = nil
	}
	rows := inOrder(found, r, func(r *R) int64 { return head(r).Position }, value)
	rows.Total, rows.Inbox = first.Total, channel.LogHead{History: first.History, Number: first.Head}
	return rows, nil
}

// inOrder is what rowsOf does but for the inbox log.
func inOrder[R, T any](found []R, r channel.Range, position func(*R) int64, value func(*R) T) (rows channel.Rows[T]) {
	more := len(found) > r.Limit
	found = found[:min(len(found), r.Limit)]
	// A cursor names a row of the list, so beyond a bound that was given there is something.
	rows.MoreBefore, rows.MoreBehind = r.After > 0, r.Before > 0
	if r.Backward {
		slices.Reverse(found)
		rows.MoreBefore = rows.MoreBefore || more
	} else {
		rows.MoreBehind = rows.MoreBehind || more
	}
	for i := range found {
		rows.Rows = append(rows.Rows, channel.Row[T]{Position: position(&found[i]), Value: value(&found[i])})
	}
	return rows
}

// listOfChannels is the statement of a range of the channels that a group's list shows a reader, as [sees] says for a side, with its arguments. What is
// kept to some is found by those whom it is kept to, which OFFSET 0 has Postgres do first: who sees few of many channels reads no more than those.
func listOfChannels(reader channel.Reader, slot shardrouter.Slot, r channel.Range) (string, []any) {
	const (
		all     = `SELECT c.channel_id, c.position FROM linkspan_shard.group_channel AS c`
		ofGroup = ` WHERE c.slot = owned.slot AND c.group_id = ?1`
		listed  = `SELECT c.channel_id, c.position FROM (
			SELECT m.channel_id FROM linkspan_shard.listed_member AS m WHERE m.slot = owned.slot AND m.group_id = ?1 AND m.user_id = ?`
		ofThose = ` OFFSET 0) AS m CROSS JOIN LATERAL (` + all + ofGroup + ` AND c.channel_id = m.channel_id AND c.members_only OFFSET 0) AS c WHERE true`
	)
	args := []any{slot, reader.User.Group}
	var page string
	if reader.Admin {
		page, args = paged(all+ofGroup, args, r)
	} else {
		var forAll, forSome string
		forAll, args = paged(all+ofGroup+` AND NOT c.members_only`, args, r)
		forSome, args = paged(listed+itoa(len(args))+ofThose, append(args, judgedAs(reader)), r)
		both := channel.Range{Limit: r.Limit, Backward: r.Backward} // each is within the bounds
		page, args = paged(`SELECT channel_id, position FROM ((`+forAll+`) UNION ALL (`+forSome+`)) AS c`, args, both)
	}
	return `SELECT l.history, COALESCE(l.head, 0) AS head, COALESCE(p.position, 0) AS position, p.channel_id` + fromInbox + lateral(page, r), args
}

// ListChannels implements [channel.Shards].
func (s *Store) ListChannels(ctx context.Context, reader channel.Reader, r channel.Range) (rows channel.Rows[ids.Channel], err error) {
	type row struct {
		listed
		Channel ids.Channel `bun:"channel_id"`
	}
	group := reader.User.Group
	err = s.read(ctx, group, func(ctx context.Context, db bun.IDB, slot shardrouter.Slot) (bool, error) {
		query, args := listOfChannels(reader, slot, r)
		var found []row
		err := db.NewRaw(query, args...).Scan(ctx, &found)
		if err != nil || len(found) == 0 {
			return false, err
		}
		rows, err = rowsOf(found, r, func(r *row) listed { return r.listed }, func(r *row) ids.Channel { return r.Channel })
		return true, err
	})
	return rows, err
}

// ListInvitations implements [channel.Shards].
func (s *Store) ListInvitations(
	ctx context.Context, group ids.Group, f channel.InvitationFilter, r channel.Range,
) (rows channel.Rows[*channel.Invitation], err error) {
	type row struct {
		listed
		copyRow
	}
	err = s.read(ctx, group, func(ctx context.Context, db bun.IDB, slot shardrouter.Slot) (bool, error) {
		from, args := invitationsOf(f, slot, group)
		total := `0 AS total`
		if r.Total {
			total = `(SELECT count(*)` + from + `) AS total`
		}
		page, args := paged(`
			SELECT `+invitationCopy+`, i.position`+from, args, r)
		var found []row
		err := db.NewRaw(`
			SELECT `+total+`, l.history, COALESCE(l.head, 0) AS head, p.*, COALESCE(p.position, 0) AS position`+
			fromInbox+lateral(page, r), args...).Scan(ctx, &found)
		if err != nil || len(found) == 0 {
			return false, err
		}
		var broken error
		rows, err = rowsOf(found, r, func(r *row) listed { return r.listed }, func(r *row) *channel.Invitation {
			in, err := r.invitation()
			broken = errors.Join(broken, err)
			return in
		})
		return true, errors.Join(err, broken)
	})
	return rows, err
}

// invitationsOf begins the selection of a list of invitations. It names the slot by itself, so that what counts them is
// no part of the rows of a page and runs once.
func invitationsOf(f channel.InvitationFilter, slot shardrouter.Slot, group ids.Group) (string, []any) {
	direction := "RECEIVED"
	if f.Sent {
		direction = "SENT"
	}
	from, args := ` FROM linkspan_shard.group_invitation AS i`+withPolicy+`
		WHERE i.slot = ?0 AND i.group_id = ?1 AND i.direction = ?2 AND `+copyIsShown, []any{slot, group, direction}
	if !f.Channel.IsZero() {
		from, args = from+` AND i.channel_id = ?`+itoa(len(args)), append(args, f.Channel)
	}
	if f.States != nil {
		from, args = from+` AND `+invitationState+` IN (?`+itoa(len(args))+`)`, append(args, bun.List(f.States))
	}
	return from, args
}
