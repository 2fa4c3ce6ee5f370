package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// SlotOf implements [channel.Shards].
func (s *Store) SlotOf(group ids.Group) uint16 { return uint16(slotOf(group)) }

// ClusterOf implements [channel.Shards].
func (s *Store) ClusterOf(id ids.Channel) string {
	return s.router.ClusterOf(slotOfChannel(id))
}

func slotOf(group ids.Group) shardrouter.Slot { return shardrouter.SlotOf(group.Bytes()) }

// slotOfChannel is the slot of a channel, and of all that is said there.
func slotOfChannel(id ids.Channel) shardrouter.Slot { return shardrouter.Slot(id.Slot()) }

func slotOfMessage(id ids.Message) shardrouter.Slot { return slotOfChannel(id.Channel) }

func slotOfDestination(d channel.Destination) shardrouter.Slot {
	if !d.Channel.IsZero() {
		return slotOfChannel(d.Channel)
	}
	return slotOf(d.Group)
}

// Apply implements [channel.Shards]. All statements go in one round trip, for none needs an answer; the first is the guard that lets all happen
// or none (docs/decisions/0004-guard-statement.md).
func (s *Store) Apply(ctx context.Context, step channel.Step, plan func(tx channel.ShardTx)) ([]channel.Appended, error) {
	slot := slotOfDestination(step.Stream.Destination)
	var work *shardTx
	err := s.router.WritePgx(ctx, slot, func(_ context.Context, tx *shardrouter.Tx) error {
		work = &shardTx{slot: slot, tx: tx}
		work.guard(step)
		plan(work)
		return work.failed
	}, shardrouter.Repeatable(), shardrouter.Explained(guarded))
	if errors.Is(err, errNotNext) {
		return nil, s.whyNotNext(ctx, slot, step)
	}
	if err != nil {
		return nil, translate(err)
	}
	for _, a := range work.appended {
		if side := a.Log.Side; !side.IsZero() {
			s.lanes.known.forget(a.Event.Channel, ownerOf(a))
			s.pages.drop(a.Event.Channel, side)
		}
	}
	return work.appended, nil
}

// ownerOf is the group that alone is told of what a step appended; zero: all are.
func ownerOf(a channel.Appended) ids.Group {
	if a.Event.Kind == channel.EventMembersChanged {
		return a.Log.Side
	}
	return ids.Group{}
}

// errNotNext is the error of a guard whose step is not the next of its stream.
var errNotNext = errors.New("store: the step is not the next of its stream")

// guarded makes of a guard's violation what it means. The guard writes NULL where something must not be so.
func guarded(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "23502" {
		return err
	}
	switch {
	case pg.TableName == "applied_step" && pg.ColumnName == "slot":
		return shardrouter.ErrNotOwned
	case pg.TableName == "applied_step":
		return errNotNext
	case pg.TableName == "inbox_event" && pg.ColumnName == "number":
		return errors.Join(errNoInbox, channel.ErrStepGap)
	}
	return err
}

// whyNotNext returns nil if the step has taken effect before, else ErrStepGap. It locks what tells so, for the reason that
// [mainTx.Claim] does.
func (s *Store) whyNotNext(ctx context.Context, slot shardrouter.Slot, step channel.Step) error {
	row := streamRowOf(step.Stream)
	var reached int64
	err := s.router.WritePgx(ctx, slot, func(ctx context.Context, tx *shardrouter.Tx) error {
		err := tx.QueryRow(ctx, `
			SELECT COALESCE((
				SELECT number FROM linkspan_shard.applied_step AS a
				WHERE a.slot = owned.slot AND a.subject = $2 AND a.destination = $3 FOR UPDATE), 0)
			FROM `+shardrouter.OwnedFirst,
			[]any{int16(slot), row.Subject, row.Destination}, &reached)
		if errors.Is(err, pgx.ErrNoRows) {
			err = shardrouter.ErrNotOwned
		}
		return err
	}, shardrouter.Repeatable())
	if err == nil && reached < step.Number {
		err = channel.ErrStepGap
	}
	return translate(err)
}

// shardTx collects the statements of a step. All of them take the slot as $1.
type shardTx struct {
	slot     shardrouter.Slot
	tx       *shardrouter.Tx
	appended []channel.Appended // complete once the statements were sent
	failed   error              // why what was asked for can't be said in SQL
}

