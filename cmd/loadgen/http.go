package main

import (
	"context"
	"os"
	"time"

	"linkspan/internal/load"
)

// httpCmd sends requests in a closed loop.
type httpCmd struct {
	commonFlags
	sendFlags
	Connections int           `default:"32" env:"LOADGEN_CONNECTIONS" help:"How many connections ask, one request each at a time."`
	WarmUp      time.Duration `default:"1s" env:"LOADGEN_WARM_UP" help:"How long it goes on before it counts."`
	For         time.Duration `default:"8s" env:"LOADGEN_FOR" help:"How long it counts."`
}

// Help is shown below the flags.
func (httpCmd) Help() string {
	return `Each connection waits for its answer before it asks again. It tells how many
requests a second got a good answer, after how long, and what CPU the server and
Postgres took for each. Answers that are not good make it end with exit code 1.

` + placesHelp
}

// Run implements the command.
func (c *httpCmd) Run(ctx context.Context) error {
	call, err := c.call(c.sendFlags, c.Connections)
	if err != nil {
		return err
	}
	processes, err := c.processes()
	if err != nil {
		return err
	}
	found, err := load.HTTP(ctx, load.HTTPConfig{Call: call, Connections: c.Connections, WarmUp: c.WarmUp, For: c.For, Processes: processes})
	return tell(os.Stdout, found, c.JSON, err)
}
