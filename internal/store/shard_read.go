package store

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// read runs one statement on the cluster of a group's slot. fn returns whether the cluster owns the slot: whether
// there was any row.
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

// sideRow is one side of a channel, with the channel. Without a channel only the slot is set.
type sideRow struct {
	Slot        shardrouter.Slot           `bun:"slot"`
	Channel     ids.Channel                `bun:"channel_id"`
	Initiator   groupRow                   `bun:"embed:initiator_"`
	State       channel.SharedChannelState `bun:"state"`
	Topic       *string                    `bun:"topic"`
	CreatorID   ids.User                   `bun:"creator_id"`
	CreatorName string                     `bun:"creator_name"`
	CreatedAt   time.Time                  `bun:"created_at"`
	ViewerState channel.LinkState          `bun:"viewer_state"`
	Group       ids.Group                  `bun:"group_id"`
	Handle      string                     `bun:"handle"`
	GroupName   string                     `bun:"group_name"`
	Name        string                     `bun:"name"`
	NameVisible bool                       `bun:"name_visible"`
	LinkedAt    *time.Time                 `bun:"linked_at"`
	Version     int32                      `bun:"version"`
}

// channelState shows a channel whose only invitation is overdue as CLOSED: by the clock of the database that is asked.
const channelState = `CASE WHEN c.state = 'PENDING' AND c.pending_until <= now() THEN 'CLOSED' ELSE c.state END AS state`

// sidesOfChannels reads channels with their linked sides and the viewer's own, if the viewer's group has a side.
// Arguments: slots, channels, viewer's group.
const sidesOfChannels = `
	SELECT owned.slot, c.channel_id, c.initiator_group_id, c.initiator_handle, c.initiator_name, c.topic,
		c.creator_id, c.creator_name, c.created_at, ` + channelState + `, v.state AS viewer_state,
		s.group_id, s.handle, s.group_name, s.name, s.name_visible, s.linked_at, s.version
	FROM ` + shardrouter.OwnedMany + ` LEFT JOIN (
		linkspan_shard.channel AS c
		JOIN linkspan_shard.channel_side AS v ON v.slot = c.slot AND v.channel_id = c.channel_id AND v.group_id = ?2
		JOIN linkspan_shard.channel_side AS s ON s.slot = c.slot AND s.channel_id = c.channel_id
			AND (s.state = 'LINKED' OR s.group_id = v.group_id)
	) ON c.slot = owned.slot AND c.channel_id IN (?1)
	ORDER BY c.channel_id, s.role, s.linked_at, s.group_id`

// sidesForOperator reads what an operator sees of channels: which groups are linked. Arguments: slots, channels.
const sidesForOperator = `
	SELECT owned.slot, c.channel_id, c.initiator_group_id, c.initiator_handle, c.initiator_name, c.created_at,
		` + channelState + `, s.group_id, s.handle, s.group_name, s.linked_at, s.version
	FROM ` + shardrouter.OwnedMany + ` LEFT JOIN (
		linkspan_shard.channel AS c
		LEFT JOIN linkspan_shard.channel_side AS s ON s.slot = c.slot AND s.channel_id = c.channel_id AND s.state = 'LINKED'
	) ON c.slot = owned.slot AND c.channel_id IN (?1)
	ORDER BY c.channel_id, s.role, s.linked_at, s.group_id`

// Channels implements [channel.Shards].
func (s *Store) Channels(ctx context.Context, group ids.Group, channels []ids.Channel) (map[ids.Channel]*channel.SharedChannel, map[ids.Channel]error) {
	bySlot := make(map[shardrouter.Slot][]ids.Channel)
	for _, id := range channels {
		slot := shardrouter.Slot(id.Slot())
		bySlot[slot] = append(bySlot[slot], id)
	}
	found := make(map[ids.Channel]*channel.SharedChannel, len(channels))
	var merging sync.Mutex
	failed := s.readMany(ctx, slices.Collect(maps.Keys(bySlot)), func(ctx context.Context, db bun.IDB, slots []shardrouter.Slot) ([]shardrouter.Slot, error) {
		var wanted []ids.Channel
		for _, slot := range slots {
			wanted = append(wanted, bySlot[slot]...)
		}
		query, args := sidesOfChannels, []any{bun.List(slots), bun.List(wanted), group}
		if group.IsZero() {
			query, args = sidesForOperator, args[:2]
		}
		var rows []sideRow
		if err := db.NewRaw(query, args...).Scan(ctx, &rows); err != nil {
			return nil, err
		}
		here := make(map[ids.Channel]*channel.SharedChannel, len(wanted))
		owned := make([]shardrouter.Slot, len(rows))
		for i := range rows {
			owned[i] = rows[i].Slot
			rows[i].addTo(here, group)
		}
		merging.Lock()
		defer merging.Unlock()
		maps.Copy(found, here)
		return owned, nil
	})
	unread := make(map[ids.Channel]error)
	for slot, err := range failed {
		for _, id := range bySlot[slot] {
			unread[id] = err
		}
	}
	return found, unread
}

