// Package columns lays text out in the columns of a terminal, where a character may take two or none. What a reader takes
// for one character stays whole.
package columns

import (
	"strings"

	"github.com/rivo/uniseg"
)

// Width is the number of columns that a string takes.
func Width(s string) int { return uniseg.StringWidth(s) }

// Cell is what a reader takes for one character, with a mark of the caller's.
type Cell[M any] struct {
	Text  string
	Width int
	Mark  M
}

// Cells splits a string into cells that all have that mark.
func Cells[M any](s string, mark M) (cells []Cell[M]) {
	for state := -1; s != ""; {
		c := Cell[M]{Mark: mark}
		c.Text, s, c.Width, state = uniseg.FirstGraphemeClusterInString(s, state)
		cells = append(cells, c)
	}
	return cells
}

// WidthOf is the number of columns that cells take.
func WidthOf[M any](cells []Cell[M]) (sum int) {
	for _, c := range cells {
		sum += c.Width
	}
	return sum
}

// Wrap breaks cells into lines of at most width columns: at spaces, and within words that are longer than a line. A cell
// that is wider than that has a line of its own.
func Wrap[M any](cells []Cell[M], width int) (lines [][]Cell[M]) {
	var line, word []Cell[M]
	put := func() {
		switch used := WidthOf(line); {
		case used == 0:
			line = word
		case used+1+WidthOf(word) <= width:
			line = append(append(line, Cell[M]{" ", 1, word[0].Mark}), word...)
		default:
			lines, line = append(lines, line), word
		}
		for WidthOf(line) > width {
			cut := 0
			for used := line[0].Width; used <= width; used += line[cut].Width {
				cut++
			}
			cut = max(cut, 1) // a cell that is wider than the line
			lines, line = append(lines, line[:cut:cut]), line[cut:]
		}
		word = nil
	}
	for _, c := range cells {
		if c.Text != " " {
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

// Lines breaks a string as [Wrap] does.
func Lines(s string, width int) (lines []string) {
	for _, cells := range Wrap(Cells(s, struct{}{}), width) {
		var line strings.Builder
		for _, c := range cells {
			line.WriteString(c.Text)
		}
		lines = append(lines, line.String())
	}
	return lines
}

// Cut shortens a string to at most that many columns, with … where something is missing.
func Cut(s string, columns int) string {
	if Width(s) <= columns {
		return s
	}
	var short strings.Builder
	used := 0
	for _, c := range Cells(s, struct{}{}) {
		if used+c.Width > columns-1 {
			break
		}
		short.WriteString(c.Text)
		used += c.Width
	}
	return short.String() + "…"
}
