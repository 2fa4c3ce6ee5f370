package localpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// SystemDir is where a program that runs as root may keep its data roots, for root's home is closed to other users
// (ErrUnreachable).
const SystemDir = "/var/lib/linkspan"

// checkReach proves that the account can enter a directory. It tries, for only the kernel knows about access control
// lists and the like; the modes of the parents then tell which of them is in the way. PostgreSQL itself would say no more
// than "permission denied".
func checkReach(ctx context.Context, a account, dir string) error {
	if !a.drop {
		return nil
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", ":")
	cmd.Dir = dir
	cmd.Env = programEnv()
	cmd.SysProcAttr = a.attr()
	err := cmd.Run()
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	at := dir
	if closed := firstClosed(a, dir); closed != "" {
		at = closed
	}
	return &problem{kind: ErrUnreachable, cause: err, text: fmt.Sprintf(
		"PostgreSQL runs as user %s here (it refuses to run as root), and %s cannot enter %s, which is on the way to %s: "+
			"choose a directory that every user can reach, such as one below %s, or start Linkspan as an ordinary user",
		a.name, a.name, at, dir, SystemDir)}
}

// firstClosed is the topmost directory on the way to path that modes close to the account, or "".
func firstClosed(a account, path string) string {
	if parent := filepath.Dir(path); parent != path {
		if closed := firstClosed(a, parent); closed != "" {
			return closed
		}
	}
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	pass := fs.FileMode(0o001)
	switch {
	case int(stat.Uid) == a.uid:
		pass = 0o100
	case int(stat.Gid) == a.gid:
		pass = 0o010
	}
	if info.Mode()&pass == 0 {
		return path
	}
	return ""
}
