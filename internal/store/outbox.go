package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/uptrace/bun"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/outbox"
	"linkspan/shardrouter"
)

var _ outbox.Store = (*Store)(nil)

// streamRow names a stream of the outbox.
type streamRow struct {
	Subject     pgtype.UUID `bun:"subject"`
	Kind        string      `bun:"destination_kind"`
	Destination pgtype.UUID `bun:"destination"`
}

const (
	toChannel = "CHANNEL"
	toGroup   = "GROUP"
)

func streamRowOf(s channel.Stream) streamRow {
	if d := s.Destination; !d.Channel.IsZero() {
		return streamRow{uuidOf(s.Subject), toChannel, uuidOf(d.Channel.Bytes())}
	}
	return streamRow{uuidOf(s.Subject), toGroup, uuidOf(s.Destination.Group.Bytes())}
}

func uuidOf(id [16]byte) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

func (r streamRow) stream() channel.Stream {
	s := channel.Stream{Subject: r.Subject.Bytes}
	if r.Kind == toChannel {
		s.Destination.Channel = ids.ChannelFrom(r.Destination.Bytes)
	} else {
		s.Destination.Group = ids.GroupFrom(r.Destination.Bytes)
	}
	return s
}

// stepRow is a step of the outbox.
type stepRow struct {
	streamRow
	Number   int64            `bun:"number"`
	Needs    int64            `bun:"needs"`
	Op       ids.Op           `bun:"op_id"`
	Step     channel.StepKind `bun:"kind"`
	Effect   string           `bun:"effect"`
	Attempts int              `bun:"attempts"`
}

func (r stepRow) step() (channel.Step, error) {
	step := channel.Step{Stream: r.stream(), Number: r.Number, Needs: r.Needs, Op: r.Op, Kind: r.Step}
	if err := json.Unmarshal([]byte(r.Effect), &step.Effect); err != nil {
		return step, fmt.Errorf("store: the effect of step %d of op %v: %w", r.Number, r.Op.UUID(), err)
	}
	return step, nil
}

// appendStep gives a step the next number of its stream, and keeps it. An append to the channel in the same
// transaction comes before a step that needs it, and is seen here. Each value is an argument of its own: a statement
// over arrays would be planned anew each time.
const appendStep = `
	WITH stream AS (
		INSERT INTO linkspan_main.outbox_stream AS s (subject, destination_kind, destination, head, tail, due_at)
		VALUES ($1, $2, $3, 1, 1, now() + $8 * interval '1 microsecond')
		ON CONFLICT (subject, destination_kind, destination)
		DO UPDATE SET tail = s.tail + 1, due_at = GREATEST(s.due_at, excluded.due_at)
		RETURNING tail
	)
	INSERT INTO linkspan_main.outbox_step (subject, destination_kind, destination, number, needs, op_id, kind, effect)
	SELECT $1, $2, $3, stream.tail, CASE WHEN $7 THEN COALESCE((
		SELECT max(c.tail) FROM linkspan_main.outbox_stream AS c WHERE c.subject = $1 AND c.destination_kind = 'CHANNEL'
	), 0) ELSE 0 END, $4, $5, $6 FROM stream
	RETURNING number, needs`

// AppendSteps implements [channel.MainTx]: the steps have their numbers when the transaction is committed.
func (t mainTx) AppendSteps(_ context.Context, steps []channel.Step) error {
	for i := range steps {
		step := &steps[i]
		effect, err := json.Marshal(step.Effect)
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		row := streamRowOf(step.Stream)
		t.tx.Queue(appendStep, row.Subject, row.Kind, row.Destination, step.Op, step.Kind, string(effect),
			step.Kind.AfterChannel(), outbox.Lease.Microseconds(),
		).QueryRow(func(row pgx.Row) error { return row.Scan(&step.Number, &step.Needs) })
	}
	return nil
}

// OpenSteps implements [outbox.Store].
func (s *Store) OpenSteps(ctx context.Context, subject [16]byte) ([]channel.Step, error) {
	var rows []stepRow
	err := s.readMain(ctx, func(ctx context.Context, db bun.IDB) error {
		rows = nil
		return db.NewRaw(`
			SELECT subject, destination_kind, destination, number, needs, op_id, kind, effect::text AS effect
			FROM linkspan_main.outbox_step WHERE subject = ?
			ORDER BY destination_kind, destination, number`, uuidOf(subject)).Scan(ctx, &rows)
	})
	if err != nil {
		return nil, err
	}
	steps := make([]channel.Step, len(rows))
	for i, row := range rows {
		if steps[i], err = row.step(); err != nil {
			return nil, err
		}
	}
	return steps, nil
}

