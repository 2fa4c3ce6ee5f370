package main

import (
	"context"
	"os"
	"time"

	"linkspan/internal/load"
)

// fanOutCmd sends one event after the other to many subscribers.
type fanOutCmd struct {
	commonFlags
	sendFlags
	subscribeFlags
	Subscribers int           `default:"1000" env:"LOADGEN_SUBSCRIBERS" help:"How many subscribe, each over a WebSocket of its own and as a user of its own."`
	Events      int           `default:"20" env:"LOADGEN_EVENTS" help:"How many events are measured, behind one to warm up."`
	Pause       time.Duration `default:"200ms" env:"LOADGEN_PAUSE" help:"Between an event that all have and the next."`
	Grace       time.Duration `default:"15s" env:"LOADGEN_GRACE" help:"How long an event may take to reach the last."`
}

// Help is shown below the flags.
func (fanOutCmd) Help() string {
	return `It tells how long it takes from sending a post until the last subscriber has its
event, what CPU the server takes for a delivery, and by how much its memory has
grown for a subscribed connection. An event that does not reach all of them once
makes it end with exit code 1.

For 10,000 subscribers it needs as many open files (ulimit -n), and the server
listens on a port below 32768, where no client's own port lies.

` + placesHelp
}

// Run implements the command.
func (c *fanOutCmd) Run(ctx context.Context) error {
	call, subscribers, processes, err := c.prepare(c.commonFlags, c.sendFlags, 1, c.Subscribers)
	if err != nil {
		return err
	}
	found, err := load.FanOut(ctx, load.FanOutConfig{
		Post: call, Subscribers: subscribers, Events: c.Events, Pause: c.Pause, Grace: c.Grace, Processes: processes,
	})
	return tell(os.Stdout, found, c.JSON, err)
}
