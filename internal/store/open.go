package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// part is one of the statements of a channel that is opened.
type part struct {
	query string
	args  []any
	scan  func(row pgx.Rows) error
	read  func() // what was scanned counts
}

// OpenChannel implements [channel.Conversation]. The statements are those of Channels, Unread and ListMessages.
func (s *Store) OpenChannel(
	ctx context.Context, reader channel.Reader, id ids.Channel, unread bool, r *channel.MessageRange,
) (opened channel.Opened, err error) {
	slot := slotOfChannel(id)
	err = translate(s.router.ReadPgx(ctx, slot, func(ctx context.Context, conn shardrouter.Conn) error {
		opened = channel.Opened{}
		parts := []part{openSides(reader, id, &opened)}
		if unread {
			parts = append(parts, openUnread(reader, id, &opened))
		}
		if r != nil {
			parts = append(parts, openMessages(reader, id, *r, &opened))
		}
		return openParts(ctx, conn, parts)
	}))
	if m := opened.Messages; opened.Channel != nil && m != nil && m.Log.History.IsZero() {
		opened.Messages = nil // the group's part has ended: what it reads is asked in another way
	}
	return opened, err
}

// openParts runs the parts in one round trip. Only the first must succeed: where Postgres refuses another, or does not own the slot
// any more, it and those behind it count as not read.
func openParts(ctx context.Context, conn shardrouter.Conn, parts []part) error {
	var batch pgx.Batch
	answered, owns := false, false // the first
	for i, p := range parts {
		batch.Queue(p.query, p.args...).Query(func(rows pgx.Rows) error {
			owned, err := scanOwned(rows, p.scan)
			if err == nil && len(owned) > 0 {
				p.read()
			}
			if i == 0 {
				answered, owns = err == nil, len(owned) > 0
			}
			return err
		})
	}
	err := conn.Send(ctx, &batch)
	switch refused := (*pgconn.PgError)(nil); {
	case answered && !owns:
		return shardrouter.ErrNotOwned
	case answered && errors.As(err, &refused):
		return nil
	}
	return err
}

func openSides(reader channel.Reader, id ids.Channel, opened *channel.Opened) part {
	query, args := readSides(reader, []shardrouter.Slot{slotOfChannel(id)}, []ids.Channel{id})
	found := map[ids.Channel]*channel.SharedChannel{}
	return part{query, args, func(row pgx.Rows) error {
		var side sideRow
		err := side.scan(row)
		if err == nil {
			err = side.addTo(found, reader.User.Group)
		}
		return err
	}, func() { opened.Channel = found[id] }}
}

func openUnread(reader channel.Reader, id ids.Channel, opened *channel.Opened) part {
	var n int32
	return part{unreadOfOne, unreadArgs(reader, id), func(row pgx.Rows) error {
		return row.Scan(nil, nil, &n)
	}, func() { opened.Unread = &n }}
}

func openMessages(reader channel.Reader, id ids.Channel, r channel.MessageRange, opened *channel.Opened) part {
	query, args := between(messagePages[takingPart], r)
	var rows channel.MessageRows
	scan := newMessageScan()
	return part{query, append(append([]any{int16(slotOfChannel(id)), id, reader.User.Group, reader.User}, args...), judgedAs(reader)), func(row pgx.Rows) error {
		err := scan.scan(row)
		if err == nil {
			scan.addTo(&rows)
		}
		return err
	}, func() {
		cut(&rows, r)
		opened.Messages = &rows
	}}
}
