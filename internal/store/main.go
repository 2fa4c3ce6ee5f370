package store

import (
	"context"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// Decide implements [channel.Main]. The closure is repeatable, as the port asks: it claims its operation first.
func (s *Store) Decide(ctx context.Context, fn func(ctx context.Context, tx channel.MainTx) error) error {
	err := s.router.Main().Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		return fn(ctx, mainTx{tx})
	}, shardrouter.Repeatable())
	return translate(err)
}

// mainTx is a deciding transaction.
type mainTx struct{ tx bun.Tx }

// groupCache holds groups that were found. A group never changes, so what is in it stays right; what is not in it is
// asked for each time.
type groupCache struct{ byHandle, byID sync.Map }

// FindGroup implements [channel.Main], from memory where it was found before.
func (s *Store) FindGroup(ctx context.Context, by channel.GroupSelector) (channel.Group, error) {
	if found, ok := s.groups.find(by); ok {
		return found, nil
	}
	var group channel.Group
	err := s.readMain(ctx, func(ctx context.Context, db bun.IDB) (err error) {
		group, err = findGroup(ctx, db, by)
		return err
	})
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

func (t mainTx) FindGroup(ctx context.Context, by channel.GroupSelector) (channel.Group, error) {
	return findGroup(ctx, t.tx, by)
}

func findGroup(ctx context.Context, db bun.IDB, by channel.GroupSelector) (channel.Group, error) {
	query := `SELECT group_id, handle, name FROM linkspan_main.groups WHERE handle = ?`
	var key any = by.Handle
	if by.ID != nil {
		query, key = `SELECT group_id, handle, name FROM linkspan_main.groups WHERE group_id = ?`, *by.ID
	}
	var row groupRow
	err := db.NewRaw(query, key).Scan(ctx, &row)
	return row.group(), oneRow(err)
}

func (t mainTx) InsertGroup(ctx context.Context, g channel.Group) (bool, error) {
	res, err := t.tx.NewRaw(`
		INSERT INTO linkspan_main.groups (group_id, handle, name, slot) VALUES (?, ?, ?, ?)
		ON CONFLICT (handle) DO NOTHING`,
		g.ID, g.Handle, g.Name, shardrouter.SlotOf(g.ID.Bytes())).Exec(ctx)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// operationRow is a run of a mutation.
type operationRow struct {
	ID              ids.Op         `bun:"op_id"`
	Mutation        string         `bun:"mutation"`
	Input           string         `bun:"input_hash"`
	Group           ids.Group      `bun:"group_id"`
	Channel         ids.Channel    `bun:"channel_id"`
	Invitation      ids.Invitation `bun:"invitation_id"`
	NameChangedFrom *string        `bun:"name_changed_from"`
}

func (t mainTx) Claim(ctx context.Context, op channel.Operation) (*channel.Operation, error) {
	o := op.Outcome
	res, err := t.tx.NewRaw(`
		INSERT INTO linkspan_main.operation (op_id, mutation, input_hash, group_id, channel_id, invitation_id)
		VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (op_id) DO NOTHING`,
		op.ID, op.Mutation, op.Input, o.Group, o.Channel, o.Invitation).Exec(ctx)
	if err != nil {
		return nil, err
	}
	if n, err := res.RowsAffected(); n == 1 || err != nil {
		return nil, err
	}
	var row operationRow
	err = t.tx.NewRaw(`
		SELECT op_id, mutation, input_hash, group_id, channel_id, invitation_id, name_changed_from
		FROM linkspan_main.operation WHERE op_id = ?`, op.ID).Scan(ctx, &row)
	if err != nil {
		return nil, err
	}
	return &channel.Operation{ID: row.ID, Mutation: row.Mutation, Input: row.Input, Outcome: channel.Outcome{
		Group: row.Group, Channel: row.Channel, Invitation: row.Invitation, NameChangedFrom: row.NameChangedFrom,
	}}, nil
}

func (t mainTx) AmendOutcome(ctx context.Context, op ids.Op, o channel.Outcome) error {
	_, err := t.tx.NewRaw(`
		UPDATE linkspan_main.operation SET group_id = ?, channel_id = ?, invitation_id = ?, name_changed_from = ?
		WHERE op_id = ?`, o.Group, o.Channel, o.Invitation, o.NameChangedFrom, op).Exec(ctx)
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
