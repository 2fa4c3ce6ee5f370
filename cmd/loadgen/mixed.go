package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"linkspan/internal/clusterenv"
	"linkspan/internal/columns"
	"linkspan/internal/load"
	"linkspan/shardrouter"
)

// mixedCmd does everything at once, for long.
type mixedCmd struct {
	commonFlags
	Metrics     string        `default:"http://127.0.0.1:8081/metrics" env:"LOADGEN_METRICS" placeholder:"URL" help:"Where the server tells its metrics: LINKSPAN_ADMIN_LISTEN."`
	Connections int           `default:"16" env:"LOADGEN_CONNECTIONS" help:"How many connections ask, one request each at a time."`
	Rate        float64       `default:"100" env:"LOADGEN_RATE" help:"Requests a second, of all connections together."`
	Subscribers int           `default:"50" env:"LOADGEN_SUBSCRIBERS" help:"How many subscribe at a time, of the groups in turn."`
	Slow        int           `default:"10" env:"LOADGEN_SLOW" help:"Every such subscriber does not read; 0: all do."`
	Stay        time.Duration `default:"30s" env:"LOADGEN_STAY" help:"How long one stays at most before another comes."`
	For         time.Duration `default:"30m" env:"LOADGEN_FOR" help:"How long it goes on."`
	Every       time.Duration `default:"30s" env:"LOADGEN_EVERY" help:"How long it is between two looks at the server."`
}

// Help is shown below the flags.
func (mixedCmd) Help() string {
	return `It posts, replies, edits, deletes, reacts, reads, searches and marks as read, in
channels at random, while subscribers come and go, some of whom do not read. A
row at intervals says what the server holds; and in the end whether that was
flat: the median of the last third of the time is at most a tenth above that of
the middle third, or at most so much above it:

  RSS, heap              8 MB
  goroutines             50
  Postgres connections   4
  sockets                10
  bytes a row            20, of tables and of indexes
  dead rows              50 of 1,000 rows

Fewer than six looks are no verdict. What is not flat, answers that are not good
and subscribers that end before their time make it end with exit code 1. Ctrl-C
ends it with what it has found so far, and exit code 1.

Tables are looked at where LINKSPAN_MAIN_DSN and LINKSPAN_SHARD_DSNS are set as
for bin/linkspan serve.`
}

// Run implements the command.
func (c *mixedCmd) Run(ctx context.Context) error {
	config, err := c.config()
	if err != nil {
		return err
	}
	shown := progressOf(os.Stderr, c.For)
	config.Told = shown.sample
	stopShowing := shown.show(ctx)
	found, err := load.Mixed(ctx, config)
	stopShowing()
	if errors.Is(err, context.Canceled) {
		err = fmt.Errorf("broken off after %v", (time.Duration(found.Seconds) * time.Second).String())
	}
	err = tell(os.Stdout, found, c.JSON, err)
	if !c.JSON {
		fmt.Println()
		if len(found.Verdicts) > 0 {
			fmt.Println(columns.Table(found.VerdictTable()))
		} else {
			fmt.Println("too few looks for a verdict")
		}
		if len(found.Deeds) > 0 {
			fmt.Println(columns.Table(found.DeedTable()))
		}
		fmt.Printf("%d visits, %d deliveries\n", found.Visits, found.Deliveries)
	}
	return err
}

func (c *mixedCmd) config() (config load.MixedConfig, err error) {
	config = load.MixedConfig{
		URL: c.URL, Channels: c.Channel, Connections: c.Connections, PerSecond: c.Rate, Slow: c.Slow, Stay: c.Stay, For: c.For, Every: c.Every,
	}
	if c.Connections < 1 || c.Rate <= 0 || c.Subscribers < 0 || c.Stay <= 0 || c.For <= 0 || c.Every <= 0 {
		return config, errors.New("connections, rate, stay, for and every must be above 0")
	}
	if config.Tokens, err = c.tokens(c.Connections); err != nil {
		return config, err
	}
	if config.Deeds, err = c.deeds(); err != nil {
		return config, err
	}
	visitors := subscribeFlags{Protocol: string(load.GraphQL), Subscription: "ChannelEvents", SubscribeVariable: `{"channelId":"{{channel}}"}`}
	everywhere := c.commonFlags
	everywhere.Channel = nil // each visit has its own
	if config.Visitors, err = visitors.subscribers(everywhere, c.Subscribers); err != nil {
		return config, err
	}
	processes, err := c.processes()
	if err != nil {
		return config, err
	}
	config.Meters = load.Meters{Server: processes.Server, Metrics: c.Metrics}
	config.Meters.Databases, err = databases()
	return config, err
}

