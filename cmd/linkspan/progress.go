package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// progress tells how far a command is: on a terminal one line that changes, elsewhere a line a step.
type progress struct {
	out      io.Writer
	terminal bool
	open     bool // whether a line is shown that is to change
}

func newProgress(out *os.File) *progress {
	return &progress{out: out, terminal: term.IsTerminal(int(out.Fd()))}
}

func (p *progress) step(step string) {
	if p.terminal {
		p.change("starting: " + step + " ...")
		return
	}
	fmt.Fprintln(p.out, "starting:", step)
}

// change shows a text in the line that changes.
func (p *progress) change(text string) {
	fmt.Fprint(p.out, "\r\033[K", text)
	p.open = true
}

// note prints a line that stays.
func (p *progress) note(text string) {
	p.done()
	fmt.Fprintln(p.out, text)
}

// done takes away the line that changes.
func (p *progress) done() {
	if p.open {
		fmt.Fprint(p.out, "\r\033[K")
	}
	p.open = false
}

// end leaves the line that changes as it is, so that what went wrong then can be told below it.
func (p *progress) end() {
	if p.open {
		fmt.Fprintln(p.out)
	}
	p.open = false
}
