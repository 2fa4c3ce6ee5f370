package shardrouter

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// Bootstrap makes an installation of migrated databases, or finds that they are one: it gives the
// installation its id, registers the clusters, writes each one's name on it, deals the slots and tells
// each cluster which it owns. It is idempotent, may be interrupted anywhere and run anew, and may run in
// several processes at once. All is done with the first start; later ones only compare.
//
// A cluster that is new in the configuration joins without slots. One that has joined before and is down
// is not waited for: its connections will prove who they are when it is back.
//
// Errors: [*IdentityError] for a DSN that leads to the wrong place, [*MissingClustersError] for a
// configuration that lacks a cluster, [*UnavailableError] for a database that is needed and down.
// Nothing is written to any database before all that are there have been compared.
func Bootstrap(ctx context.Context, config Config) error {
	config, err := config.checked()
	if err != nil {
		return err
	}
	main, err := config.connect(ctx, MainName, config.MainDSN)
	if err != nil {
		return setupError(ctx, MainName, err)
	}
	defer closeConn(ctx, main)
	b := &bootstrap{config: config, main: main}
	if err := b.readMain(ctx); err != nil {
		return setupError(ctx, MainName, err)
	}
	if err := b.compare(ctx); err != nil || b.complete() {
		return err
	}
	if err := b.register(ctx); err != nil {
		return setupError(ctx, MainName, err)
	}
	return b.join(ctx)
}

// bootstrap is one run.
type bootstrap struct {
	config       Config
	main         *pgx.Conn
	installation uuid.UUID       // Nil: there is none yet
	joined       map[string]bool // the registered clusters, and whether they have joined
	dealt        int             // slots in main's table
}

// complete tells that there is nothing to do.
func (b *bootstrap) complete() bool {
	return b.dealt == Slots && !slices.ContainsFunc(b.config.Shards, func(s Shard) bool { return !b.joined[s.Name] })
}

func (b *bootstrap) readMain(ctx context.Context) error {
	rows, err := b.main.Query(ctx, `
		SELECT i.id::text, (SELECT count(*) FROM linkspan_main.slot), coalesce(c.name, ''), c.joined_at IS NOT NULL
		FROM linkspan_main.installation AS i LEFT JOIN linkspan_main.cluster AS c ON true`)
	if err != nil {
		return err
	}
	b.joined = make(map[string]bool)
	var (
		id, name string
		joined   bool
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &b.dealt, &name, &joined}, func() error {
		if name != "" {
			b.joined[name] = joined
		}
		b.installation, err = uuid.Parse(id)
		return err
	})
	if err != nil {
		return err
	}
	var missing []string
	for name := range b.joined {
		if !slices.ContainsFunc(b.config.Shards, func(s Shard) bool { return s.Name == name }) {
			missing = append(missing, name)
		}
	}
	if missing != nil {
		slices.Sort(missing)
		return &MissingClustersError{missing}
	}
	return nil
}

// compare looks at every shard before anything is written to any.
func (b *bootstrap) compare(ctx context.Context) error {
	err := b.compareShards(ctx)
	if b.installation != uuid.Nil || !errors.Is(err, ErrForeign) {
		return err
	}
	// Perhaps not foreign, but of another process that is just making this installation.
	if err := b.readMain(ctx); err != nil {
		return setupError(ctx, MainName, err)
	}
	return b.compareShards(ctx)
}

func (b *bootstrap) compareShards(ctx context.Context) error {
	var group errgroup.Group
	for _, shard := range b.config.Shards {
		group.Go(func() error {
			err := b.compareShard(ctx, shard)
			if b.joined[shard.Name] && faultOf(err) != faultNone && !isIdentity(err) && ctx.Err() == nil {
				b.config.Logger.Warn("cluster is down at the start", "cluster", shard.Name, "error", err)
				return nil
			}
			return setupError(ctx, shard.Name, err)
		})
	}
	return group.Wait()
}

func (b *bootstrap) compareShard(ctx context.Context, shard Shard) error {
	ctx, cancel := context.WithTimeoutCause(ctx, b.config.StatementTimeout, errSilent)
	defer cancel()
	conn, err := b.config.connect(ctx, shard.Name, shard.DSN)
	if err != nil {
		return err
	}
	defer closeConn(ctx, conn)
	cluster, installation, err := readIdentity(ctx, conn)
	switch {
	case errors.Is(err, pgx.ErrNoRows) && b.joined[shard.Name]:
		return &IdentityError{Cluster: shard.Name, Err: ErrBlank}
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil && ctx.Err() != nil:
		return &notServingError{context.Cause(ctx)}
	case err != nil:
		return err
	}
	return compareIdentity(shard.Name, b.installation, cluster, installation)
}

func readIdentity(ctx context.Context, conn *pgx.Conn) (cluster string, installation uuid.UUID, err error) {
	var text string
	if err := conn.QueryRow(ctx, `SELECT cluster, installation::text FROM linkspan_shard.identity`).Scan(&cluster, &text); err != nil {
		return "", uuid.Nil, err
	}
	installation, err = uuid.Parse(text)
	return cluster, installation, err
}

