package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// SlotOf implements [channel.Shards].
func (s *Store) SlotOf(group ids.Group) uint16 { return uint16(slotOf(group)) }

// ClusterOf implements [channel.Shards].
func (s *Store) ClusterOf(id ids.Channel) string {
	return s.router.ClusterOf(shardrouter.Slot(id.Slot()))
}

func slotOf(group ids.Group) shardrouter.Slot { return shardrouter.SlotOf(group.Bytes()) }

func slotOfDestination(d channel.Destination) shardrouter.Slot {
	if !d.Channel.IsZero() {
		return shardrouter.Slot(d.Channel.Slot())
	}
	return slotOf(d.Group)
}

// Apply implements [channel.Shards]. The statement that advances the stream is also the one that checks the slot: what
// follows in the transaction needs no check of its own, because a mover waits for transactions that are open when it
// fences a slot.
func (s *Store) Apply(ctx context.Context, step channel.Step, fn func(ctx context.Context, tx channel.ShardTx) error) (bool, error) {
	slot := slotOfDestination(step.Stream.Destination)
	var applied bool
	err := s.router.Write(ctx, slot, func(ctx context.Context, tx bun.Tx) (err error) {
		if applied, err = advance(ctx, tx, slot, step); err != nil || !applied {
			return err
		}
		return fn(ctx, shardTx{tx, slot})
	}, shardrouter.Repeatable())
	return applied, translate(err)
}

// advance moves the stream to the step if that is the next. False if it is there or further.
func advance(ctx context.Context, tx bun.Tx, slot shardrouter.Slot, step channel.Step) (bool, error) {
	row := streamRowOf(step.Stream)
	query := `
		WITH owned AS (SELECT slot FROM ` + shardrouter.Owned + `), moved AS (
			UPDATE linkspan_shard.applied_step AS a SET number = ?3, op_id = ?4, applied_at = now()
			FROM owned WHERE a.slot = owned.slot AND a.subject = ?1 AND a.destination = ?2 AND a.number = ?3 - 1
			RETURNING a.number
		)`
	if step.Number == 1 {
		query = `
		WITH owned AS (SELECT slot FROM ` + shardrouter.Owned + `), moved AS (
			INSERT INTO linkspan_shard.applied_step (slot, subject, destination, number, op_id)
			SELECT slot, ?1, ?2, ?3, ?4 FROM owned
			ON CONFLICT (slot, subject, destination) DO NOTHING
			RETURNING number
		)`
	}
	var moved []int64 // none: not owned; 0: not moved
	err := tx.NewRaw(query+` SELECT COALESCE(moved.number, 0) FROM owned LEFT JOIN moved ON true`,
		slot, row.Subject, row.Destination, step.Number, step.Op).Scan(ctx, &moved)
	switch {
	case err != nil:
		return false, err
	case len(moved) == 0:
		return false, shardrouter.ErrNotOwned
	case moved[0] > 0:
		return true, nil
	}
	var reached int64
	err = tx.NewRaw(`
		SELECT COALESCE(max(number), 0) FROM linkspan_shard.applied_step WHERE slot = ? AND subject = ? AND destination = ?`,
		slot, row.Subject, row.Destination).Scan(ctx, &reached)
	if err == nil && reached < step.Number {
		err = channel.ErrStepGap
	}
	return false, err
}

// shardTx is the transaction of a step on the cluster of its slot.
type shardTx struct {
	tx   bun.Tx
	slot shardrouter.Slot
}

func (t shardTx) exec(ctx context.Context, query string, args ...any) error {
	_, err := t.tx.NewRaw(query, args...).Exec(ctx)
	return err
}

func (t shardTx) InsertInboxLog(ctx context.Context, group ids.Group) error {
	return t.exec(ctx, `INSERT INTO linkspan_shard.inbox_log (slot, group_id, history) VALUES (?, ?, ?)`,
		t.slot, group, ids.NewHistory())
}

func (t shardTx) AppendInbox(ctx context.Context, group ids.Group, e channel.LogEvent) (int64, error) {
	var number int64
	err := t.tx.NewRaw(`
		WITH log AS (
			UPDATE linkspan_shard.inbox_log SET head = head + 1 WHERE slot = ?0 AND group_id = ?1 RETURNING head
		)
		INSERT INTO linkspan_shard.inbox_event
			(slot, group_id, number, kind, invitation_id, channel_id, about_group_id, about_handle, about_name)
		SELECT ?0, ?1, head, ?2, ?3, ?4, ?5, ?6, ?7 FROM log RETURNING number`,
		t.slot, group, e.Kind, e.Invitation, e.Channel, e.Group.ID, e.Group.Handle, e.Group.Name).Scan(ctx, &number)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("store: group %v has no inbox log yet: %w", group.UUID(), channel.ErrStepGap)
	}
	return number, err
}

func (t shardTx) SaveUsers(ctx context.Context, group ids.Group, users []channel.User) error {
	latest := make(map[ids.User]channel.User, len(users))
	for _, user := range users {
		latest[user.ID] = user
	}
	values := make([]bun.TupleValues, 0, len(latest))
	for id, user := range latest {
		home := user.Group
		values = append(values, bun.Tuple([]any{t.slot, group, home.ID, uuid.UUID(id.Bytes()), home.Handle, home.Name, user.Name}))
	}
	return t.exec(ctx, `
		INSERT INTO linkspan_shard.users AS u (slot, group_id, home_group_id, user_id, home_handle, home_name, name)
		VALUES ? ON CONFLICT (slot, group_id, home_group_id, user_id)
		DO UPDATE SET name = excluded.name, seen_at = now() WHERE u.name <> excluded.name`, bun.List(values))
}