func (t *shardTx) queue(sql string, args ...any) *pgx.QueuedQuery {
	return t.tx.Queue(sql, append([]any{int16(t.slot)}, args...)...)
}

// guard moves the stream on to the step. It writes NULL, and so fails, if the cluster does not own the slot or if the
// step is not the next. That checks the slot for the whole transaction: a mover waits for those that are open when it
// fences a slot.
func (t *shardTx) guard(step channel.Step) {
	row := streamRowOf(step.Stream)
	t.queue(`
		INSERT INTO linkspan_shard.applied_step AS a (slot, subject, destination, number, op_id)
		VALUES (
			(SELECT slot FROM linkspan_shard.owned_slot WHERE slot = $1 AND state = 'OWNED'), $2, $3,
			(SELECT $4::bigint WHERE $4 - 1 = COALESCE((
				SELECT number FROM linkspan_shard.applied_step WHERE slot = $1 AND subject = $2 AND destination = $3), 0)), $5)
		ON CONFLICT (slot, subject, destination) DO UPDATE
		SET number = CASE WHEN a.number = excluded.number - 1 THEN excluded.number END, op_id = excluded.op_id, applied_at = now()`,
		row.Subject, row.Destination, step.Number, step.Op)
}

func (t *shardTx) InsertInboxLog(group ids.Group) {
	t.queue(`INSERT INTO linkspan_shard.inbox_log (slot, group_id, history) VALUES ($1, $2, $3)`,
		group, ids.NewHistory())
}

// AppendInbox fails, by a NULL number, for a group whose inbox log is not made yet; the step then waits for it.
func (t *shardTx) AppendInbox(group ids.Group, e channel.LogEvent) {
	t.queue(`
		WITH log AS (
			UPDATE linkspan_shard.inbox_log SET head = head + 1 WHERE slot = $1 AND group_id = $2 RETURNING head, history
		)
		INSERT INTO linkspan_shard.inbox_event (slot, group_id, number, kind, invitation_id, invitation_version, channel_id,
			about_group_id, about_handle, about_name, actor_group_id, actor_id)
		VALUES ($1, $2, (SELECT head FROM log), $3, $4, $5, $6, $7, $8, $9, $10, $11)
		RETURNING number, at, (SELECT history FROM log)`,
		group, e.Kind, e.Invitation, e.Version, e.Channel, e.Group.ID, e.Group.Handle, e.Group.Name,
		e.Actor.Group, e.Actor,
	).QueryRow(func(row pgx.Row) error {
		a := channel.Appended{Log: channel.InboxOf(group), Event: e}
		err := row.Scan(&a.Event.Number, &a.Event.At, &a.History)
		a.Event.At = a.Event.At.UTC()
		t.appended = append(t.appended, a)
		return err
	})
}

// inboxHead is the number of the event that the step has just appended.
const inboxHead = `(SELECT head FROM linkspan_shard.inbox_log WHERE slot = $1 AND group_id = $2)`

func (t *shardTx) SaveUser(group ids.Group, user channel.User) {
	home := user.Group
	t.queue(`
		INSERT INTO linkspan_shard.users AS u (slot, group_id, home_group_id, user_id, home_handle, home_name, name)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (slot, group_id, home_group_id, user_id)
		DO UPDATE SET name = excluded.name, seen_at = now() WHERE u.name <> excluded.name`,
		group, home.ID, user.ID, home.Handle, home.Name, user.Name)
}

