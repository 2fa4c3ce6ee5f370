package main

import (
	"context"
	"os"
	"time"

	"golang.org/x/term"

	"linkspan/internal/demo"
)

// tourTokenTTL is how long the tour's tokens are good for: longer than anybody watches.
const tourTokenTTL = 15 * time.Minute

// tourCmd plays the main job on the running dev server for a person to watch.
type tourCmd struct {
	claimFlags
	URL  string         `name:"url" default:"http://127.0.0.1:8080/graphql" env:"LINKSPAN_URL" help:"The dev server's GraphQL endpoint."`
	Data string         `default:".linkspan" env:"LINKSPAN_DATA" help:"Where the dev server's data is: its key signs the tokens, unless LINKSPAN_JWT_SECRET does."`
	Pace *time.Duration `env:"LINKSPAN_TOUR_PACE" help:"Pause after each step. Default: 700ms on a terminal, else none."`
}

// Help is shown below the flags.
func (tourCmd) Help() string {
	return `Ana at acme asks globex to share a channel, Gil accepts, and both see the same channel under their own names; Ivy, at a
third group, sees nothing. Then the two talk in it, and what Gil says to globex alone does not reach acme. Ivy comes in, and leaves.
At the end a yes of Hua, a member of globex, waits until Gil, an admin, agrees. Each step shows the clusters that it needed and its
milliseconds. It can be played again and again: each time with channels of its own, and globex's policy is put back. If a step is
not as it should be, it says which and ends with exit code 1.`
}

// Run implements the command.
func (c *tourCmd) Run(ctx context.Context) error {
	if _, err := newClient(c.URL, ""); err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	config := demo.TourConfig{URL: c.URL, Tokens: make(map[string]string), Out: os.Stdout}
	for _, user := range demo.TourUsers {
		token, err := demoToken(c.claimFlags, c.Data, user, tourTokenTTL)
		if err != nil {
			return err
		}
		config.Tokens[user] = token
	}
	if out := int(os.Stdout.Fd()); term.IsTerminal(out) {
		config.Width, _, _ = term.GetSize(out)
		config.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		config.Pace = 700 * time.Millisecond
	}
	if c.Pace != nil {
		config.Pace = *c.Pace
	}
	err := demo.Tour(ctx, config)
	if err != nil && ctx.Err() != nil {
		return errSaid // whoever ended it knows
	}
	return err
}
