package localpgtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/localpg"
)

// Standby is a synchronous standby of a cluster: a commit on the primary waits until the standby has it on disk, too.
type Standby struct {
	// DSN leads to whichever of the two takes writes.
	DSN string

	clusters      *localpg.Clusters
	primary, name string
}

// NewStandby makes a synchronous standby of the primary out of another of the clusters, whose own data is lost. The clusters
// must be durable. It makes the base backup itself, for PostgreSQL from npm comes without pg_basebackup.
//
// https://www.postgresql.org/docs/15/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP
func NewStandby(t testing.TB, clusters *localpg.Clusters, primary, name string) *Standby {
	t.Helper()
	s := &Standby{clusters: clusters, primary: primary, name: name}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.join(ctx); err != nil {
		t.Fatalf("localpgtest: standby of %s: %v", primary, err)
	}
	return s
}

// Promote ends the standby's recovery: it takes writes when Promote returns. The primary must be dead by then.
func (s *Standby) Promote(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := onCluster(ctx, s.clusters, s.name, func(conn *pgx.Conn) error {
		var promoted bool
		err := conn.QueryRow(ctx, "SELECT pg_promote(true, $1)", int(patience.Seconds())).Scan(&promoted)
		if err == nil && !promoted {
			err = errors.New("not promoted in time")
		}
		return err
	})
	if err != nil {
		t.Fatalf("localpgtest: promote %s: %v", s.name, err)
	}
}

// SyncState is what the primary says of the standby: "sync" while commits wait for it, "" while it is not connected.
func (s *Standby) SyncState(ctx context.Context) (state string, err error) {
	err = onCluster(ctx, s.clusters, s.primary, func(conn *pgx.Conn) error {
		err := conn.QueryRow(ctx, "SELECT sync_state FROM pg_stat_replication WHERE application_name = $1", s.name).Scan(&state)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	return state, err
}

func (s *Standby) join(ctx context.Context) error {
	config, err := pgx.ParseConfig(s.clusters.DSN(s.primary))
	if err != nil {
		return err
	}
	other, err := pgx.ParseConfig(s.clusters.DSN(s.name))
	if err != nil {
		return err
	}
	s.DSN = fmt.Sprintf("host=%s,%s port=%d user=%s dbname=%s target_session_attrs=read-write",
		config.Host, other.Host, config.Port, config.User, config.Database)
	var old string
	err = onCluster(ctx, s.clusters, s.name, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SHOW data_directory").Scan(&old)
	})
	if err != nil {
		return err
	}
	// Whatever the cluster's processes still write goes to the directory under its other name.
	s.clusters.Kill(s.name)
	if err := os.Rename(old, old+".replaced"); err != nil {
		return err
	}
	settings := fmt.Sprintf("primary_conninfo = 'host=%s port=%d user=%s application_name=''%s'''\nprimary_slot_name = '%s'\n",
		config.Host, config.Port, config.User, s.name, s.slot())
	err = onCluster(ctx, s.clusters, s.primary, func(conn *pgx.Conn) error { return s.backUp(ctx, conn, old, settings) })
	if err != nil {
		return err
	}
	if err := s.clusters.Restart(ctx, s.name); err != nil {
		return err
	}
	return onCluster(ctx, s.clusters, s.primary, func(conn *pgx.Conn) error { return s.makeSynchronous(ctx, conn) })
}

// slot is the name of the replication slot that keeps the primary's log until the standby has it.
func (s *Standby) slot() string { return strings.ReplaceAll(s.name, "-", "_") }

// backUp copies the running primary to a new data directory that begins as its standby.
func (s *Standby) backUp(ctx context.Context, conn *pgx.Conn, to, settings string) error {
	var durable string
	if err := conn.QueryRow(ctx, "SHOW synchronous_commit").Scan(&durable); err != nil {
		return err
	}
	if durable != "on" {
		return errors.New("its clusters are not durable: no commit would wait for the standby")
	}
	var from, label string
	if err := conn.QueryRow(ctx, "SHOW data_directory").Scan(&from); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "SELECT pg_create_physical_replication_slot($1, true)", s.slot()); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "SELECT pg_backup_start($1, true)", s.name); err != nil {
		return err
	}
	if err := copyRunning(from, to); err != nil {
		return err
	}
	if err := conn.QueryRow(ctx, "SELECT labelfile FROM pg_backup_stop(false)").Scan(&label); err != nil {
		return err
	}
	auto, err := os.ReadFile(filepath.Join(to, "postgresql.auto.conf"))
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"backup_label": label, "standby.signal": "", "postgresql.auto.conf": string(auto) + settings,
	} {
		if err := writeLike(from, filepath.Join(to, name), []byte(text)); err != nil {
			return err
		}
	}
	return nil
}

// makeSynchronous lets commits wait for the standby, from when it has caught up.
func (s *Standby) makeSynchronous(ctx context.Context, conn *pgx.Conn) error {
	for _, statement := range []string{
		"ALTER SYSTEM SET synchronous_standby_names = '" + pgx.Identifier{s.name}.Sanitize() + "'", "SELECT pg_reload_conf()",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for {
		state, err := s.SyncState(ctx)
		if err != nil || state == "sync" {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("%s is %q, not synchronous: %w", s.name, state, ctx.Err())
		}
	}
}

// copyRunning copies the data directory of a running cluster as far as a base backup needs it. Files may come and go
// meanwhile.
func copyRunning(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		parent, _, _ := strings.Cut(name, string(filepath.Separator))
		switch {
		case name == "postmaster.pid", name == "postmaster.opts":
			return nil
		case parent != name && slices.Contains([]string{"pg_wal", "pg_replslot", "pg_dynshmem"}, parent): // the primary's own
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case entry.IsDir():
			if err := os.Mkdir(filepath.Join(to, name), 0o700); err != nil {
				return err
			}
			return ownLike(from, filepath.Join(to, name))
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return writeLike(from, filepath.Join(to, name), content)
	})
}

// writeLike writes a file for the owner of another.
func writeLike(other, path string, content []byte) error {
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return err
	}
	return ownLike(other, path)
}

func ownLike(other, path string) error {
	info, err := os.Stat(other)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("no owner known for %s", other)
	}
	return os.Lchown(path, int(owner.Uid), int(owner.Gid))
}

func onCluster(ctx context.Context, clusters *localpg.Clusters, name string, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, clusters.DSN(name))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it has no transaction
	return do(conn)
}
