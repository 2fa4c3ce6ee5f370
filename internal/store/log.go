package store

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// errNoInbox is why a group can't be read right after its registration: its inbox log is still on the way.
var errNoInbox = errors.New("store: the group's inbox log is not made yet")

// itoa numbers an argument.
func itoa(n int) string { return strconv.Itoa(n) }

// ReadLog implements [channel.LogReader].
func (s *Store) ReadLog(ctx context.Context, log channel.LogKey, after int64, limit int) (page channel.LogPage, err error) {
	type row struct {
		listed
		At         *time.Time        `bun:"at"`
		Kind       channel.EventKind `bun:"kind"`
		Invitation ids.Invitation    `bun:"invitation_id"`
		Channel    ids.Channel       `bun:"channel_id"`
		About      groupRow          `bun:"embed:about_"`
	}
	group := log.ID.Group()
	err = s.read(ctx, group, func(ctx context.Context, db bun.IDB, slot shardrouter.Slot) (bool, error) {
		var found []row
		err := db.NewRaw(`
			SELECT l.history, COALESCE(l.head, 0) AS head, COALESCE(e.number, 0) AS position, e.at, e.kind,
				e.invitation_id, e.channel_id, e.about_group_id, e.about_handle, e.about_name`+
			fromInbox+` LEFT JOIN LATERAL (
				SELECT * FROM linkspan_shard.inbox_event AS e
				WHERE e.slot = l.slot AND e.group_id = l.group_id AND e.number > ?2 ORDER BY e.number LIMIT ?3
			) AS e ON true`, slot, group, after, limit).Scan(ctx, &found)
		if err != nil || len(found) == 0 {
			return false, err
		}
		if found[0].History.IsZero() {
			return true, channel.Unavailable(errNoInbox)
		}
		page = channel.LogPage{Head: channel.LogHead{History: found[0].History, Number: found[0].Head}}
		for _, row := range found {
			if row.Position > 0 {
				page.Events = append(page.Events, channel.LogEvent{
					Number: row.Position, At: row.At.UTC(), Kind: row.Kind,
					Invitation: row.Invitation, Channel: row.Channel, Group: row.About.group(),
				})
			}
		}
		return true, nil
	})
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
	failed := s.readMany(ctx, slices.Collect(maps.Keys(bySlot)), func(ctx context.Context, db bun.IDB, slots []shardrouter.Slot) ([]shardrouter.Slot, error) {
		var groups []ids.Group
		for _, slot := range slots {
			groups = append(groups, bySlot[slot]...)
		}
		var rows []struct {
			Slot    shardrouter.Slot `bun:"slot"`
			Group   ids.Group        `bun:"group_id"`
			History ids.History      `bun:"history"`
			Head    int64            `bun:"head"`
		}
		err := db.NewRaw(`
			SELECT owned.slot, l.group_id, l.history, COALESCE(l.head, 0) AS head
			FROM `+shardrouter.OwnedMany+` LEFT JOIN linkspan_shard.inbox_log AS l
				ON l.slot = owned.slot AND l.group_id IN (?1)`, bun.List(slots), bun.List(groups)).Scan(ctx, &rows)
		if err != nil {
			return nil, err
		}
		merging.Lock()
		defer merging.Unlock()
		owned := make([]shardrouter.Slot, len(rows))
		for i, row := range rows {
			owned[i] = row.Slot
			if !row.Group.IsZero() {
				heads[channel.InboxOf(row.Group)] = channel.LogHead{History: row.History, Number: row.Head}
			}
		}
		return owned, nil
	})
	var errs []error
	for _, err := range failed {
		errs = append(errs, err)
	}
	for _, log := range logs {
		if _, ok := heads[log]; !ok && len(failed) == 0 {
			errs = append(errs, channel.Unavailable(errNoInbox))
			break
		}
	}
	return heads, errors.Join(errs...)
}
