package store

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// Decide implements [channel.Main]. Its first try is for what happens nearly always: it expects the operation to be new,
// so that nobody waits for the answer to the claim. Where the claim fails, fn runs again and looks what was kept.
func (s *Store) Decide(ctx context.Context, fn func(ctx context.Context, tx channel.MainTx) error) error {
	err := s.decide(ctx, fn, false)
	if violates(err, "operation_pkey") {
		err = s.decide(ctx, fn, true)
	}
	return translate(err)
}

func (s *Store) decide(ctx context.Context, fn func(ctx context.Context, tx channel.MainTx) error, looks bool) error {
	return s.router.Main().WritePgx(ctx, func(ctx context.Context, tx *shardrouter.Tx) error {
		err := fn(ctx, mainTx{tx, &s.groups, looks})
		if err == nil {
			return nil
		}
		// A refusal stands only if the claim does: a key that was used before is told first.
		return cmp.Or(tx.Flush(ctx), err)
	}, shardrouter.Repeatable(), shardrouter.Explained(overtaken))
}

// mainTx is a deciding transaction. Statements whose answer nobody needs wait for the next that somebody does.
type mainTx struct {
	tx     *shardrouter.Tx
	groups *groupCache
	looks  bool // the operation may have been claimed before
}

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
		query, key := findGroupBy(by)
		return oneRow(conn.QueryRow(ctx, query, key).Scan(&group.ID, &group.Handle, &group.Name))
	}))
	if err == nil {
		s.groups.add(group)
	}
	return group, err
}

// FindGroups implements [channel.Main], from memory as far as they were found before.
func (s *Store) FindGroups(ctx context.Context, groups []ids.Group) (map[ids.Group]channel.Group, error) {
	found := make(map[ids.Group]channel.Group, len(groups))
	var unknown []ids.Group
	for _, id := range groups {
		if group, ok := s.groups.find(channel.GroupSelector{ID: &id}); ok {
			found[id] = group
		} else {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) == 0 {
		return found, nil
	}
	err := s.router.Main().ReadPgx(ctx, func(ctx context.Context, conn shardrouter.Conn) error {
		rows, err := conn.Query(ctx, `SELECT group_id, handle, name FROM linkspan_main.groups WHERE group_id = ANY ($1)`, uuids(unknown))
		if err != nil {
			return err
		}
		var group channel.Group
		_, err = pgx.ForEachRow(rows, []any{&group.ID, &group.Handle, &group.Name}, func() error {
			found[group.ID] = group
			s.groups.add(group)
			return nil
		})
		return err
	})
	return found, translate(err)
}

func (c *groupCache) add(group channel.Group) {
	c.byHandle.Store(group.Handle, group)
	c.byID.Store(group.ID, group)
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

// FindGroup implements [channel.MainTx], from memory where the group was found before.
func (t mainTx) FindGroup(ctx context.Context, by channel.GroupSelector) (g channel.Group, err error) {
	if found, ok := t.groups.find(by); ok {
		return found, nil
	}
	query, key := findGroupBy(by)
	err = oneRow(t.tx.QueryRow(ctx, query, []any{key}, &g.ID, &g.Handle, &g.Name))
	return g, err
}

func (t mainTx) InsertGroup(ctx context.Context, g channel.Group) (bool, error) {
	tag, err := t.tx.Exec(ctx, `
		INSERT INTO linkspan_main.groups (group_id, handle, name, slot) VALUES ($1, $2, $3, $4)
		ON CONFLICT (handle) DO NOTHING`, g.ID, g.Handle, g.Name, int16(slotOf(g.ID)))
	return tag.RowsAffected() > 0, err
}

// Claim implements [channel.MainTx]. Where it does not look, a claim that was there before is an error of the next
// statement that has an answer; see [Store.Decide].
//
// It locks what was kept. The lock is in the write-ahead log, and so COMMIT waits for a synchronous standby: what it tells
// may be the commit of a connection that was given up while it waited, and on the primary alone.
func (t mainTx) Claim(ctx context.Context, op channel.Operation) (*channel.Operation, error) {
	o := op.Outcome
	const claim = `
		INSERT INTO linkspan_main.operation (op_id, mutation, input_hash, group_id, channel_id, invitation_id)
		VALUES ($1, $2, $3, $4, $5, $6)`
	args := []any{op.ID, op.Mutation, op.Input, o.Group, o.Channel, o.Invitation}
	if !t.looks {
		t.tx.Queue(claim, args...)
		return nil, nil
	}
	tag, err := t.tx.Exec(ctx, claim+` ON CONFLICT (op_id) DO NOTHING`, args...)
	if err != nil || tag.RowsAffected() > 0 {
		return nil, err
	}
	kept := channel.Operation{ID: op.ID}
	err = t.tx.QueryRow(ctx, `
		SELECT mutation, input_hash, group_id, channel_id, invitation_id, name_changed_from
		FROM linkspan_main.operation WHERE op_id = $1 FOR UPDATE`, []any{op.ID},
		&kept.Mutation, &kept.Input, &kept.Outcome.Group, &kept.Outcome.Channel, &kept.Outcome.Invitation, &kept.Outcome.NameChangedFrom)
	return &kept, err
}

func (t mainTx) AmendOutcome(_ context.Context, op ids.Op, o channel.Outcome) error {
	t.tx.Queue(`
		UPDATE linkspan_main.operation SET group_id = $2, channel_id = $3, invitation_id = $4, name_changed_from = $5
		WHERE op_id = $1`, op, o.Group, o.Channel, o.Invitation, o.NameChangedFrom)
	return nil
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
