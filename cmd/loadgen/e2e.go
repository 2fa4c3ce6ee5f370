package main

import (
	"context"
	"errors"
	"os"
	"time"

	"linkspan/internal/load"
)

// endToEndCmd posts and has subscribers read.
type endToEndCmd struct {
	commonFlags
	sendFlags
	subscribeFlags
	Connections int           `default:"8" env:"LOADGEN_CONNECTIONS" help:"How many connections post, one message each at a time."`
	Rate        float64       `default:"50" env:"LOADGEN_RATE" help:"Posts a second, of all connections together; 0: each posts as soon as it has its answer."`
	Subscribers int           `default:"20" env:"LOADGEN_SUBSCRIBERS" help:"How many subscribe, of the groups in turn."`
	WarmUp      time.Duration `default:"1s" env:"LOADGEN_WARM_UP" help:"How long it goes on before it counts."`
	For         time.Duration `default:"8s" env:"LOADGEN_FOR" help:"How long it counts."`
	Grace       time.Duration `default:"5s" env:"LOADGEN_GRACE" help:"How long after the last answer messages may take to be read."`
}

// Help is shown below the flags.
func (endToEndCmd) Help() string {
	return `It tells how long it takes from sending a post until a subscriber has read it.
With two groups --as writes and reads for both sides of a channel in turn. What
is lost, comes twice, or in another order than elsewhere is counted, and makes it
end with exit code 1.

` + placesHelp
}

// Run implements the command.
func (c *endToEndCmd) Run(ctx context.Context) error {
	if len(c.Channel) > 1 {
		return errors.New("name one channel: its subscribers read what is posted to it")
	}
	call, subscribers, processes, err := c.prepare(c.commonFlags, c.sendFlags, c.Connections, c.Subscribers)
	if err != nil {
		return err
	}
	found, err := load.EndToEnd(ctx, load.EndToEndConfig{
		Post: call, Connections: c.Connections, PerSecond: c.Rate, Subscribers: subscribers,
		WarmUp: c.WarmUp, For: c.For, Grace: c.Grace, Processes: processes,
	})
	return tell(os.Stdout, found, c.JSON, err)
}