// ClaimDue implements [outbox.Store].
func (s *Store) ClaimDue(ctx context.Context, limit int, lease time.Duration) ([]outbox.Claim, error) {
	var rows []stepRow
	err := s.router.Main().Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		rows = nil
		return tx.NewRaw(`
			WITH due AS (
				SELECT s.subject, s.destination_kind, s.destination,
					t.number, t.needs, t.op_id, t.kind, t.effect::text AS effect
				FROM linkspan_main.outbox_stream AS s
				JOIN linkspan_main.outbox_step AS t ON t.subject = s.subject
					AND t.destination_kind = s.destination_kind AND t.destination = s.destination AND t.number = s.head
				WHERE s.head <= s.tail AND s.due_at <= now() AND (t.needs = 0 OR NOT EXISTS (
					SELECT 1 FROM linkspan_main.outbox_stream AS c
					WHERE c.subject = s.subject AND c.destination_kind = 'CHANNEL' AND c.head <= t.needs))
				ORDER BY s.due_at LIMIT ? FOR UPDATE OF s SKIP LOCKED
			), taken AS (
				UPDATE linkspan_main.outbox_stream AS s
				SET due_at = now() + ? * interval '1 microsecond', attempts = s.attempts + 1
				FROM due WHERE s.subject = due.subject AND s.destination_kind = due.destination_kind AND s.destination = due.destination
				RETURNING s.subject, s.destination_kind, s.destination, s.attempts
			)
			SELECT due.*, taken.attempts FROM due JOIN taken USING (subject, destination_kind, destination)`,
			limit, lease.Microseconds()).Scan(ctx, &rows)
	}, shardrouter.Repeatable())
	if err != nil {
		return nil, translate(err)
	}
	claims := make([]outbox.Claim, len(rows))
	for i, row := range rows {
		step, err := row.step()
		if err != nil {
			return nil, err
		}
		claims[i] = outbox.Claim{Step: step, Attempts: row.Attempts}
	}
	return claims, nil
}

// Complete implements [outbox.Store].
func (s *Store) Complete(ctx context.Context, steps []channel.Step) error {
	reached := make(map[streamRow]int64, len(steps))
	for _, step := range steps {
		row := streamRowOf(step.Stream)
		reached[row] = max(reached[row], step.Number)
	}
	values := make([]bun.TupleValues, 0, len(reached))
	for row, number := range reached {
		values = append(values, bun.Tuple([]any{row.Subject, row.Kind, row.Destination, number}))
	}
	err := s.router.Main().Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw(`
			WITH done (subject, destination_kind, destination, number) AS (
				SELECT subject::uuid, destination_kind, destination::uuid, number
				FROM (VALUES ?) AS v (subject, destination_kind, destination, number)
			), advanced AS (
				UPDATE linkspan_main.outbox_stream AS s SET head = GREATEST(s.head, done.number + 1), attempts = 0
				FROM done WHERE s.subject = done.subject AND s.destination_kind = done.destination_kind AND s.destination = done.destination
			)
			DELETE FROM linkspan_main.outbox_step AS t USING done
			WHERE t.subject = done.subject AND t.destination_kind = done.destination_kind
				AND t.destination = done.destination AND t.number <= done.number`,
			bun.List(values)).Exec(ctx)
		return err
	}, shardrouter.Repeatable())
	return translate(err)
}

// Defer implements [outbox.Store].
func (s *Store) Defer(ctx context.Context, stream channel.Stream, pause time.Duration) error {
	row := streamRowOf(stream)
	err := s.router.Main().Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw(`
			UPDATE linkspan_main.outbox_stream SET due_at = now() + ? * interval '1 microsecond'
			WHERE subject = ? AND destination_kind = ? AND destination = ?`,
			pause.Microseconds(), row.Subject, row.Kind, row.Destination).Exec(ctx)
		return err
	}, shardrouter.Repeatable())
	return translate(err)
}

// Backlog returns how many steps are open, and the age of the oldest by main's clock; 0 and 0 where none is.
func (s *Store) Backlog(ctx context.Context) (open int64, oldest time.Duration, err error) {
	var seconds float64
	err = s.router.Main().ReadPgx(ctx, func(ctx context.Context, conn shardrouter.Conn) error {
		return conn.QueryRow(ctx, `
			SELECT count(*), COALESCE(EXTRACT(EPOCH FROM now() - min(created_at)), 0)::float8
			FROM linkspan_main.outbox_step`).Scan(&open, &seconds)
	})
	return open, time.Duration(seconds * float64(time.Second)), translate(err)
}
