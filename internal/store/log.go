package store

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// errNoInbox is why a group can't be read right after its registration: its inbox log is still on the way.
var errNoInbox = errors.New("store: the group's inbox log is not made yet")

// itoa numbers an argument.
func itoa(n int) string { return strconv.Itoa(n) }

// readInbox reads events behind a position, or only the head if there are none. Arguments: slot, group, position, limit.
const readInbox = `
	SELECT owned.slot, l.history, l.head, l.floor, COALESCE(e.number, 0), COALESCE(e.at, now()), COALESCE(e.kind, ''),
		e.invitation_id, COALESCE(e.invitation_version, 0), e.channel_id,
		e.about_group_id, COALESCE(e.about_handle, ''), COALESCE(e.about_name, ''), e.actor_group_id, e.actor_id
	FROM ` + shardrouter.OwnedFirst + `
	LEFT JOIN linkspan_shard.inbox_log AS l ON l.slot = owned.slot AND l.group_id = $2
	LEFT JOIN LATERAL (
		SELECT * FROM linkspan_shard.inbox_event AS e
		WHERE e.slot = l.slot AND e.group_id = l.group_id AND e.number > $3 AND $3 >= l.floor ORDER BY e.number LIMIT $4
	) AS e ON true ORDER BY e.number`

// ReadLog implements [channel.LogReader].
func (s *Store) ReadLog(ctx context.Context, log channel.LogKey, after int64, limit int) (channel.LogPage, error) {
	if log.Kind == ids.LogChannel {
		return s.readChannelLog(ctx, log, after, limit)
	}
	return s.readInbox(ctx, log.ID.Group(), after, limit)
}

func (s *Store) readInbox(ctx context.Context, group ids.Group, after int64, limit int) (page channel.LogPage, err error) {
	err = s.readOne(ctx, group, readInbox, []any{group, after, limit}, func() { page = channel.LogPage{} }, func(row pgx.Rows) error {
		var e channel.LogEvent
		err := row.Scan(nil, &page.Head.History, &page.Head.Number, &page.Head.Floor, &e.Number, &e.At, &e.Kind,
			&e.Invitation, &e.Version, &e.Channel, &e.Group.ID, &e.Group.Handle, &e.Group.Name, &e.Actor.Group, &e.Actor)
		if e.Number > 0 {
			e.At = e.At.UTC()
			page.Events = append(page.Events, e)
		}
		return err
	})
	if err == nil && page.Head.History.IsZero() {
		err = channel.Unavailable(errNoInbox)
	}
	return page, err
}

// LogHeads implements [channel.LogReader]. Logs of channels that their side may not read are absent.
func (s *Store) LogHeads(ctx context.Context, logs []channel.LogKey) (map[channel.LogKey]channel.LogHead, error) {
	inboxes, channels := map[shardrouter.Slot][]ids.Group{}, map[shardrouter.Slot][]channel.LogKey{}
	for _, log := range logs {
		if log.Kind == ids.LogChannel {
			slot := slotOfChannel(log.ID.Channel())
			channels[slot] = append(channels[slot], log)
		} else {
			slot := slotOf(log.ID.Group())
			inboxes[slot] = append(inboxes[slot], log.ID.Group())
		}
	}
	heads := make(map[channel.LogKey]channel.LogHead, len(logs))
	var errs []error
	for _, err := range s.inboxHeads(ctx, inboxes, heads) {
		errs = append(errs, err)
	}
	missing := func(log channel.LogKey) bool { _, ok := heads[log]; return !ok && log.Kind == ids.LogInbox }
	if len(errs) == 0 && slices.ContainsFunc(logs, missing) {
		errs = append(errs, channel.Unavailable(errNoInbox))
	}
	for _, err := range s.channelHeads(ctx, channels, heads) {
		errs = append(errs, err)
	}
	return heads, errors.Join(errs...)
}

func (s *Store) inboxHeads(ctx context.Context, bySlot map[shardrouter.Slot][]ids.Group, heads map[channel.LogKey]channel.LogHead) map[shardrouter.Slot]error {
	return readBySlot(ctx, s, bySlot, func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot, groups []ids.Group) ([]shardrouter.Slot, func(), error) {
		here := make(map[channel.LogKey]channel.LogHead, len(groups))
		owned, err := eachOwned(ctx, conn, `
			SELECT owned.slot, l.group_id, l.history, l.head, l.floor
			FROM `+shardrouter.OwnedFirstMany+` LEFT JOIN linkspan_shard.inbox_log AS l
				ON l.slot = owned.slot AND l.group_id = ANY ($2)`, []any{slots, uuids(groups)}, func(row pgx.Rows) error {
			var group ids.Group
			var head channel.LogHead
			err := row.Scan(nil, &group, &head.History, &head.Number, &head.Floor)
			here[channel.InboxOf(group)] = head
			return err
		})
		return owned, func() { maps.Copy(heads, here) }, err
	})
}
