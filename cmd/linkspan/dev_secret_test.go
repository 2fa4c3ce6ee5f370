//go:build long

package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linkspan/internal/server"
)

// The tour plays with it too, and says what to do where there is no server.
func TestDevSignsWithTheSecretThatIsGiven(t *testing.T) {
	t.Parallel()
	const secret = "LINKSPAN_JWT_SECRET=a secret for this test alone, of 32 bytes or more"
	data := dataDir(t)
	noTour := func(url, when string) {
		t.Helper()
		out, errs, code := output(t, []string{"LINKSPAN_DATA=" + data, "LINKSPAN_URL=" + url}, "tour")
		if code != 1 || out != "" || !strings.Contains(errs, "make run") || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: exit %d, %q, %q", when, code, out, errs)
		}
	}
	noTour("http://127.0.0.1:1/graphql", "before the first start")
	d := &dev{t: t, env: []string{"LINKSPAN_DATA=" + data, "LINKSPAN_LISTEN=127.0.0.1:0", secret}}
	d.Cmd = command(t, d.env, "dev")
	d.start()
	if text := <-d.welcome; !strings.Contains(text, "LINKSPAN_JWT_SECRET") || strings.Contains(text, "alone") {
		t.Errorf("it prints %s", text)
	}
	if who := d.query(d.token("ana@acme"), `{ viewer { group { handle } } }`); !strings.Contains(who, `"acme"`) {
		t.Errorf("token: %s", who)
	}
	out, errs, code := output(t, append(d.env, "LINKSPAN_URL="+d.url), "tour")
	if code != 0 || errs != "" || !strings.Contains(out, "Try next") || strings.Contains(out, "\x1b") {
		t.Errorf("tour: exit %d, %s\n%s", code, errs, out)
	}
	claims := server.Claims{Group: "acme", Role: server.RoleAdmin}
	claims.Subject = "ana"
	foreign, err := server.SignToken([]byte("another secret of thirty-two bytes or more"), claims, patience)
	if err != nil {
		t.Fatal(err)
	}
	if refused := d.query(foreign, `{ viewer { group { handle } } }`); !strings.Contains(refused, "token USER@GROUP") {
		t.Errorf("a token of another secret: %s", refused)
	}
	if _, err := os.Stat(filepath.Join(data, "dev.key")); !os.IsNotExist(err) {
		t.Errorf("it made a key too: %v", err)
	}
	d.end(os.Interrupt)
	noTour(d.url, "after the end")
}
