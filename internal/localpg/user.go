package localpg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// account is the user that PostgreSQL runs as.
type account struct {
	name     string
	uid, gid int
	// drop says that this program is root and starts PostgreSQL's programs as the account.
	drop bool
}

// runAs picks the account. PostgreSQL refuses to run as root, so root drops to the owner of the data that is there
// already, if any, and else to "postgres" or "nobody". PostgreSQL needs a name for its user id, so each must have a
// passwd entry.
func runAs(data []string) (account, error) {
	uid := os.Geteuid()
	if uid != 0 {
		return account{name: strconv.Itoa(uid), uid: uid, gid: os.Getegid()}, nil
	}
	for _, dir := range data {
		owner, err := ownerOf(dir)
		if err != nil {
			return account{}, err
		}
		if owner == 0 {
			continue // not PostgreSQL's: it refuses such data itself
		}
		u, err := user.LookupId(strconv.Itoa(owner))
		if err != nil {
			return account{}, &problem{kind: ErrNoAccount, cause: err, text: fmt.Sprintf(
				"%s belongs to user id %d, which has no passwd entry, and PostgreSQL needs one: "+
					"add it or give the directory to the user postgres", dir, owner)}
		}
		return dropTo(u)
	}
	return firstAccount("postgres", "nobody")
}

// firstAccount is the first of the users that exists.
func firstAccount(names ...string) (account, error) {
	for _, name := range names {
		if u, err := user.Lookup(name); err == nil {
			return dropTo(u)
		}
	}
	return account{}, &problem{kind: ErrNoAccount, text: fmt.Sprintf(
		"PostgreSQL does not run as root, and this system has no user %s to run it as: add one (useradd --system postgres) "+
			"or start Linkspan as an ordinary user", strings.Join(names, " or "))}
}

func dropTo(u *user.User) (account, error) {
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return account{}, fmt.Errorf("localpg: user %s: %w", u.Username, err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return account{}, fmt.Errorf("localpg: user %s: %w", u.Username, err)
	}
	return account{name: u.Username, uid: uid, gid: gid, drop: true}, nil
}

// attr is how a program is started as the account: in a process group of its own, so that Ctrl-C in a terminal reaches
// this program alone, and without any of root's groups.
func (a account) attr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a.drop {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}

// give makes a new, still private directory or file the account's.
func (a account) give(path string) error {
	if !a.drop {
		return nil
	}
	return os.Lchown(path, a.uid, a.gid)
}

// sharedDirMode is the mode of a directory that this program writes and the account passes through.
func (a account) sharedDirMode() fs.FileMode {
	if a.drop {
		return 0o711
	}
	return 0o700
}

func ownerOf(path string) (int, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, errors.New("localpg: no owner known for " + path)
	}
	return int(stat.Uid), nil
}