// register writes main's side: the installation, the clusters, and the slots, dealt once and as a whole.
func (b *bootstrap) register(ctx context.Context) error {
	id, err := uuid.NewRandom()
	if err != nil {
		return err
	}
	var names []string
	for _, shard := range b.config.Shards {
		names = append(names, shard.Name)
	}
	slices.Sort(names) // two that register at once must lock in the same order
	_, err = b.main.Exec(ctx, `INSERT INTO linkspan_main.installation (id) VALUES ($1::uuid) ON CONFLICT (only_row) DO NOTHING`, id.String())
	if err != nil {
		return err
	}
	_, err = b.main.Exec(ctx, `INSERT INTO linkspan_main.cluster (name) SELECT unnest($1::text[]) ON CONFLICT (name) DO NOTHING`, names)
	if err != nil {
		return err
	}
	dealt := Deal(names)
	// One statement is one transaction: whoever writes slot 0 first deals all of them.
	_, err = b.main.Exec(ctx, `
		INSERT INTO linkspan_main.slot (slot, cluster)
		SELECT o.number - 1, o.cluster FROM unnest($1::text[]) WITH ORDINALITY AS o (cluster, number) ORDER BY o.number
		ON CONFLICT (slot) DO NOTHING`, dealt[:])
	if err != nil {
		return err
	}
	return b.readMain(ctx) // what others registered meanwhile counts as much
}

// join brings each cluster that has not joined to the state where it has. Order matters: the name, then
// the slots, then main's word for it, so that a crash in between leaves "not joined".
func (b *bootstrap) join(ctx context.Context) error {
	for _, shard := range b.config.Shards {
		if b.joined[shard.Name] {
			continue
		}
		slots, epochs, err := b.slotsOf(ctx, shard.Name)
		if err != nil {
			return setupError(ctx, MainName, err)
		}
		if err := b.joinShard(ctx, shard, slots, epochs); err != nil {
			return setupError(ctx, shard.Name, err)
		}
		_, err = b.main.Exec(ctx, `UPDATE linkspan_main.cluster SET joined_at = now() WHERE name = $1 AND joined_at IS NULL`, shard.Name)
		if err != nil {
			return setupError(ctx, MainName, err)
		}
	}
	return nil
}

func (b *bootstrap) slotsOf(ctx context.Context, cluster string) (slots []int16, epochs []int64, err error) {
	rows, err := b.main.Query(ctx, `SELECT slot, epoch FROM linkspan_main.slot WHERE cluster = $1 ORDER BY slot`, cluster)
	if err != nil {
		return nil, nil, err
	}
	var (
		slot  int16
		epoch int64
	)
	_, err = pgx.ForEachRow(rows, []any{&slot, &epoch}, func() error {
		slots, epochs = append(slots, slot), append(epochs, epoch)
		return nil
	})
	return slots, epochs, err
}

func (b *bootstrap) joinShard(ctx context.Context, shard Shard, slots []int16, epochs []int64) error {
	conn, err := b.config.connect(ctx, shard.Name, shard.DSN)
	if err != nil {
		return err
	}
	defer closeConn(ctx, conn)
	_, err = conn.Exec(ctx, `
		INSERT INTO linkspan_shard.identity (installation, cluster) VALUES ($1::uuid, $2) ON CONFLICT (only_row) DO NOTHING`,
		b.installation.String(), shard.Name)
	if err != nil {
		return err
	}
	cluster, installation, err := readIdentity(ctx, conn)
	if err != nil {
		return err
	}
	if err := compareIdentity(shard.Name, b.installation, cluster, installation); err != nil {
		return err
	}
	// A row that is there knows better: another process was faster, and the slot may have moved since.
	_, err = conn.Exec(ctx, `
		INSERT INTO linkspan_shard.owned_slot (slot, epoch, state)
		SELECT o.slot, o.epoch, 'OWNED' FROM unnest($1::smallint[], $2::bigint[]) AS o (slot, epoch) ORDER BY o.slot
		ON CONFLICT (slot) DO NOTHING`, slots, epochs)
	return err
}

// connect makes one connection, without looking at the identity.
func (c Config) connect(ctx context.Context, cluster, dsn string) (*pgx.Conn, error) {
	config, err := c.connConfig(cluster, dsn)
	if err != nil {
		return nil, err
	}
	return pgx.ConnectConfig(ctx, config.ConnConfig)
}

func closeConn(ctx context.Context, conn *pgx.Conn) {
	_ = conn.Close(context.WithoutCancel(ctx)) // it has no transaction
}

func isIdentity(err error) bool {
	var wrong *IdentityError
	return errors.As(err, &wrong)
}

// setupError is how a failed step of Bootstrap is told.
func setupError(ctx context.Context, cluster string, err error) error {
	var missing *MissingClustersError
	switch {
	case err == nil, isIdentity(err), errors.As(err, &missing):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case isUndefinedTable(err):
		return &IdentityError{Cluster: cluster, Err: ErrNotBootstrapped}
	case faultOf(err) != faultNone:
		return &UnavailableError{Cluster: cluster, Slot: NoSlot, Err: err}
	}
	return fmt.Errorf("bootstrap cluster %q: %w", cluster, err)
}
