package migrations_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"linkspan/migrations"
)

// A migrator that died holds the lock until its lease ends; then the next one takes it.
func TestDeadMigrator(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	if err := migrations.Up(t.Context(), db, migrations.Shard, nil); err != nil {
		t.Fatal(err)
	}
	if err := migrations.Down(t.Context(), db, migrations.Shard, 0); err != nil {
		t.Fatal(err)
	}
	hold := func(lease time.Duration) {
		t.Helper()
		tag, err := db.ExecContext(t.Context(), `
			UPDATE linkspan_shard.schema_lock
			SET locked = true, locked_by = 'a process that died', lease_expires_at = now() + make_interval(secs => $1)`, lease.Seconds())
		if err != nil {
			t.Fatal(err)
		}
		if n, err := tag.RowsAffected(); err != nil || n != 1 {
			t.Fatalf("held %d locks: %v", n, err)
		}
	}

	hold(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := migrations.Up(ctx, db, migrations.Shard, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("while the lease runs: %v, want deadline exceeded", err)
	}
	checkState(t, db, migrations.Shard, 0)

	hold(-time.Second)
	if err := migrations.Up(t.Context(), db, migrations.Shard, nil); err != nil {
		t.Fatal(err)
	}
	checkState(t, db, migrations.Shard, migrations.Newest(migrations.Shard))
}
