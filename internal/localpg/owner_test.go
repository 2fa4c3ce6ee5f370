package localpg

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestRootOfAnotherUser(t *testing.T) {
	t.Parallel()
	root, err := lockRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := root.unlock(); err != nil {
		t.Fatal(err)
	}
	if err := checkOurs(root.path, os.Geteuid()); err != nil {
		t.Errorf("own root: %v", err)
	}
	if err := checkOurs(root.path, os.Geteuid()+1); !errors.Is(err, ErrOtherOwner) {
		t.Errorf("another user's root: %v, want ErrOtherOwner", err)
	}
}

func TestAccountToDropTo(t *testing.T) {
	t.Parallel()
	a, err := firstAccount("no-such-user", "nobody", "root")
	if err != nil || a.name != "nobody" || a.uid == 0 || !a.drop {
		t.Errorf("account %+v, %v, want nobody", a, err)
	}
	if _, err := firstAccount("no-such-user"); !errors.Is(err, ErrNoAccount) {
		t.Errorf("error %v, want ErrNoAccount", err)
	}
}

// Each user that PostgreSQL is to run as must have a passwd entry, the owner of the data too.
func TestDataOfNobodyKnown(t *testing.T) {
	t.Parallel()
	const stranger = 1<<31 - 7
	dir := t.TempDir()
	if os.Geteuid() != 0 {
		if a, err := runAs([]string{dir}); err != nil || a.drop || a.uid != os.Geteuid() {
			t.Errorf("account %+v, %v, want this user", a, err)
		}
		return
	}
	if err := os.Chown(dir, stranger, -1); err != nil {
		t.Fatal(err)
	}
	_, err := runAs([]string{dir})
	if !errors.Is(err, ErrNoAccount) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "passwd") {
		t.Errorf("error %v, want ErrNoAccount with %s", err, dir)
	}
}

func TestLockSaysWhoHoldsIt(t *testing.T) {
	t.Parallel()
	root, err := lockRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.unlock()
	if pid := lockHolder(root.lock); pid != os.Getpid() {
		t.Errorf("holder %d, want %d", pid, os.Getpid())
	}
}
