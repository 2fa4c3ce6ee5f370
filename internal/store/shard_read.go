package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// sideRow is one side of a channel, with the channel.
type sideRow struct {
	Channel     ids.Channel
	Initiator   groupRow
	State       channel.SharedChannelState
	Topic       *string
	CreatorID   ids.User
	CreatorName string
	CreatedAt   time.Time
	ViewerState channel.LinkState
	Group       ids.Group
	Handle      *string
	GroupName   *string
	Name        *string
	NameVisible *bool
	Muted       *bool
	Retention   *int32
	MembersOnly *bool
	LinkedAt    *time.Time
	Version     *int32
	MayInvite   *bool
	Offered     *string // a JSON array of its id, handle and name
	Home        groupRow
}

// A channel whose only invitation is overdue is shown, with its only side, as the sweep will write it, by the clock of
// the database that is asked.
const (
	channelOverdue = `c.state = 'PENDING' AND c.pending_until <= now()`
	channelState   = `CASE WHEN ` + channelOverdue + ` THEN 'CLOSED' ELSE c.state END AS state`
	sideLinkedAt   = `CASE WHEN ` + channelOverdue + ` THEN NULL ELSE s.linked_at END`
	sideVersion    = `CASE WHEN ` + channelOverdue + ` THEN s.version + 1 ELSE s.version END`
)

// Reads of one object have a statement of their own: one over an array takes Postgres longer, and behind a pooler, which takes no
// settings, it plans that each time anew, for ten times what it takes to execute.
const (
	oneOf  = ` = $2`
	someOf = ` = ANY ($2)`
)

// sidesOf is the query of channels with their linked sides and the viewer's own, if the viewer's group has a side. If that parted it is
// alone, and the channel as it was then. beside are columns more.
// Arguments: slot or slots, channel or channels, viewer's group, as whom the viewer is judged.
func sidesOf(owned, which string, beside besides) string {
	return `
	SELECT owned.slot, c.channel_id, ` + asOfSide(`initiator_group_id`) + `, ` + asOfSide(`initiator_handle`) + `, ` + asOfSide(`initiator_name`) + `,
		` + channelState + `, CASE WHEN v.unlinked_after IS NULL THEN COALESCE(v.topic, c.topic) ELSE v.frozen_topic END, c.creator_id, c.creator_name, c.created_at, v.state,
		s.group_id, s.handle, s.group_name, s.name, s.name_visible, s.muted_by_default, s.retention_days, s.members_only, ` + sideLinkedAt + `, ` + sideVersion + `, s.may_invite,
		CASE WHEN c.offered_group_id IS NOT NULL AND (v.unlinked_after IS NULL OR v.role = 'INITIATOR') THEN (
			SELECT json_build_array(o.group_id, o.handle, o.group_name)::text FROM linkspan_shard.channel_side AS o
			WHERE o.slot = c.slot AND o.channel_id = c.channel_id AND o.group_id = c.offered_group_id) END,
		c.home_group_id, COALESCE(c.home_handle, ''), COALESCE(c.home_name, '')` + beside.columns + `
	FROM ` + owned + ` LEFT JOIN (
		linkspan_shard.channel AS c
		JOIN linkspan_shard.channel_side AS v ON v.slot = c.slot AND v.channel_id = c.channel_id AND v.group_id = $3
			AND ` + sees(`v`, `$4`) + beside.join + `
		JOIN linkspan_shard.channel_side AS s ON s.slot = c.slot AND s.channel_id = c.channel_id
			AND (s.group_id = v.group_id OR s.state = 'LINKED' AND v.unlinked_after IS NULL)
	) ON c.slot = owned.slot AND c.channel_id` + which + `
	ORDER BY c.channel_id, s.role, s.linked_at, s.group_id`
}

// besides is what a statement reads more of a channel c and the viewer's side v of it.
type besides struct{ columns, join string }

// atMoment is what tells whether a channel that the viewer's group takes part in, its pages of messages and what is unread are what they were: where its log
// stands for the viewer's side, as pages have it, since when the server runs that says so, and how far the viewer, $5, has read.
var atMoment = besides{
	`, ` + takingPart.head() + `, pg_postmaster_start_time(), COALESCE(u.read_follows, 0), COALESCE(u.read_number, 0)`, `
		JOIN linkspan_shard.channel_log AS l ON l.slot = v.slot AND l.channel_id = v.channel_id
		LEFT JOIN linkspan_shard.channel_user AS u ON u.slot = v.slot AND u.channel_id = v.channel_id AND u.group_id = v.group_id AND u.user_id = $5`,
}

// momentOfOne is atMoment of a channel that the viewer's group takes part in, if the viewer sees it. Arguments: slot, channel, viewer's group, as whom the
// viewer is judged, viewer.
var momentOfOne = `
	SELECT owned.slot` + atMoment.columns + `
	FROM ` + shardrouter.OwnedFirst + ` LEFT JOIN (
		linkspan_shard.channel_side AS v` + atMoment.join + `
	) ON v.slot = owned.slot AND v.channel_id = $2 AND v.group_id = $3 AND v.state = 'LINKED' AND ` + sees(`v`, `$4`)

