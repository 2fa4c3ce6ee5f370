package demo

import (
	"strings"

	"github.com/rivo/uniseg"
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

// width is the number of a terminal's columns that a string takes.
func width(s string) int { return uniseg.StringWidth(s) }

// cell is what a reader takes for one character.
type cell struct {
	cluster string
	width   int
	ink     ink
}

func (t text) cells() (cells []cell) {
	for _, span := range t {
		state, rest := -1, span.text
		for rest != "" {
			var c cell
			c.cluster, rest, c.width, state = uniseg.FirstGraphemeClusterInString(rest, state)
			c.ink = span.ink
			cells = append(cells, c)
		}
	}
	return cells
}

func widthOf(cells []cell) (sum int) {
	for _, c := range cells {
		sum += c.width
	}
	return sum
}

// wrap breaks a text into lines of at most width columns: at spaces, and within words that are longer than a line.
func (t text) wrap(width int) (lines [][]cell) {
	var line, word []cell
	put := func() {
		switch used := widthOf(line); {
		case used == 0:
			line = word
		case used+1+widthOf(word) <= width:
			line = append(append(line, cell{" ", 1, word[0].ink}), word...)
		default:
			lines, line = append(lines, line), word
		}
		for widthOf(line) > width {
			cut := 0
			for used := line[0].width; used <= width; used += line[cut].width {
				cut++
			}
			cut = max(cut, 1) // a cell that is wider than the line
			lines, line = append(lines, line[:cut:cut]), line[cut:]
		}
		word = nil
	}
	for _, c := range t.cells() {
		if c.cluster != " " {
			word = append(word, c)
		} else if len(word) > 0 {
			put()
		}
	}
	if len(word) > 0 {
		put()
	}
	if len(line) > 0 {
		lines = append(lines, line)
	}
	return lines
}

// cut shortens a string to at most columns, with … where something is missing.
func cut(s string, columns int) string {
	if width(s) <= columns {
		return s
	}
	var short strings.Builder
	used := 0
	for _, c := range plain(s).cells() {
		if used+c.width > columns-1 {
			break
		}
		short.WriteString(c.cluster)
		used += c.width
	}
	return short.String() + "…"
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
		in := cells[i].ink
		for ; i < len(cells) && cells[i].ink == in; i++ {
			run.WriteString(cells[i].cluster)
		}
		out.WriteString(p.paint(run.String(), in))
	}
	out.WriteString(strings.Repeat(" ", max(0, width-widthOf(cells))))
	return out.String()
}
