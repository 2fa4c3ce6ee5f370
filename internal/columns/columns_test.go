package columns_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkspan/internal/columns"
)

func TestLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 5, nil},
		{"  ", 5, nil},
		{"one two", 7, []string{"one two"}},
		{"one two", 6, []string{"one", "two"}},
		{"  one   two ", 9, []string{"one two"}},
		{"a longest word", 5, []string{"a", "longe", "st", "word"}},
		{"打ち上げ", 5, []string{"打ち", "上げ"}},
		{"打ち", 1, []string{"打", "ち"}},
		{"👩‍🚀👩‍🚀", 3, []string{"👩‍🚀", "👩‍🚀"}},
	} {
		if diff := cmp.Diff(c.want, columns.Lines(c.text, c.width)); diff != "" {
			t.Errorf("%q in %d: %s", c.text, c.width, diff)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text    string
		columns int
		want    string
	}{
		{"", 1, ""},
		{"one", 3, "one"},
		{"one", 2, "o…"},
		{"打ち", 4, "打ち"},
		{"打ち上げ", 4, "打…"},
		{"👩‍🚀👩‍🚀", 3, "👩‍🚀…"},
		{"one", 1, "…"},
	} {
		if got := columns.Cut(c.text, c.columns); got != c.want {
			t.Errorf("%q in %d: %q, not %q", c.text, c.columns, got, c.want)
		}
	}
}
