package store

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// Decide implements [channel.Main]. The closure is repeatable, as the port asks: it claims its operation first.
func (s *Store) Decide(ctx context.Context, fn func(ctx context.Context, tx channel.MainTx) error) error {
	err := s.router.Main().WritePgx(ctx, func(ctx context.Context, tx shardrouter.Conn) error {
		return fn(ctx, mainTx{tx})
	}, shardrouter.Repeatable())
	return translate(err)
}

// mainTx is a deciding transaction. Its statements are few and hot: they are prepared.
type mainTx struct{ tx shardrouter.Conn }

// changed reports whether a statement touched a row.
func changed(tag pgconn.CommandTag, err error) (bool, error) { return tag.RowsAffected() > 0, err }

// groupCache holds groups that were found. A group never changes, so what is in it stays right; what is not in it is
// asked for each time.
type groupCache struct{ byHandle, byID sync.Map }

// FindGroup implements [channel.Main], from memory where it was found before.
func (s *Store) FindGroup(ctx context.Context, by channel.GroupSelector) (channel.Group, error) {
	if found, ok := s.groups.find(by); ok {
		return found, nil
	}
	var group channel.Group
	err := translate(s.router.Main().ReadPgx(ctx, func(ctx context.Context, conn shardrouter.Conn) (err error) {
		group, err = findGroup(ctx, conn, by)
		return err
	}))
	if err == nil {
		s.groups.byHandle.Store(group.Handle, group)
		s.groups.byID.Store(group.ID, group)
	}
	return group, err
}

func (c *groupCache) find(by channel.GroupSelector) (channel.Group, bool) {
	var found any
	if by.ID != nil {
		found, _ = c.byID.Load(*by.ID)
	} else if by.Handle != nil {
		found, _ = c.byHandle.Load(*by.Handle)
	}
	group, ok := found.(channel.Group)
	return group, ok
}

// findGroupBy is the statement by which a group is found, and its argument.
func findGroupBy(by channel.GroupSelector) (string, any) {
	if by.ID != nil {
		return `SELECT group_id, handle, name FROM linkspan_main.groups WHERE group_id = $1`, *by.ID
	}
	return `SELECT group_id, handle, name FROM linkspan_main.groups WHERE handle = $1`, *by.Handle
}

func findGroup(ctx context.Context, conn shardrouter.Conn, by channel.GroupSelector) (g channel.Group, err error) {
	query, key := findGroupBy(by)
	err = conn.QueryRow(ctx, query, key).Scan(&g.ID, &g.Handle, &g.Name)
	return g, oneRow(err)
}

func (t mainTx) FindGroup(ctx context.Context, by channel.GroupSelector) (channel.Group, error) {
	return findGroup(ctx, t.tx, by)
}

func (t mainTx) InsertGroup(ctx context.Context, g channel.Group) (bool, error) {
	return changed(t.tx.Exec(ctx, `
		INSERT INTO linkspan_main.groups (group_id, handle, name, slot) VALUES ($1, $2, $3, $4)
		ON CONFLICT (handle) DO NOTHING`, g.ID, g.Handle, g.Name, int16(slotOf(g.ID))))
}

func (t mainTx) Claim(ctx context.Context, op channel.Operation) (*channel.Operation, error) {
	o := op.Outcome
	claimed, err := changed(t.tx.Exec(ctx, `
		INSERT INTO linkspan_main.operation (op_id, mutation, input_hash, group_id, channel_id, invitation_id)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (op_id) DO NOTHING`,
		op.ID, op.Mutation, op.Input, o.Group, o.Channel, o.Invitation))
	if claimed || err != nil {
		return nil, err
	}
	kept := channel.Operation{ID: op.ID}
	err = t.tx.QueryRow(ctx, `
		SELECT mutation, input_hash, group_id, channel_id, invitation_id, name_changed_from
		FROM linkspan_main.operation WHERE op_id = $1`, op.ID,
	).Scan(&kept.Mutation, &kept.Input, &kept.Outcome.Group, &kept.Outcome.Channel, &kept.Outcome.Invitation, &kept.Outcome.NameChangedFrom)
	return &kept, err
}

func (t mainTx) AmendOutcome(ctx context.Context, op ids.Op, o channel.Outcome) error {
	_, err := t.tx.Exec(ctx, `
		UPDATE linkspan_main.operation SET group_id = $2, channel_id = $3, invitation_id = $4, name_changed_from = $5
		WHERE op_id = $1`, op, o.Group, o.Channel, o.Invitation, o.NameChangedFrom)
	return err
}

// ForgetOperations implements [channel.Main].
func (s *Store) ForgetOperations(ctx context.Context, age time.Duration, limit int) (int, error) {
	var removed int64
	err := s.router.Main().Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewRaw(`
			DELETE FROM linkspan_main.operation WHERE op_id IN (
				SELECT op_id FROM linkspan_main.operation
				WHERE created_at < now() - ? * interval '1 second' ORDER BY created_at LIMIT ?)`,
			age.Seconds(), limit).Exec(ctx)
		if err != nil {
			return err
		}
		removed, err = res.RowsAffected()
		return err
	}, shardrouter.Repeatable())
	return int(removed), translate(err)
}
