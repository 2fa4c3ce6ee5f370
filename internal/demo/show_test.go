package demo

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-update writes it): %s", path, diff)
	}
}

// fixed is a scene with nothing that changes from run to run.
func fixed() *scene {
	return &scene{
		url:  "http://127.0.0.1:8080/graphql",
		acme: place{1034, "shard-2"}, globex: place{77, "shard-3"}, lives: place{1034, "shard-2"},
		note: "Shall we plan it together?", acmeName: "launch-7f3a", globexName: "rocket-with-acme-7f3a",
		channel: "chn_06h0n8rgcp76hcbr9tesvjdwjm",
		opened:  pair{2140 * time.Microsecond, 1870 * time.Microsecond}, asking: 4230 * time.Microsecond, arriving: 3910 * time.Microsecond,
		accepting: 12140 * time.Microsecond, linked: pair{5020 * time.Microsecond, 6480 * time.Microsecond},
		read: pair{940 * time.Microsecond, 1010 * time.Microsecond}, looking: 870 * time.Microsecond,
	}
}

// drawn is how a scene looks.
func drawn(t *testing.T, s *scene, width int, color bool) string {
	t.Helper()
	var out bytes.Buffer
	to := newScreen(&out, width, color)
	if err := s.header(to); err != nil {
		t.Fatal(err)
	}
	for _, r := range []row{s.listening(), s.asks(), s.arrives(), s.accepts(), s.hear(), s.same(), s.outsider()} {
		if err := to.row(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.closing(to); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTourLooks(t *testing.T) {
	t.Parallel()
	golden(t, "tour-80.golden", drawn(t, fixed(), 80, false))
	golden(t, "tour-120.golden", drawn(t, fixed(), 120, false))
	golden(t, "tour-80-color.golden", drawn(t, fixed(), 80, true))
}