func (t *shardTx) SaveInvitation(group ids.Group, in *channel.Invitation) {
	direction := "RECEIVED"
	if in.FromGroup.ID == group {
		direction = "SENT"
	}
	resolver, resolverName := stored(in.Resolver)
	var past *string
	if len(in.Past) > 0 {
		encoded, err := json.Marshal(in.Past)
		if err != nil {
			t.failed = errors.Join(t.failed, err)
		}
		text := string(encoded)
		past = &text
	}
	from, to := in.FromGroup, in.ToGroup
	t.queue(`
		INSERT INTO linkspan_shard.group_invitation AS i (
			slot, group_id, position, direction, invitation_id, channel_id, state, version, note, reason,
			from_group_id, from_handle, from_name, to_group_id, to_handle, to_name, sender_id, sender_name,
			resolver_group_id, resolver_id, resolver_name, created_at, expires_at, resolved_at, proposed_name, awaits_from, awaits_to, past, previous_id)
		VALUES ($1, $2, `+inboxHead+`, $3, $4, $5, $6, $7, $8, $9,
			$10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27::jsonb, $28)
		ON CONFLICT (slot, group_id, invitation_id) DO UPDATE SET
			state = excluded.state, version = excluded.version, reason = excluded.reason, resolved_at = excluded.resolved_at,
			resolver_group_id = excluded.resolver_group_id, resolver_id = excluded.resolver_id, resolver_name = excluded.resolver_name,
			expires_at = excluded.expires_at, awaits_from = excluded.awaits_from, awaits_to = excluded.awaits_to, past = excluded.past
		WHERE i.version < excluded.version`,
		group, direction, in.ID, in.ChannelID, in.State, in.Version, in.Note, in.Reason,
		from.ID, from.Handle, from.Name, to.ID, to.Handle, to.Name, in.Sender.ID, in.Sender.Name,
		resolver.Group, resolver, resolverName, in.CreatedAt, in.ExpiresAt, in.ResolvedAt, in.ProposedName, in.AwaitsFrom, in.AwaitsTo, past, in.PreviousID)
}

func (t *shardTx) InsertListedChannel(group ids.Group, id ids.Channel) {
	t.queue(`
		INSERT INTO linkspan_shard.group_channel AS c (slot, group_id, channel_id, position) VALUES ($1, $2, $3, `+inboxHead+`)
		ON CONFLICT (slot, group_id, channel_id) DO UPDATE SET position = excluded.position`,
		group, id)
}

func (t *shardTx) InsertChannel(in *channel.Invitation, topic *string) {
	from := in.FromGroup
	t.queue(`
		WITH made AS (
			INSERT INTO linkspan_shard.channel (slot, channel_id, initiator_group_id, initiator_handle, initiator_name,
				state, pending_until, topic, creator_id, creator_name, created_at)
			VALUES ($1, $2, $3, $4, $5, 'PENDING', $6, $7, $8, $9, $10)
		), side AS (
			INSERT INTO linkspan_shard.channel_side
				(slot, channel_id, group_id, handle, group_name, role, state, version, name, linked_at, linked_number)
			VALUES ($1, $2, $3, $4, $5, 'INITIATOR', 'LINKED', 1, $11, $10, 1)
		), log AS (
			INSERT INTO linkspan_shard.channel_log (slot, channel_id, history, head) VALUES ($1, $2, $12, 1)
		), known AS (
			INSERT INTO linkspan_shard.channel_user (slot, channel_id, group_id, user_id, name, name_key, public_name, public_name_key, public_at, public_number)
			VALUES ($1, $2, $3, $8, $9, $13, $9, $13, now(), 1)
		)
		INSERT INTO linkspan_shard.channel_event (slot, channel_id, number, kind, actor_group_id, actor_id, about_group_id)
		VALUES ($1, $2, 1, 'GROUP_LINKED', $3, $8, $3)`,
		in.ChannelID, from.ID, from.Handle, from.Name, in.ExpiresAt, topic, in.Sender.ID,
		in.Sender.Name, in.CreatedAt, in.ProposedName, ids.NewHistory(), channel.NameKey(in.Sender.Name))
}

func (t *shardTx) WaitUntil(id ids.Channel, until time.Time) {
	t.queue(`
		UPDATE linkspan_shard.channel SET pending_until = $3 WHERE slot = $1 AND channel_id = $2 AND state = 'PENDING'`, id, until)
}

func (t *shardTx) SavePolicy(group ids.Group, p *channel.SharingPolicy) {
	t.queue(`
		INSERT INTO linkspan_shard.group_policy AS p (slot, group_id, version, sharing_enabled, who_may_accept) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (slot, group_id) DO UPDATE
		SET version = excluded.version, sharing_enabled = excluded.sharing_enabled, who_may_accept = excluded.who_may_accept
		WHERE p.version < excluded.version`, group, p.Version, p.SharingEnabled, p.WhoMayAccept)
}