func (t shardTx) SaveInvitation(ctx context.Context, group ids.Group, in *channel.Invitation, position int64) error {
	direction := "RECEIVED"
	if in.FromGroup.ID == group {
		direction = "SENT"
	}
	row := struct {
		bun.BaseModel `bun:"table:linkspan_shard.group_invitation,alias:i"`
		Slot          shardrouter.Slot `bun:"slot"`
		Group         ids.Group        `bun:"group_id"`
		Direction     string           `bun:"direction"`
		Position      int64            `bun:"position"`
		invitationRow
	}{Slot: t.slot, Group: group, Direction: direction, Position: position, invitationRow: invitationRowOf(in)}
	_, err := t.tx.NewInsert().Model(&row).
		On("CONFLICT (slot, group_id, invitation_id) DO UPDATE").
		Set("state = EXCLUDED.state, version = EXCLUDED.version, reason = EXCLUDED.reason, resolved_at = EXCLUDED.resolved_at").
		Set("resolver_group_id = EXCLUDED.resolver_group_id, resolver_id = EXCLUDED.resolver_id, resolver_name = EXCLUDED.resolver_name").
		Where("i.version < EXCLUDED.version").Exec(ctx)
	return err
}

func (t shardTx) InsertListedChannel(ctx context.Context, group ids.Group, id ids.Channel, position int64) error {
	return t.exec(ctx, `
		INSERT INTO linkspan_shard.group_channel (slot, group_id, channel_id, position) VALUES (?, ?, ?, ?)`,
		t.slot, group, id, position)
}

func (t shardTx) InsertChannel(ctx context.Context, in *channel.Invitation, topic *string) error {
	from := in.FromGroup
	return t.exec(ctx, `
		WITH made AS (
			INSERT INTO linkspan_shard.channel
				(slot, channel_id, initiator_group_id, initiator_handle, initiator_name, state, pending_until, topic, creator_id, creator_name, created_at)
			VALUES (?0, ?1, ?2, ?3, ?4, 'PENDING', ?5, ?6, ?7, ?8, ?9)
		), side AS (
			INSERT INTO linkspan_shard.channel_side
				(slot, channel_id, group_id, handle, group_name, role, state, version, name, linked_at)
			VALUES (?0, ?1, ?2, ?3, ?4, 'INITIATOR', 'LINKED', 1, ?10, ?9)
		), log AS (
			INSERT INTO linkspan_shard.channel_log (slot, channel_id, history, head) VALUES (?0, ?1, ?11, 1)
		)
		INSERT INTO linkspan_shard.channel_event (slot, channel_id, number, kind, actor_group_id, actor_id, about_group_id)
		VALUES (?0, ?1, 1, 'GROUP_LINKED', ?2, ?7, ?2)`,
		t.slot, in.ChannelID, from.ID, from.Handle, from.Name, in.ExpiresAt, topic, in.Sender.ID, in.Sender.Name,
		in.CreatedAt, in.ProposedName, ids.NewHistory())
}

func (t shardTx) LinkSide(ctx context.Context, in *channel.Invitation, link channel.Link) error {
	return t.exec(ctx, `
		WITH active AS (
			UPDATE linkspan_shard.channel SET state = 'ACTIVE', pending_until = NULL
			WHERE slot = ?0 AND channel_id = ?1 AND state = 'PENDING'
		), side AS (
			INSERT INTO linkspan_shard.channel_side AS s
				(slot, channel_id, group_id, handle, group_name, role, state, version, name, linked_at)
			VALUES (?0, ?1, ?2, ?3, ?4, 'TARGET', ?5, ?6, ?7, ?8)
			ON CONFLICT (slot, channel_id, group_id) DO UPDATE
			SET state = excluded.state, version = excluded.version, name = excluded.name, linked_at = excluded.linked_at
			WHERE s.version < excluded.version
		), log AS (
			UPDATE linkspan_shard.channel_log SET head = head + 1 WHERE slot = ?0 AND channel_id = ?1 RETURNING head
		)
		INSERT INTO linkspan_shard.channel_event (slot, channel_id, number, kind, actor_group_id, actor_id, about_group_id)
		SELECT ?0, ?1, head, 'GROUP_LINKED', ?2, ?9, ?2 FROM log`,
		t.slot, in.ChannelID, in.ToGroup.ID, in.ToGroup.Handle, in.ToGroup.Name, link.State, link.Version, link.Name,
		link.LinkedAt, in.Resolver.ID)
}

func (t shardTx) CloseChannel(ctx context.Context, link channel.Link) error {
	return t.exec(ctx, `
		WITH closed AS (
			UPDATE linkspan_shard.channel SET state = 'CLOSED', pending_until = NULL
			WHERE slot = ?0 AND channel_id = ?1 AND state = 'PENDING'
		)
		UPDATE linkspan_shard.channel_side SET state = ?3, version = ?4, linked_at = NULL
		WHERE slot = ?0 AND channel_id = ?1 AND group_id = ?2 AND version < ?4`,
		t.slot, link.Channel, link.Group, link.State, link.Version)
}