// addTo adds the row's side to its channel, as the viewer's group sees it; the zero group is an operator.
func (r *sideRow) addTo(found map[ids.Channel]*channel.SharedChannel, viewer ids.Group) {
	if r.Channel.IsZero() {
		return
	}
	c := found[r.Channel]
	if c == nil {
		initiator := r.Initiator.group()
		c = &channel.SharedChannel{ID: r.Channel, State: r.viewerChannelState(), CreatedAt: r.CreatedAt.UTC(), Initiator: initiator}
		if !viewer.IsZero() {
			creator := userIn(initiator, r.CreatorID, r.CreatorName)
			c.Creator, c.Topic = &creator, r.Topic
		}
		found[r.Channel] = c
	}
	if r.Group.IsZero() {
		return
	}
	side := channel.ChannelSide{
		ID:       ids.Side{Channel: r.Channel, Group: r.Group},
		Group:    channel.Group{ID: r.Group, Handle: r.Handle, Name: r.GroupName},
		LinkedAt: utc(r.LinkedAt), Version: r.Version,
	}
	if r.Group == viewer || r.NameVisible && !viewer.IsZero() {
		side.Name = &r.Name
	}
	if r.Group == viewer {
		own := side
		c.Own = &own
	}
	c.Sides = append(c.Sides, side)
}

// viewerChannelState is the channel's state for the viewer's group; contract, "Words of state".
func (r *sideRow) viewerChannelState() channel.SharedChannelState {
	switch r.ViewerState {
	case channel.LinkLeft, channel.LinkRemoved:
		return channel.ChannelDisconnected
	case channel.LinkClosed:
		return channel.ChannelClosed
	}
	return r.State
}

// Invitations implements [channel.Shards].
func (s *Store) Invitations(ctx context.Context, group ids.Group, invitations []ids.Invitation) (map[ids.Invitation]*channel.Invitation, error) {
	found := make(map[ids.Invitation]*channel.Invitation, len(invitations))
	err := s.read(ctx, group, func(ctx context.Context, db bun.IDB, slot shardrouter.Slot) (bool, error) {
		var rows []invitationRow
		err := db.NewRaw(`
			SELECT i.* FROM `+shardrouter.Owned+` LEFT JOIN LATERAL (
				SELECT `+invitationCopy+` FROM linkspan_shard.group_invitation AS i
				WHERE i.slot = owned.slot AND i.group_id = ?1 AND i.invitation_id IN (?2)
			) AS i ON true`, slot, group, bun.List(invitations)).Scan(ctx, &rows)
		for i := range rows {
			if !rows[i].ID.IsZero() {
				found[rows[i].ID] = rows[i].invitation()
			}
		}
		return len(rows) > 0, err
	})
	return found, err
}

// invitationCopy are the columns of invitationRow of a copy i on a shard.
const invitationCopy = invitationState + ` AS state, ` + invitationColumns + `,
	i.from_group_id, i.from_handle, i.from_name, i.to_group_id, i.to_handle, i.to_name`

// User implements [channel.Shards].
func (s *Store) User(ctx context.Context, group ids.Group, id ids.User) (channel.User, error) {
	var user channel.User
	err := s.read(ctx, group, func(ctx context.Context, db bun.IDB, slot shardrouter.Slot) (bool, error) {
		var rows []struct {
			Home groupRow `bun:"embed:home_"`
			Name *string  `bun:"name"`
		}
		err := db.NewRaw(`
			SELECT u.home_group_id, u.home_handle, u.home_name, u.name
			FROM `+shardrouter.Owned+` LEFT JOIN linkspan_shard.users AS u
				ON u.slot = owned.slot AND u.group_id = ?1 AND u.home_group_id = ?2 AND u.user_id = ?3`,
			slot, group, id.Group, uuid.UUID(id.Bytes())).Scan(ctx, &rows)
		if err != nil || len(rows) == 0 {
			return false, err
		}
		if rows[0].Name == nil {
			return true, channel.ErrNotFound
		}
		user = userIn(rows[0].Home.group(), id, *rows[0].Name)
		return true, nil
	})
	return user, err
}
