package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"linkspan/internal/audit"
)

// auditExportCmd writes a group's audit to stdout.
type auditExportCmd struct {
	Group string `required:"" placeholder:"HANDLE" env:"LINKSPAN_AUDIT_GROUP" help:"The group."`
	After int32  `default:"0" env:"LINKSPAN_AUDIT_AFTER" help:"Only entries behind that number: the last of an export that is to go on."`
	Data  string `default:".linkspan" env:"LINKSPAN_DATA" help:"Where the dev server's data is: its clusters are read, unless LINKSPAN_MAIN_DSN names others."`
}

// Help is shown below the flags.
func (auditExportCmd) Help() string {
	return `A line is a JSON object: number, previous and hash (in hex), and the entry, whose very bytes are hashed: hash is the SHA-256 of the 32
bytes of previous, followed by those of the entry. Keep it where nobody can change it who can change the database.

  bin/linkspan audit export --group acme > acme.ndjson
  bin/linkspan audit export --group acme --after 1000 >> acme.ndjson
  bin/linkspan audit verify --export acme.ndjson

The clusters come from the environment alone: LINKSPAN_MAIN_DSN and LINKSPAN_SHARD_DSNS (name=dsn,name=dsn). Without them
those of a running ` + "`bin/linkspan dev`" + ` are read.`
}

// Run implements the command.
func (c *auditExportCmd) Run(ctx context.Context) error {
	if c.After < 0 {
		return errors.New("--after must not be negative: 0 is all")
	}
	router, err := openToRead(ctx, c.Data)
	if err != nil {
		return err
	}
	defer router.Close()
	bar, entries := newProgress(os.Stderr), 0
	err = audit.Export(ctx, router, c.Group, c.After, os.Stdout, func(wrote int) {
		if entries += wrote; bar.terminal {
			bar.change(fmt.Sprintf("exporting %s: %d entries", c.Group, entries))
		}
	})
	bar.done()
	if ctx.Err() != nil {
		return errSaid // it was ended; whoever did knows
	}
	if err == nil {
		fmt.Fprintf(os.Stderr, "exported %s: %d entries\n", c.Group, entries)
	}
	return inALine(err)
}
