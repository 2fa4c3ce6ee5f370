package main_test

import (
	"slices"
	"strings"
	"testing"

	"linkspan/internal/localpg/localpgtest"
)

// nowhere is a DSN where nobody listens, with a password that nobody may see.
const nowhere = "postgres://u:secret@127.0.0.1:1,127.0.0.1:2/db"

func TestMigrateTellsOfEachClusterInALine(t *testing.T) {
	t.Parallel()
	env := []string{
		"LINKSPAN_MAIN_DSN=" + localpgtest.Database(t), "LINKSPAN_JWT_SECRET=0123456789abcdef0123456789abcdef",
		"LINKSPAN_LISTEN=127.0.0.1:0",
	}
	shard := "LINKSPAN_SHARD_DSNS=shard-1=" + localpgtest.Database(t)

	_, errs, code := output(t, append(env, shard), "serve")
	if code != 1 || !strings.HasSuffix(errs, "linkspan: cluster main is not set up: run `bin/linkspan migrate` first\n") {
		t.Errorf("serve before migrate: exit %d, %s", code, errs)
	}
	out, errs, code := output(t, append(env, shard+",shard-2="+nowhere+",shard-3="+nowhere), "migrate")
	if code != 1 || !strings.Contains(out, "main     at version ") || !strings.Contains(out, "shard-1  at version ") {
		t.Errorf("exit %d, %s", code, out)
	}
	want := "linkspan: 2 of 4 clusters can't be migrated; mend them and run it again:\n"
	for _, name := range []string{"shard-2", "shard-3"} {
		want += "  cluster " + name + " can't be reached (127.0.0.1:1: connection refused): is it running, " +
			"and does LINKSPAN_SHARD_DSNS lead to it?\n"
	}
	if errs != want {
		t.Errorf("got %s, want %s", errs, want)
	}
	if out, errs, code := output(t, append(env, shard), "migrate"); code != 0 || errs != "" || !strings.Contains(out, "(0 applied)") {
		t.Errorf("without them: exit %d, %s\n%s", code, errs, out)
	}

	// An installation that lost its main database.
	lost := slices.Concat(env, []string{"LINKSPAN_MAIN_DSN=" + nowhere, shard}) // the last of two counts
	for _, args := range [][]string{{"serve"}, {"serve", "--migrate"}, {"migrate"}} {
		_, errs, code := output(t, lost, args...)
		lines := strings.Split(strings.TrimSpace(errs), "\n")
		if last := lines[len(lines)-1]; code != 1 || !strings.Contains(last, "LINKSPAN_MAIN_DSN") || !strings.Contains(last, "connection refused") {
			t.Errorf("%v: exit %d, %s", args, code, errs)
		}
		if strings.Contains(errs, "secret") {
			t.Errorf("%v shows the password: %s", args, errs)
		}
	}
}

func TestServeRefusesSettingsThatCanNotWork(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env  []string
		want string
	}{
		"no secret":     {nil, "LINKSPAN_JWT_SECRET is not set"},
		"short secret":  {[]string{"LINKSPAN_JWT_SECRET=secret"}, "LINKSPAN_JWT_SECRET has 6 bytes"},
		"no time":       {[]string{"LINKSPAN_INVITATION_TTL=0"}, "LINKSPAN_INVITATION_TTL"},
		"negative age":  {[]string{"LINKSPAN_LOG_RETENTION=-1h"}, "LINKSPAN_LOG_RETENTION"},
		"negative time": {[]string{"LINKSPAN_INVITATION_TTL=-336h"}, "LINKSPAN_INVITATION_TTL"},
		"no pool":       {[]string{"LINKSPAN_POOL_SIZE=-1"}, "LINKSPAN_POOL_SIZE"},
	} {
		out, errs, code := output(t, test.env, "serve")
		if code == 0 || out != "" || !strings.Contains(errs, test.want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: exit %d, %q, %q", name, code, out, errs)
		}
	}
}
