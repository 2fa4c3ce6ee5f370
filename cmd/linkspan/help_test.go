package main_test

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestHelp asks for help in each way that a newcomer tries.
func TestHelp(t *testing.T) {
	t.Parallel()
	bin, err := linkspan()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		asked []string
		want  string
	}{
		{nil, "bin/linkspan tour"},
		{[]string{"help"}, "bin/linkspan tour"},
		{[]string{"--help"}, "bin/linkspan tour"},
		{[]string{"help", "token"}, "--operator"},
		{[]string{"help", "dev"}, "127.0.0.1:8081"},
		{[]string{"serve", "-h"}, "OTEL_EXPORTER_OTLP_ENDPOINT"},
		{[]string{"help", "check"}, "LINKSPAN_CHECK_JSON"},
		{[]string{"help", "audit"}, "audit export"},
		{[]string{"help", "audit", "verify"}, "LINKSPAN_AUDIT_EXPORT"},
		{[]string{"audit", "export", "--help"}, "LINKSPAN_AUDIT_AFTER"},
		{[]string{"help", "listen"}, "LINKSPAN_LISTEN_JSON"},
		{[]string{"help", "tour"}, "again"},
		{[]string{"help", "migrate"}, "at once"},
	} {
		stdout, stderr, code := output(t, nil, c.asked...)
		if code != 0 || stderr != "" || !strings.Contains(stdout, c.want) {
			t.Errorf("%q: exit code %d, %s, %s", c.asked, code, stdout, stderr)
		}
		for line := range strings.Lines(stdout) {
			if width := utf8.RuneCountInString(strings.TrimRight(line, "\n")); width > 80 && !strings.Contains(line, bin) {
				t.Errorf("%q: a line of %d columns: %s", c.asked, width, line)
			}
		}
	}
}

// TestMisuseSaysWhereHelpIs calls the program wrongly: it says what is wrong and where help is, in one line.
func TestMisuseSaysWhereHelpIs(t *testing.T) {
	t.Parallel()
	bin, err := linkspan()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ asked, wrong, help string }{
		{"nope", "unexpected argument nope", bin + " --help"},
		{"help nope", "unexpected argument nope", bin + " --help"},
		{"--nope", "unknown flag --nope", bin + " --help"},
		{"token --nope", "unknown flag --nope", bin + " token --help"},
		{"audit verify --nope", "unknown flag --nope", bin + " audit verify --help"},
		{"serve --rate=many", "--rate", bin + " serve --help"},
	} {
		stdout, stderr, code := output(t, nil, strings.Fields(c.asked)...)
		if code == 0 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "linkspan: ") ||
			!strings.Contains(stderr, c.wrong) || !strings.HasSuffix(stderr, "; `"+c.help+"` says what there is\n") {
			t.Errorf("%s: exit code %d, %s, %s", c.asked, code, stdout, stderr)
		}
	}
}
