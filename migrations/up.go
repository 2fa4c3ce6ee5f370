package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

// Step is one migration, told to the progress function before it runs and again after its commit.
type Step struct {
	Set     Set
	Version int64
	Name    string        // the file's name, as in "00001_directory.sql"
	Done    bool          // false: about to run
	Took    time.Duration // when done
}

// Up applies what a database lacks, one transaction a migration. A database that lacks nothing costs one
// statement. Two that migrate at once take turns, and both succeed. progress may be nil; it is called
// from Up's own goroutine.
//
// On an error the migrations before the failed one stay; Up can be called again. db needs two
// connections at a time: the second keeps the lock's lease alive. Errors: [*NewerError], or the
// driver's, wrapped.
func Up(ctx context.Context, db *sql.DB, set Set, progress func(Step)) error {
	state, err := Pending(ctx, db, set)
	if err != nil {
		return err
	}
	if state.Pending() == 0 {
		return nil
	}
	return locked(ctx, db, set, func(provider *goose.Provider) error {
		for {
			state, err := Pending(ctx, db, set) // again, under the lock: another may have been at work
			if err != nil {
				return err
			}
			if state.Pending() == 0 {
				return nil
			}
			step := Step{Set: set, Version: state.Current + 1}
			for _, source := range provider.ListSources() {
				if source.Version == step.Version {
					step.Name = source.Path
				}
			}
			tell(progress, step)
			result, err := provider.ApplyVersion(ctx, step.Version, true)
			if err != nil {
				return fmt.Errorf("migrate the %s database with %s: %w", set, step.Name, err)
			}
			step.Done, step.Took = true, result.Duration
			tell(progress, step)
		}
	})
}

// Down takes back the migrations above version to, newest first; 0 takes back all. Data in their tables
// is lost. Errors are those of [Up].
func Down(ctx context.Context, db *sql.DB, set Set, to int64) error {
	return locked(ctx, db, set, func(provider *goose.Provider) error {
		if _, err := Pending(ctx, db, set); err != nil {
			return err
		}
		if _, err := provider.DownTo(ctx, to); err != nil {
			return fmt.Errorf("migrate the %s database down to version %d: %w", set, to, err)
		}
		return nil
	})
}

func tell(progress func(Step), step Step) {
	if progress != nil {
		progress(step)
	}
}

// locked runs fn while this process holds the set's lock.
func locked(ctx context.Context, db *sql.DB, set Set, fn func(*goose.Provider) error) (err error) {
	if err := prepare(ctx, db, set); err != nil {
		return fmt.Errorf("prepare the %s database for migrations: %w", set, err)
	}
	dir, err := fs.Sub(files, set.String())
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectCustom, db, dir,
		goose.WithStore(versions{set}), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read the migrations of the %s database: %w", set, err)
	}
	locker, err := newLocker(set)
	if err != nil {
		return err
	}
	if err := locker.Lock(ctx, db); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("lock the %s database for migrations: %w", set, err)
	}
	defer func() {
		if unlockErr := locker.Unlock(context.WithoutCancel(ctx), db); unlockErr != nil {
			err = errors.Join(err, fmt.Errorf("unlock the %s database after migrations: %w", set, unlockErr))
		}
	}()
	return fn(provider)
}
