// Command linkspan is a GraphQL API for channels shared between organisations. This package is the only place that
// knows all rooms of the house: it joins them and hands them their configuration.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the command line. Each command has a file of its own.
type cli struct {
	Dev     devCmd     `cmd:"" help:"Bring up local clusters with demo data and serve on them."`
	Serve   serveCmd   `cmd:"" help:"Serve on given clusters."`
	Migrate migrateCmd `cmd:"" help:"Bring every cluster to the newest schema."`
	Check   checkCmd   `cmd:"" help:"Report every breach of an invariant, on all clusters."`
	Audit   auditCmd   `cmd:"" help:"Verify the audits of groups, or write one out."`
	Token   tokenCmd   `cmd:"" help:"Print a signed token for a user, or for an operator."`
	Listen  listenCmd  `cmd:"" help:"Listen for invitations and print each with its cursor."`
	Tour    tourCmd    `cmd:"" help:"Play the main job on the running dev server, to watch."`
}

const description = `Channels shared between organisations, over GraphQL, on plain Postgres.

Try this, and the second in another terminal:

  bin/linkspan dev
  bin/linkspan tour

Every flag has an environment variable. Secrets (DSNs, keys, tokens) come from the environment alone.`

func main() { os.Exit(run()) }

// run runs the command that was asked for and returns the exit code.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	parser := newParser(new(cli), kong.BindTo(ctx, (*context.Context)(nil)))
	parsed, err := parser.Parse(asked(os.Args[1:]))
	if err != nil {
		return misused(parser, err)
	}
	err = parsed.Run()
	if err == nil {
		return 0
	}
	if !errors.Is(err, errSaid) {
		fmt.Fprintln(os.Stderr, "linkspan:", err)
	}
	return 1
}

func newParser(commands *cli, options ...kong.Option) *kong.Kong {
	return kong.Must(commands, append(options, kong.Name(os.Args[0]), kong.Description(description))...)
}

// asked is what the arguments ask for: without any, and as `help` or `help COMMAND`, help.
func asked(arguments []string) []string {
	switch {
	case len(arguments) == 0:
		return []string{"--help"}
	case arguments[0] == "help":
		return append(slices.Clone(arguments[1:]), "--help")
	}
	return arguments
}

// misused says what is wrong with the arguments, and where help is, and returns the exit code.
func misused(parser *kong.Kong, err error) int {
	help, code := parser.Model.Name, 1
	if wrong := (*kong.ParseError)(nil); errors.As(err, &wrong) {
		if command := wrong.Context.Selected(); command != nil {
			help = command.FullPath()
		}
		code = wrong.ExitCode()
	}
	fmt.Fprintf(os.Stderr, "linkspan: %v; `%s --help` says what there is\n", err, help)
	return code
}

// errSaid ends a command whose own output has said what is wrong.
var errSaid = errors.New("said already")
