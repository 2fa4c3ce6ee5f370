package main_test

import (
	"os"
	"strings"
	"testing"
)

func TestTourPlaysOnTheDevServerAndSaysWhereThereIsNone(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	none := func(url, when string) {
		t.Helper()
		out, errs, code := output(t, []string{"LINKSPAN_DATA=" + data, "LINKSPAN_URL=" + url}, "tour")
		if code != 1 || out != "" || !strings.Contains(errs, "make run") || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: exit %d, %q, %q", when, code, out, errs)
		}
	}
	none("http://127.0.0.1:1/graphql", "before the first start")
	server := startDev(t, data)
	out, errs, code := output(t, []string{"LINKSPAN_DATA=" + data, "LINKSPAN_URL=" + server.url}, "tour")
	if code != 0 || errs != "" || !strings.Contains(out, "Try next") || strings.Contains(out, "\x1b") {
		t.Errorf("exit %d, %s\n%s", code, errs, out)
	}
	server.end(os.Interrupt)
	none(server.url, "after the end")
}