// asOfSide is a column of a channel c as the group of its side v sees it.
func asOfSide(column string) string {
	return `CASE WHEN v.unlinked_after IS NULL THEN c.` + column + ` ELSE v.frozen_` + column + ` END`
}

// sidesForOperatorOf is what an operator sees of channels: which groups are linked. Arguments: slot or slots, channel
// or channels.
func sidesForOperatorOf(owned, which string) string {
	return `
	SELECT owned.slot, c.channel_id, c.initiator_group_id, c.initiator_handle, c.initiator_name, ` + channelState + `,
		NULL::text, NULL::uuid, '', c.created_at, '',
		s.group_id, s.handle, s.group_name, NULL::text, NULL::boolean, NULL::boolean, NULL::integer, NULL::boolean, ` + sideLinkedAt + `, ` + sideVersion + `, s.may_invite,
		NULL::text, NULL::uuid, '', ''
	FROM ` + owned + ` LEFT JOIN (
		linkspan_shard.channel AS c
		LEFT JOIN linkspan_shard.channel_side AS s ON s.slot = c.slot AND s.channel_id = c.channel_id AND s.state = 'LINKED'
	) ON c.slot = owned.slot AND c.channel_id` + which + `
	ORDER BY c.channel_id, s.role, s.linked_at, s.group_id`
}

var (
	sidesOfOne             = sidesOf(shardrouter.OwnedFirst, oneOf, besides{})
	sidesOfOneNow          = sidesOf(shardrouter.OwnedFirst, oneOf, atMoment)
	sidesOfSome            = sidesOf(shardrouter.OwnedFirstMany, someOf, besides{})
	sidesOfOneForOperator  = sidesForOperatorOf(shardrouter.OwnedFirst, oneOf)
	sidesOfSomeForOperator = sidesForOperatorOf(shardrouter.OwnedFirstMany, someOf)
)

// readSides is the query, and its arguments, for channels of some slots. The zero reader is an operator.
func readSides(reader channel.Reader, slots []shardrouter.Slot, channels []ids.Channel) (string, []any) {
	one, some := sidesOfOne, sidesOfSome
	viewer := []any{reader.User.Group, judgedAs(reader)}
	if reader.User.Group.IsZero() {
		one, some, viewer = sidesOfOneForOperator, sidesOfSomeForOperator, nil
	}
	if len(channels) == 1 {
		return one, append([]any{int16(slots[0]), channels[0]}, viewer...)
	}
	return some, append([]any{slots, uuids(channels)}, viewer...)
}

func (r *sideRow) scan(row pgx.Rows, beside ...any) error {
	return row.Scan(append(r.fields(), beside...)...)
}

func (r *sideRow) fields() []any {
	return []any{
		nil, &r.Channel, &r.Initiator.ID, &r.Initiator.Handle, &r.Initiator.Name, &r.State,
		&r.Topic, &r.CreatorID, &r.CreatorName, &r.CreatedAt, &r.ViewerState,
		&r.Group, &r.Handle, &r.GroupName, &r.Name, &r.NameVisible, &r.Muted, &r.Retention, &r.MembersOnly, &r.LinkedAt, &r.Version, &r.MayInvite,
		&r.Offered, &r.Home.ID, &r.Home.Handle, &r.Home.Name,
	}
}

// Channels implements [channel.Shards].
func (s *Store) Channels(ctx context.Context, reader channel.Reader, channels []ids.Channel) (map[ids.Channel]*channel.SharedChannel, map[ids.Channel]error) {
	bySlot := onSlots(slices.Values(channels), slotOfChannel)
	found := make(map[ids.Channel]*channel.SharedChannel, len(channels))
	failed := readBySlot(ctx, s, bySlot, func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot, wanted []ids.Channel) ([]shardrouter.Slot, func(), error) {
		query, args := readSides(reader, slots, wanted)
		here := make(map[ids.Channel]*channel.SharedChannel, len(wanted))
		owned, err := eachOwned(ctx, conn, query, args, func(row pgx.Rows) error {
			var side sideRow
			if err := side.scan(row); err != nil {
				return err
			}
			return side.addTo(here, reader.User.Group)
		})
		return owned, func() { maps.Copy(found, here) }, err
	})
	return found, unreadOn(bySlot, failed)
}