// deeds are what is done, and how often.
func (c *mixedCmd) deeds() (all []load.Deed, err error) {
	const message = `"message":{"id"`
	input := func(name, text string) string { return `{"input":{` + name + `,"body":"{{mark}} ` + text + ` {{n}}"}}` }
	for _, d := range []struct {
		name, operation, variables, want string
		weight                           int
		makes, ends                      bool
	}{
		{"post", "PostMessage", input(`"channelId":"{{channel}}"`, "shall we launch on friday or wait for the second batch"), message, 30, true, false},
		{"reply", "PostMessage", input(`"channelId":"{{channel}}","replyToId":"{{message}}"`, "friday it is"), message, 10, false, false},
		{"edit", "EditMessage", input(`"messageId":"{{message}}"`, "we launch on monday instead"), message, 8, false, false},
		{"delete", "DeleteMessage", `{"input":{"messageId":"{{message}}"}}`, message, 6, false, true},
		{"react", "AddReaction", `{"input":{"messageId":"{{message}}","emoji":"👍"}}`, message, 12, false, false},
		{"read", "Messages", `{"id":"{{channel}}","last":20}`, `"edges":[`, 20, false, false},
		{"search", "SearchMessages", `{"id":"{{channel}}","text":"launch friday"}`, `"search":{`, 6, false, false},
		{"mark read", "MarkRead", `{"input":{"channelId":"{{channel}}","upToMessageId":"{{message}}"}}`, `"sharedChannel":{"id"`, 8, false, false},
	} {
		body, err := c.operation(d.operation, d.variables)
		if err != nil {
			return nil, err
		}
		all = append(all, load.Deed{Name: d.name, Weight: d.weight, Body: body, Want: d.want, Makes: d.makes, Ends: d.ends})
	}
	return all, nil
}

// databases are the DSNs of the clusters by their names; none where they are not told.
func databases() (map[string]string, error) {
	if os.Getenv("LINKSPAN_MAIN_DSN") == "" {
		return nil, nil
	}
	config, err := clusterenv.Read()
	all := map[string]string{shardrouter.MainName: config.MainDSN}
	for _, shard := range config.Shards {
		all[shard.Name] = shard.DSN
	}
	return all, err
}

// bar shows how far a run is: on a terminal a line that changes, elsewhere a line a sample.
type bar struct {
	out      *os.File
	terminal bool
	began    time.Time
	of       time.Duration
}

func progressOf(out *os.File, of time.Duration) bar {
	return bar{out, term.IsTerminal(int(out.Fd())), time.Now(), of}
}

func (b bar) sample(s load.Sample) {
	if !b.terminal {
		fmt.Fprintf(b.out, "%v of %v: %d requests, RSS %.0f MB, %.0f goroutines, %.0f sockets\n",
			(time.Duration(s.Seconds) * time.Second).String(), b.of, s.Deeds, s.Resident/(1<<20), s.Goroutines, s.Sockets)
	}
}

// show changes the line each second until what it returns is called.
func (b bar) show(ctx context.Context) func() {
	if !b.terminal {
		return func() {}
	}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			const width = 40
			gone := min(time.Since(b.began), b.of)
			full := int(width * gone / b.of)
			fmt.Fprintf(b.out, "\r\033[K[%s%s] %v of %v", strings.Repeat("#", full), strings.Repeat(" ", width-full), gone.Round(time.Second), b.of)
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		stop()
		<-done
		fmt.Fprint(b.out, "\r\033[K")
	}
}
