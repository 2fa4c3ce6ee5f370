package localpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// initdbArgs make a small cluster whose text sorts by bytes everywhere. The socket's directory is the access control
// (package comment); hosts are refused even if somebody makes PostgreSQL listen.
var initdbArgs = []string{
	"-N", "--locale=C", "--wal-segsize=4", "-E", "UTF8", "--auth-local=trust", "--auth-host=reject", "-U", superuser,
}

// makeClusters makes the data directories that are absent. initdb runs once, the others are copies: a copy takes a
// fraction of its time. Each directory is made under a temporary name; when all are done, and safe on disk if Durable,
// they get their own.
//
// The copies share a system identifier. PostgreSQL uses it to keep physical replicas and archived WAL of different
// clusters apart, and these clusters have neither. What tells Linkspan's databases apart is a row in each.
func makeClusters(ctx context.Context, cfg Config, root *dataRoot, a account, pg Postgres) error {
	versionDir, err := root.dir(a, fmt.Sprintf("%s%d", majorPrefix, pg.Major))
	if err != nil {
		return err
	}
	removeUnfinished(cfg, versionDir)
	absent, err := absentClusters(root, pg, cfg.Names)
	if err != nil || len(absent) == 0 {
		return err
	}
	unfinished := make([]string, len(absent))
	for i, name := range absent {
		dir, err := os.MkdirTemp(versionDir, newPrefix+name+"-")
		if err != nil {
			return fmt.Errorf("localpg: make %s: %w", name, err)
		}
		defer os.RemoveAll(dir) // does nothing once it has its name
		unfinished[i] = dir
	}
	original, copies := unfinished[0], unfinished[1:]
	if cfg.CacheDir != "" {
		original, err = templateDir(ctx, cfg, a, pg)
		copies = unfinished
	} else {
		err = initdb(ctx, cfg, a, pg, original)
	}
	if err != nil {
		return err
	}
	cfg.progressf("making %s", strings.Join(absent, ", "))
	group, groupCtx := errgroup.WithContext(ctx)
	for _, dir := range copies {
		group.Go(func() error { return copyTree(groupCtx, original, dir, a) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("localpg: copy a cluster: %w", err)
	}
	return giveNames(ctx, unfinished, absent, versionDir, cfg.Durable)
}

// giveNames gives finished data directories their own names.
func giveNames(ctx context.Context, unfinished, names []string, versionDir string, durable bool) error {
	if durable {
		if err := syncTree(ctx, versionDir); err != nil {
			return fmt.Errorf("localpg: %w", err)
		}
	}
	for i, dir := range unfinished {
		if err := os.Rename(dir, filepath.Join(versionDir, names[i])); err != nil {
			return fmt.Errorf("localpg: %w", err)
		}
	}
	if durable {
		return syncFile(versionDir)
	}
	return nil
}

func absentClusters(root *dataRoot, pg Postgres, names []string) ([]string, error) {
	var absent []string
	for _, name := range names {
		_, err := os.Lstat(root.clusterDir(pg.Major, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			absent = append(absent, name)
		case err != nil:
			return nil, fmt.Errorf("localpg: %w", err)
		}
	}
	return absent, nil
}

// initdb makes a cluster in an empty directory.
func initdb(ctx context.Context, cfg Config, a account, pg Postgres, dir string) error {
	cfg.Progress("initdb")
	if err := a.give(dir); err != nil {
		return fmt.Errorf("localpg: %w", err)
	}
	cmd := exec.CommandContext(ctx, pg.program("initdb"), append([]string{"-D", dir}, initdbArgs...)...)
	cmd.Dir = dir
	cmd.Env = programEnv()
	cmd.SysProcAttr = a.attr()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	// initdb ends after its present step, and the postgres that it runs with it. Killed, that one would leave shared memory
	// behind.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = fastShutdown
	if err := runTied(cmd); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("localpg: initdb failed (%w):\n%s", err, bytes.TrimSpace(out.Bytes()))
	}
	return nil
}

// removeUnfinished removes what an interrupted run left half made. What cannot be removed yet does no harm and stays for
// the next run.
func removeUnfinished(cfg Config, dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, newPrefix+"*")) // the pattern is well formed
	for _, path := range left {
		if err := os.RemoveAll(path); err != nil {
			cfg.Logger.Warn("localpg: left over from an earlier run", "path", path, "err", err)
		}
	}
}
