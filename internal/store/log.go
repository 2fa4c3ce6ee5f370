package store

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"

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
	SELECT owned.slot, l.history, l.head, COALESCE(e.number, 0), COALESCE(e.at, now()), COALESCE(e.kind, ''),
		e.invitation_id, COALESCE(e.invitation_version, 0), e.channel_id,
		e.about_group_id, COALESCE(e.about_handle, ''), COALESCE(e.about_name, ''), e.actor_group_id, e.actor_id
	FROM ` + shardrouter.OwnedFirst + `
	LEFT JOIN linkspan_shard.inbox_log AS l ON l.slot = owned.slot AND l.group_id = $2
	LEFT JOIN LATERAL (
		SELECT * FROM linkspan_shard.inbox_event AS e
		WHERE e.slot = l.slot AND e.group_id = l.group_id AND e.number > $3 ORDER BY e.number LIMIT $4
	) AS e ON true ORDER BY e.number`

// ReadLog implements [channel.LogReader].
func (s *Store) ReadLog(ctx context.Context, log channel.LogKey, after int64, limit int) (page channel.LogPage, err error) {
	group := log.ID.Group()
	err = s.readOne(ctx, group, readInbox, []any{group, after, limit}, func() { page = channel.LogPage{} }, func(row pgx.Rows) error {
		var e channel.LogEvent
		err := row.Scan(nil, &page.Head.History, &page.Head.Number, &e.Number, &e.At, &e.Kind,
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

// LogHeads implements [channel.LogReader].
func (s *Store) LogHeads(ctx context.Context, logs []channel.LogKey) (map[channel.LogKey]channel.LogHead, error) {
	bySlot := make(map[shardrouter.Slot][]ids.Group)
	for _, log := range logs {
		group := log.ID.Group()
		bySlot[slotOf(group)] = append(bySlot[slotOf(group)], group)
	}
	heads := make(map[channel.LogKey]channel.LogHead, len(logs))
	var merging sync.Mutex
	failed := s.readMany(ctx, slices.Collect(maps.Keys(bySlot)), func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot) ([]shardrouter.Slot, error) {
		var groups []ids.Group
		for _, slot := range slots {
			groups = append(groups, bySlot[slot]...)
		}
		return eachOwned(ctx, conn, `
			SELECT owned.slot, l.group_id, l.history, l.head
			FROM `+shardrouter.OwnedFirstMany+` LEFT JOIN linkspan_shard.inbox_log AS l
				ON l.slot = owned.slot AND l.group_id = ANY ($2)`, []any{slots, uuids(groups)}, func(row pgx.Rows) error {
			var group ids.Group
			var head channel.LogHead
			err := row.Scan(nil, &group, &head.History, &head.Number)
			merging.Lock()
			defer merging.Unlock()
			heads[channel.InboxOf(group)] = head
			return err
		})
	})
	var errs []error
	for _, err := range failed {
		errs = append(errs, err)
	}
	missing := func(log channel.LogKey) bool { _, ok := heads[log]; return !ok }
	if len(failed) == 0 && slices.ContainsFunc(logs, missing) {
		errs = append(errs, channel.Unavailable(errNoInbox))
	}
	return heads, errors.Join(errs...)
}
