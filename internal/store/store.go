// Package store keeps the domain's ports over bun: it has the only SQL of the domain and is the only place that
// translates what Postgres and the router say.
//
// The invariants:
//
//   - Statements on shards begin with the slot that the cluster must own (shardrouter.Owned) and see only rows of it.
//   - What a group may see is part of the statement that reads it, never a check before or after.
//   - A list and its log cursor are read by one statement, so they are one snapshot.
//   - The SQL is portable: no LISTEN/NOTIFY, advisory locks, prepared transactions, sequences, or foreign keys.
package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"

	"linkspan/internal/channel"
	"linkspan/shardrouter"
)

// Store reaches main and the shards through the router. It is safe for concurrent use.
type Store struct {
	router   *shardrouter.Router
	groups   groupCache
	lanes    lanes
	openings openings
	pages    *pages
	sights   sights
}

var (
	_ channel.Main         = (*Store)(nil)
	_ channel.Shards       = (*Store)(nil)
	_ channel.Conversation = (*Store)(nil)
)

// Settings are those of the connections that the statements here are made for ([shardrouter.Config.Settings]). Each statement is
// planned once a connection, for any arguments: the five plans for the first arguments took a new connection as long as a
// hundred pages. And rows are found by their keys, also where Postgres has last seen the table while it was small, which would
// read all of it. Statements are right without them.
func Settings() map[string]string {
	return map[string]string{"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
}

// Option changes how a store asks its clusters.
type Option func(*Store)

// PostBySlot says whether each statement of a group of posts is about one slot, for engines that refuse one about several. The
// group is one transaction all the same, and its answers are the same.
func PostBySlot(bySlot bool) Option { return func(s *Store) { s.lanes.bySlot = bySlot } }

// New returns a store over the router, which the caller closes.
func New(router *shardrouter.Router, options ...Option) *Store {
	s := &Store{router: router, pages: newPages(), lanes: lanes{known: newKnownRooms()}}
	for _, option := range options {
		option(s)
	}
	return s
}

// translate makes of an error what the domain knows: a cluster out of reach is a SHARD_UNAVAILABLE fault. Errors of the
// domain and ends of contexts pass; others stay unknown.
func translate(err error) error {
	var unavailable *shardrouter.UnavailableError
	var unknown *shardrouter.OutcomeUnknownError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unavailable), errors.As(err, &unknown):
		var fault *channel.Fault
		if errors.As(err, &fault) {
			return err
		}
		return channel.Unavailable(err)
	}
	return err
}

// violates reports whether the error is a violation of that unique index.
func violates(err error, index string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505" && pg.ConstraintName == index
}

// oneRow makes a missing row ErrNotFound.
func oneRow(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return channel.ErrNotFound
	}
	return err
}

// readMain runs fn on main without a transaction.
func (s *Store) readMain(ctx context.Context, fn func(ctx context.Context, db bun.IDB) error) error {
	return translate(s.router.Main().Read(ctx, fn))
}
