package localpg

import (
	"errors"
	"os"
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
