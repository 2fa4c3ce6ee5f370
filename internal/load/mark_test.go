package load

import (
	"strings"
	"testing"
)

func TestMarksAreFound(t *testing.T) {
	t.Parallel()
	for _, m := range []mark{{}, {1, 2, 3}, {1795000000000000000, 32, 1_000_000}} {
		text := append(m.append([]byte(`{"body":"`)), ` mark:1:2:3:"}`...)
		if got, found := findMark(text); !found || got != m {
			t.Errorf("of %s: %v, %v", text, got, found)
		}
	}
	for _, text := range []string{"", "mark:", "mark:1:2:3", "mark:1:2:", "mark:1:x:3:", "mark::2:3:", "mark: 1:2:3:", "Mark:1:2:3:"} {
		if got, found := findMark([]byte(text)); found {
			t.Errorf("in %q: %v", text, got)
		}
	}
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	tmpl, err := parseTemplate(`{"to":"{{channel}}","body":"{{mark}} {{n}} of {{writer}}, {x}"}`, []string{"c1"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(tmpl.append(nil, mark{5, 2, 7})), `{"to":"c1","body":"mark:5:2:7: 7 of 2, {x}"}`; got != want {
		t.Errorf("got %s, not %s", got, want)
	}
	if got := string(tmpl.append([]byte("before "), mark{})); !strings.HasPrefix(got, `before {"to"`) {
		t.Errorf("got %s", got)
	}
}
