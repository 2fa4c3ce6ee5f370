package store

import (
	"context"

	"github.com/jackc/pgx/v5"

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

// OpenChannel implements [channel.Conversation]. The statements are those of Channels, Unread and ListMessages; they are sent with
// those of others who open channels of that cluster meanwhile.
func (s *Store) OpenChannel(
	ctx context.Context, reader channel.Reader, id ids.Channel, unread bool, r *channel.MessageRange,
) (channel.Opened, error) {
	var opened channel.Opened
	err := s.router.Route(ctx, slotOfChannel(id), func(d *shardrouter.Database) (err error) {
		opened, err = s.openings.door(d).open(ctx, func(opened *channel.Opened) []part {
			parts := []part{openSides(reader, id, opened)}
			if unread {
				parts = append(parts, openUnread(reader, id, opened))
			}
			if r != nil {
				parts = append(parts, openMessages(reader, id, *r, opened))
			}
			return parts
		})
		return err
	})
	if m := opened.Messages; opened.Channel != nil && m != nil && m.Log.History.IsZero() {
		opened.Messages = nil // the group's part has ended: what it reads is asked in another way
	}
	return opened, translate(err)
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
