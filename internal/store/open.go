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
// those of others who open channels of that cluster meanwhile. Of a page that is kept a smaller one says whether it and the channel are still so; if not,
// all are sent.
func (s *Store) OpenChannel(
	ctx context.Context, reader channel.Reader, id ids.Channel, unread bool, r *channel.MessageRange,
) (opened channel.Opened, err error) {
	var now moment
	kept, known := s.pages.find(id, reader, r)
	if kept != nil {
		opened, err = s.open(ctx, id, func(opened *channel.Opened) []part {
			return withUnread(reader, id, unread && known == nil, opened, openMoment(reader, id, &now))
		})
		switch {
		case err != nil:
			return opened, err
		case now.is(kept.version):
			s.pages.confirmed.Add(1)
			c, rows := kept.channel, kept.rows
			opened.Channel, opened.Messages = &c, &rows
			if unread {
				s.countUnread(ctx, reader, kept, known, now, &opened)
			}
			return opened, nil
		case now == moment{}:
			s.pages.drop(id, reader.User.Group)
		}
	}
	opened, err = s.open(ctx, id, func(opened *channel.Opened) []part {
		parts := withUnread(reader, id, unread, opened, openSides(reader, id, opened, &now))
		if r != nil {
			parts = append(parts, openMessages(reader, id, *r, opened))
		}
		return parts
	})
	switch m := opened.Messages; {
	case opened.Channel == nil || m == nil:
	case m.Log.History.IsZero():
		opened.Messages = nil // the group's part has ended: what it reads is asked in another way
	case opened.Channel.State == channel.ChannelActive:
		if kept := s.pages.keep(opened.Channel, reader, r, m, now.version); kept != nil && opened.Unread != nil {
			s.pages.note(kept, reader.User, counted{now.upTo, *opened.Unread})
		}
	}
	return opened, err
}

// countUnread says what is unread of a page that was confirmed, by what is known of it where the reader has not read on since, and notes it.
func (s *Store) countUnread(ctx context.Context, reader channel.Reader, kept *page, known *counted, now moment, opened *channel.Opened) {
	if known != nil && known.upTo == now.upTo {
		opened.Unread = &known.n
		return
	}
	if known != nil { // so it was not asked for
		id := opened.Channel.ID
		counts, _ := s.Unread(ctx, reader, []ids.Channel{id}) // who still wants it where that fails asks again
		if n, ok := counts[id]; ok {
			opened.Unread = &n
		}
	}
	if opened.Unread != nil {
		s.pages.note(kept, reader.User, counted{now.upTo, *opened.Unread})
	}
}

func (s *Store) open(ctx context.Context, id ids.Channel, parts func(*channel.Opened) []part) (opened channel.Opened, err error) {
	err = s.router.Route(ctx, slotOfChannel(id), func(d *shardrouter.Database) (err error) {
		opened, err = s.openings.door(d).open(ctx, parts)
		return err
	})
	return opened, translate(err)
}

func withUnread(reader channel.Reader, id ids.Channel, unread bool, opened *channel.Opened, parts ...part) []part {
	if unread {
		parts = append(parts, openUnread(reader, id, opened))
	}
	return parts
}

// moment is when a channel was read, for its reader.
type moment struct {
	version
	upTo channel.Place // how far it has read
}

func (m *moment) fields() []any {
	return []any{&m.log.History, &m.log.Number, &m.server, &m.upTo.Public, &m.upTo.Private}
}

// openMoment says at which moment the reader sees a channel that its group takes part in; the zero moment: it doesn't.
func openMoment(reader channel.Reader, id ids.Channel, at *moment) part {
	var now moment
	args := []any{int16(slotOfChannel(id)), id, reader.User.Group, judgedAs(reader), reader.User}
	return part{momentOfOne, args, func(row pgx.Rows) error {
		return row.Scan(append([]any{nil}, now.fields()...)...)
	}, func() { *at = now }}
}

// openSides says with the channel of which moment it is; an operator is not told.
func openSides(reader channel.Reader, id ids.Channel, opened *channel.Opened, at *moment) part {
	query, args := readSides(reader, []shardrouter.Slot{slotOfChannel(id)}, []ids.Channel{id})
	var now moment
	var beside []any
	if !reader.User.Group.IsZero() {
		query, args = sidesOfOneNow, append(args, reader.User)
		beside = now.fields()
	}
	found := map[ids.Channel]*channel.SharedChannel{}
	return part{query, args, func(row pgx.Rows) error {
		var side sideRow
		err := side.scan(row, beside...)
		if err == nil {
			err = side.addTo(found, reader.User.Group)
		}
		return err
	}, func() { opened.Channel, *at = found[id], now }}
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
