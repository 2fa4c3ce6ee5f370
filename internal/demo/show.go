package demo

import (
	"fmt"
	"io"
	"strings"
	"time"

	"linkspan/internal/columns"
)

const (
	minWidth = 80
	maxWidth = 120
	// hook is how far from a card's left edge a line leaves its bottom, or an arrow meets its top.
	hook = 6
)

// side is a column of the screen, or what spans both.
type side int

const (
	nowhere side = iota
	left
	right
	third
)

func (s side) ink() ink {
	switch s {
	case left:
		return inkLeft
	case right:
		return inkRight
	}
	return inkThird
}

// card is one step on one side.
type card struct {
	number int
	title  string
	took   string // how long it took, or how long after another step it came
	where  string // the clusters that it needed
	lines  []text
}

// row is what is shown at once: a card on one side, one on each, or one across both.
type row struct {
	left, right, third *card
	// comes is the line that comes from the row before, goes the side from which one goes on to the next row.
	comes line
	goes  side
}

// line is how a row hangs together with the one before.
type line int

const (
	unrelated line = iota
	across         // from the left side's card to the right side's
	toBoth         // from the right side's card to those of both
)

// screen prints the tour: two columns of cards with lines between them. All its lines have the same width at most, in
// columns of a terminal, and the same content whether they are coloured or not.
type screen struct {
	painter
	out    io.Writer
	column int // the width of a card on one side
	gutter int // between the columns
}

func newScreen(out io.Writer, width int, color bool) *screen {
	width = min(max(width, minWidth), maxWidth)
	gutter := 6 + (width-minWidth)/20
	return &screen{painter: painter{color}, out: out, gutter: gutter, column: (width - 2 - gutter) / 2}
}

// total is the width of both columns and what is between them.
func (s *screen) total() int { return 2*s.column + s.gutter }

func (s *screen) println(line string) error {
	_, err := io.WriteString(s.out, strings.TrimRight(" "+line, " ")+"\n")
	return err
}

// lines prints lines until one can't be printed.
func (s *screen) lines(lines ...string) error {
	for _, line := range lines {
		if err := s.println(line); err != nil {
			return err
		}
	}
	return nil
}

// header prints what the tour is about and who is on which side.
func (s *screen) header(title, subtitle string, leftName, leftAbout, rightName, rightAbout string) error {
	subtitle = columns.Cut(subtitle, s.total()-columns.Width(title)-2)
	between := strings.Repeat(" ", s.total()-columns.Width(title)-columns.Width(subtitle))
	gutter := strings.Repeat(" ", s.gutter)
	both := func(l string, li ink, r string, ri ink) string {
		l, r = columns.Cut(l, s.column), columns.Cut(r, s.column)
		return s.paint(l, li) + strings.Repeat(" ", s.column-columns.Width(l)) + gutter + s.paint(r, ri)
	}
	rule := strings.Repeat("━", s.column)
	return s.lines("",
		s.paint(title, inkStrong)+between+s.paint(subtitle, inkDim), "",
		both(leftName, inkLeftly, rightName, inkRightly),
		both(leftAbout, inkDim, rightAbout, inkDim),
		both(rule, inkLeft, rule, inkRight))
}

// row prints a row.
func (s *screen) row(r row) error {
	var l, gutter, rt []string
	switch {
	case r.third != nil:
		return s.lines(s.card(*r.third, third, s.total(), 0, false)...)
	case r.left != nil && r.right != nil:
		if r.comes == toBoth {
			if err := s.lines(s.fork()...); err != nil {
				return err
			}
		}
		height := max(s.body(*r.left), s.body(*r.right))
		l = s.card(*r.left, left, s.column, height, r.goes == left)
		rt = s.card(*r.right, right, s.column, height, r.goes == right)
	case r.left != nil:
		l = s.card(*r.left, left, s.column, 0, r.goes == left)
	default:
		rt = s.card(*r.right, right, s.column, 0, r.goes == right)
		if r.comes == across {
			l, gutter = s.reach()
		}
	}
	for i := range max(len(l), len(rt)) {
		if err := s.println(at(l, i, s.column) + at(gutter, i, s.gutter) + at(rt, i, s.column)); err != nil {
			return err
		}
	}
	return nil
}

// at is a line of a block, or spaces where the block has none.
func at(block []string, i, width int) string {
	if i < len(block) && block[i] != "" {
		return block[i]
	}
	return strings.Repeat(" ", width)
}

// body is the number of lines inside a card of a column.
func (s *screen) body(c card) (lines int) {
	for _, t := range c.lines {
		lines += len(t.wrap(s.column - 4))
	}
	return lines
}

// card draws a frame, number, title and time in its top, the clusters in its bottom, around at least height lines.
func (s *screen) card(c card, on side, wide, height int, goes bool) []string {
	frame, inner := on.ink(), wide-4
	took := columns.Cut(c.took, inner/2)
	title := columns.Cut(fmt.Sprint(c.number, " ", c.title), wide-columns.Width(took)-7)
	room := wide - columns.Width(title) - columns.Width(took) - 6
	between := strings.Repeat(" ", room)
	if room > 2 {
		between = " " + strings.Repeat("─", room-2) + " "
	}
	drawn := []string{s.paint("╭─ ", frame) + s.paint(title, inkStrong) + s.paint(between, frame) +
		s.paint(took, inkTook) + s.paint(" ─╮", frame)}
	var body [][]cell
	for _, t := range c.lines {
		body = append(body, t.wrap(inner)...)
	}
	for len(body) < height {
		body = append(body, nil)
	}
	for _, line := range body {
		drawn = append(drawn, s.paint("│ ", frame)+s.line(line, inner)+s.paint(" │", frame))
	}
	where := columns.Cut(c.where, wide-hook-5)
	foot := []rune(strings.Repeat("─", wide-columns.Width(where)-5))
	if goes {
		foot[hook-1] = '┬'
	}
	return append(drawn, s.paint("╰"+string(foot)+" ", frame)+s.paint(where, inkDim)+s.paint(" ─╯", frame))
}

// reach draws, beside the right side's card, the line that leads to it from the left: the column's part, the gutter's.
func (s *screen) reach() (column, gutter []string) {
	indent, rest := strings.Repeat(" ", hook), s.column-hook-1
	return []string{
		s.paint(indent+"│", inkLeft) + strings.Repeat(" ", rest),
		s.paint(indent+"╰"+strings.Repeat("─", rest), inkLeft),
	}, []string{"", s.paint(strings.Repeat("─", s.gutter-2)+"▶ ", inkLeft)}
}

// fork draws, above a row of two cards, the line that leads to both from the right side.
func (s *screen) fork() []string {
	indent, between := strings.Repeat(" ", hook), s.column+s.gutter-1
	return []string{
		s.paint(indent+"╭"+strings.Repeat("─", between)+"┤", inkRight),
		s.paint(indent+"▼"+strings.Repeat(" ", between)+"▼", inkRight),
	}
}

// ms shows a duration in milliseconds, with tenths where they tell something.
func ms(d time.Duration) string {
	millis := float64(d) / float64(time.Millisecond)
	if millis < 100 {
		return fmt.Sprintf("%.1f ms", millis)
	}
	return fmt.Sprintf("%.0f ms", millis)
}
