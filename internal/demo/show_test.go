package demo

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"linkspan/internal/columns"
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
		talk: tourTalk, times: talkTimes{
			following: pair{1320 * time.Microsecond, 1280 * time.Microsecond}, saying: 2310 * time.Microsecond, hearing: 1940 * time.Microsecond,
			alone: 2050 * time.Microsecond, replying: 2270 * time.Microsecond,
			answered: pair{1810 * time.Microsecond, 1790 * time.Microsecond}, reading: pair{1450 * time.Microsecond, 1520 * time.Microsecond},
		},
		circle: circleTimes{
			asking: 3610 * time.Microsecond, accepting: 9870 * time.Microsecond, leaving: 4120 * time.Microsecond,
			heard: pair{3980 * time.Microsecond, 4010 * time.Microsecond},
		},
		approval: approvalScene{
			name: "review-7f3a", wanting: 5310 * time.Microsecond, asking: 6120 * time.Microsecond, waiting: 5870 * time.Microsecond,
			agreeing: 8940 * time.Microsecond, linked: pair{5430 * time.Microsecond, 6210 * time.Microsecond},
		},
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
	for _, r := range []row{
		s.listening(), s.asks(), s.arrives(), s.accepts(), s.hear(), s.same(), s.outsider(),
		s.follows(), s.says(), s.hearsHello(), s.saysAlone(), s.replies(), s.hearReply(), s.readBack(),
		s.asksThird(), s.thirdComes(), s.thirdLeaves(), s.hearThird(),
		s.wantsApproval(), s.asksAgain(), s.memberAccepts(), s.agrees(), s.hearAgreed(),
	} {
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

// wide is a scene with all that makes lines uneven: wide characters, emoji of several runes, combining marks, words
// that are longer than a card, times and clusters of any length.
func wide() *scene {
	s := fixed()
	s.acmeName, s.globexName = "打ち上げ計画-とても長い名前のチャンネル-7f3a", "👩‍🚀🇩🇪 zu\u0308nden-7f3a"
	s.note = "e\u0301\u0301 — " + strings.Repeat("🚀", 40)
	s.acme, s.lives = place{1034, "cluster-in-a-region-with-a-name-that-is-far-too-long"}, place{1034, "クラスター"}
	s.approval.name = strings.Repeat("打ち上げ", 12)
	s.talk.hello, s.talk.alone = strings.Repeat("打ち上げ", 30), "zu\u0308nden "+strings.Repeat("🚀", 40)
	s.asking, s.accepting, s.linked.left = 123456*time.Millisecond, 9*time.Hour, 9*time.Hour
	s.times.hearing, s.times.alone, s.times.reading.left = 9*time.Hour, 9*time.Hour, 9*time.Hour
	return s
}

// escape matches what switches colours.
var escape = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestTourKeepsItsColumns(t *testing.T) {
	t.Parallel()
	golden(t, "tour-80-wide.golden", drawn(t, wide(), 80, false))
	for _, size := range []int{0, 80, 81, 97, 120, 300} {
		for _, s := range []*scene{fixed(), wide()} {
			to := newScreen(nil, size, false)
			rightmost := 1 + to.total()
			for line := range strings.Lines(drawn(t, s, size, false)) {
				line = strings.TrimSuffix(line, "\n")
				if columns.Width(line) > max(size, minWidth)-1 || columns.Width(line) > rightmost {
					t.Errorf("%d columns: %d in %q", size, columns.Width(line), line)
				}
				if strings.HasSuffix(line, "╮") || strings.HasSuffix(line, "╯") || strings.HasSuffix(line, "│") {
					ends := []int{rightmost, 1 + to.column, 1 + to.column + to.gutter + hook + 1}
					if !slices.Contains(ends, columns.Width(line)) && columns.Width(line) != 1+hook+1 {
						t.Errorf("%d columns: a frame ends at %d in %q", size, columns.Width(line), line)
					}
				}
			}
		}
	}
}

func TestTourShowsTheSameWithoutColors(t *testing.T) {
	t.Parallel()
	for _, s := range []*scene{fixed(), wide()} {
		var trimmed strings.Builder
		for line := range strings.Lines(escape.ReplaceAllString(drawn(t, s, 80, true), "")) {
			trimmed.WriteString(strings.TrimRight(line, " \n") + "\n")
		}
		if diff := cmp.Diff(drawn(t, s, 80, false), trimmed.String()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestTourSendsWhatTheSchemaKnows(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range []string{tourHome, tourInbox, tourCreate, tourAccept, tourRevoke, tourNode, tourFollow, tourPost, tourRead, tourInvite, tourLeave, tourApprove, tourReadPolicy, tourSetPolicy} {
		if _, errs := gqlparser.LoadQueryWithRules(schema, document, nil); len(errs) > 0 {
			t.Errorf("%v in %s", errs, document)
		}
	}
}
