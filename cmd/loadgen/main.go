// Command loadgen puts a server of this machine under load and tells what it took: see internal/load. It knows Linkspan's
// operations by clients/operations.graphql, and any other server by the bodies that it is given.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"linkspan/internal/columns"
)

// cli is the command line. Each command has a file of its own.
type cli struct {
	HTTP   httpCmd     `cmd:"" name:"http" help:"Send requests in a closed loop."`
	FanOut fanOutCmd   `cmd:"" name:"fanout" help:"Send one event after the other to many subscribers."`
	E2E    endToEndCmd `cmd:"" name:"e2e" help:"Post, and have subscribers read: the delay, and what was lost."`
	Mixed  mixedCmd    `cmd:"" help:"Do everything at once for half an hour: whether the server stays as it is."`
}

const description = `Load for a server on this machine, and what it took: beside bin/linkspan dev,

  bin/loadgen http --as ana@acme --channel chn_…

posts to a channel, whose id bin/linkspan tour shows. Every flag has an
environment variable; secrets come from the environment alone. Only ratios of
runs that take turns mean something.`

func main() { os.Exit(run()) }

// run runs the command that was asked for and returns the exit code.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	parser := kong.Must(new(cli), kong.Name(os.Args[0]), kong.Description(description), kong.BindTo(ctx, (*context.Context)(nil)))
	arguments := os.Args[1:]
	if len(arguments) == 0 {
		arguments = []string{"--help"}
	}
	parsed, err := parser.Parse(arguments)
	if err != nil {
		fmt.Fprintf(os.Stderr, "loadgen: %v; `%s --help` says what there is\n", err, os.Args[0])
		return 1
	}
	if err := parsed.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "loadgen:", err)
		return 1
	}
	return 0
}

// result is what a run found.
type result interface {
	Table() [][]string
	Check() error
}

// tell prints a result, as a table or as JSON. The error is what is wrong with it, beside what went wrong in the run.
func tell(out io.Writer, found result, asJSON bool, failed error) error {
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		failed = errors.Join(failed, encoder.Encode(found))
	} else if _, err := io.WriteString(out, columns.Table(found.Table())); err != nil {
		failed = errors.Join(failed, err)
	}
	return errors.Join(failed, found.Check())
}