// addTo adds the row's side to its channel, as the viewer's group sees it; the zero group is an operator.
func (r *sideRow) addTo(found map[ids.Channel]*channel.SharedChannel, viewer ids.Group) error {
	c := found[r.Channel]
	if c == nil {
		initiator := r.Initiator.group()
		offered, err := r.offered()
		if err != nil {
			return err
		}
		c = &channel.SharedChannel{
			ID: r.Channel, State: r.viewerChannelState(), CreatedAt: r.CreatedAt.UTC(), Initiator: initiator, InitiatorOfferedTo: offered,
		}
		if !viewer.IsZero() {
			home := initiator
			if !r.Home.ID.IsZero() {
				home = r.Home.group()
			}
			creator := userIn(home, r.CreatorID, r.CreatorName)
			c.Creator, c.Topic = &creator, r.Topic
		}
		found[r.Channel] = c
	}
	if r.Group.IsZero() {
		return nil
	}
	side := channel.ChannelSide{
		ID:       ids.Side{Channel: r.Channel, Group: r.Group},
		Group:    channel.Group{ID: r.Group, Handle: *r.Handle, Name: *r.GroupName},
		LinkedAt: utc(r.LinkedAt), Version: *r.Version, MayInvite: *r.MayInvite,
	}
	if r.Group == viewer || r.NameVisible != nil && *r.NameVisible {
		side.Name = r.Name
	}
	if r.Group == viewer {
		visibility := channel.SideEveryone
		if *r.MembersOnly {
			visibility = channel.SideMembers
		}
		side.NameVisible, side.MutedByDefault, side.RetentionDays, side.Visibility = r.NameVisible, r.Muted, r.Retention, &visibility
		own := side
		c.Own = &own
	}
	c.Sides = append(c.Sides, side)
	return nil
}

// offered is the group that the initiator's role is offered to; nil: none, or it is not to be seen.
func (r *sideRow) offered() (*channel.Group, error) {
	if r.Offered == nil {
		return nil, nil
	}
	var id uuid.UUID
	var group channel.Group
	if err := json.Unmarshal([]byte(*r.Offered), &[]any{&id, &group.Handle, &group.Name}); err != nil {
		return nil, fmt.Errorf("store: whom the initiator's role is offered to: %w", err)
	}
	group.ID = ids.GroupFrom(id)
	return &group, nil
}

// viewerChannelState is the channel's state for the viewer's group; contract, "Words of state".
func (r *sideRow) viewerChannelState() channel.SharedChannelState {
	switch {
	case r.State == channel.ChannelArchived:
		return r.State
	case r.ViewerState == channel.LinkLeft || r.ViewerState == channel.LinkRemoved:
		return channel.ChannelDisconnected
	case r.ViewerState == channel.LinkClosed:
		return channel.ChannelClosed
	}
	return r.State
}

// copiesOf is the query of a group's copies of invitations, of those that it is shown. Arguments: slot, invitation or invitations, group.
func copiesOf(which string) string {
	return `
	SELECT owned.slot, ` + invitationCopy + `
	FROM ` + shardrouter.OwnedFirst + ` LEFT JOIN linkspan_shard.group_invitation AS i
		ON i.slot = owned.slot AND i.group_id = $3 AND i.invitation_id` + which + ` AND ` + copyIsShown + withPolicy
}

var copyOfOne, copiesOfSome = copiesOf(oneOf), copiesOf(someOf)

// Invitations implements [channel.Shards].
func (s *Store) Invitations(ctx context.Context, group ids.Group, invitations []ids.Invitation) (map[ids.Invitation]*channel.Invitation, error) {
	found := make(map[ids.Invitation]*channel.Invitation, len(invitations))
	query, args := copiesOfSome, []any{uuids(invitations), group}
	if len(invitations) == 1 {
		query, args = copyOfOne, []any{invitations[0], group}
	}
	err := s.readOne(ctx, group, query, args, func() { clear(found) }, func(row pgx.Rows) error {
		var r copyRow
		if err := row.Scan(append([]any{nil}, r.fields()...)...); err != nil {
			return err
		}
		in, err := r.invitation()
		found[r.ID] = in
		return err
	})
	return found, err
}

// usersOf is the query of users that a group knows, and some more with an id of one and the group of another. Arguments:
// slot, group, the users' groups, users.
const usersOf = `
	SELECT owned.slot, u.home_group_id, u.user_id, u.home_handle, u.home_name, u.name
	FROM ` + shardrouter.OwnedFirst + ` LEFT JOIN linkspan_shard.users AS u
		ON u.slot = owned.slot AND u.group_id = $2 AND u.home_group_id = ANY ($3) AND u.user_id = ANY ($4)`

// Users implements [channel.Shards].
func (s *Store) Users(ctx context.Context, reader channel.Reader, users []ids.User) (map[ids.User]channel.User, error) {
	group := reader.User.Group
	homes := make([]ids.Group, len(users))
	for i, id := range users {
		homes[i] = id.Group
	}
	found := make(map[ids.User]channel.User, len(users))
	err := s.readOne(ctx, group, usersOf, []any{group, uuids(homes), uuids(users)}, func() { clear(found) }, func(row pgx.Rows) error {
		var home groupRow
		var id ids.User
		var name string
		err := row.Scan(nil, &home.ID, &id, &home.Handle, &home.Name, &name)
		user := userIn(home.group(), id, name)
		found[user.ID] = user
		return err
	})
	if err != nil {
		return found, err
	}
	missing := slices.DeleteFunc(slices.Clone(users), func(id ids.User) bool { _, ok := found[id]; return ok })
	return found, s.addParticipants(ctx, reader, missing, found)
}
