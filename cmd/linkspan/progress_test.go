package main

import (
	"bytes"
	"testing"
)

func TestProgressLeavesTheLineToWhatFollows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		terminal bool
		play     func(*progress)
		want     string
	}{
		"it went wrong":     {true, func(p *progress) { p.step("a"); p.step("b"); p.end() }, "\r\033[Kstarting: a ...\r\033[Kstarting: b ...\n"},
		"it went well":      {true, func(p *progress) { p.step("a"); p.done(); p.end() }, "\r\033[Kstarting: a ...\r\033[K"},
		"before a step":     {true, func(p *progress) { p.end() }, ""},
		"a note in between": {true, func(p *progress) { p.step("a"); p.note("n"); p.end() }, "\r\033[Kstarting: a ...\r\033[Kn\n"},
		"no terminal":       {false, func(p *progress) { p.step("a"); p.note("n"); p.end() }, "starting: a\nn\n"},
	} {
		var out bytes.Buffer
		c.play(&progress{out: &out, terminal: c.terminal})
		if out.String() != c.want {
			t.Errorf("%s: %q, want %q", name, out.String(), c.want)
		}
	}
}
