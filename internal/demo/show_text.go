package demo

import (
	"strings"

	"linkspan/internal/columns"
)

// ink is how a piece of text is printed where there is colour. The palette is the terminal's own sixteen colours, which
// fit its background whatever that is.
type ink int

const (
	inkPlain ink = iota
	inkDim
	inkStrong
	inkTook   // how long something took
	inkLeft   // the frame of the left side
	inkRight  // the frame of the right side
	inkThird  // the frame of somebody else
	inkLeftly // what the left side calls things
	inkRightly
)

var sgr = map[ink]string{
	inkDim: "2", inkStrong: "1", inkTook: "32",
	inkLeft: "36", inkRight: "35", inkThird: "33",
	inkLeftly: "1;36", inkRightly: "1;35",
}

// span is a piece of text in one ink, a text is a run of them.
type (
	span struct {
		text string
		ink  ink
	}
	text []span
)

// plain makes a text of one ink.
func plain(s string) text { return text{{s, inkPlain}} }

// and appends in an ink.
func (t text) and(s string, in ink) text { return append(t[:len(t):len(t)], span{s, in}) }

// cell is what a reader takes for one character.
type cell = columns.Cell[ink]

// wrap breaks a text into lines of at most width columns.
func (t text) wrap(width int) [][]cell {
	var cells []cell
	for _, span := range t {
		cells = append(cells, columns.Cells(span.text, span.ink)...)
	}
	return columns.Wrap(cells, width)
}

// painter prints inks, or leaves them away.
type painter struct{ color bool }

func (p painter) paint(s string, in ink) string {
	if code := sgr[in]; p.color && code != "" && s != "" {
		return "\x1b[" + code + "m" + s + "\x1b[0m"
	}
	return s
}

// line prints cells and fills up to width columns.
func (p painter) line(cells []cell, width int) string {
	var out strings.Builder
	for i := 0; i < len(cells); {
		var run strings.Builder
		in := cells[i].Mark
		for ; i < len(cells) && cells[i].Mark == in; i++ {
			run.WriteString(cells[i].Text)
		}
		out.WriteString(p.paint(run.String(), in))
	}
	out.WriteString(strings.Repeat(" ", max(0, width-columns.WidthOf(cells))))
	return out.String()
}
