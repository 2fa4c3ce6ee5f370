package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"linkspan/internal/gqlclient"
)

// getToken is how a user of the dev server gets a token into its shell.
const getToken = "export LINKSPAN_TOKEN=$(bin/linkspan token gil@globex)"

// listenCmd prints each invitation that reaches the group of LINKSPAN_TOKEN, until it is told to end.
type listenCmd struct {
	URL   string  `name:"url" default:"http://127.0.0.1:8080/graphql" env:"LINKSPAN_URL" help:"The server's GraphQL endpoint."`
	After *string `env:"LINKSPAN_LISTEN_AFTER" placeholder:"CURSOR" help:"Begin right behind this cursor, and miss nothing since. Default: begin with now."`
	JSON  bool    `name:"json" env:"LINKSPAN_LISTEN_JSON" help:"A line of JSON for each invitation, on a terminal too."`
}

// Help is shown below the flags.
func (listenCmd) Help() string {
	return `The token comes from the environment alone. With the dev server:

  ` + getToken + `
  bin/linkspan listen

On a terminal each invitation is a sentence, with the command that accepts it. Elsewhere, or with --json, it is one line:

  {"cursor":…,"at":…,"invitation":{…}}

A lost connection is made again, and continues where it was. To continue after this program was ended, give the last
cursor that it printed as --after. What is not an invitation is told on stderr.`
}

// Run implements the command.
func (c *listenCmd) Run(ctx context.Context) error {
	token := strings.TrimSpace(os.Getenv("LINKSPAN_TOKEN"))
	if token == "" {
		return fmt.Errorf("LINKSPAN_TOKEN is not set: whose invitations? With the dev server:\n\n  %s", getToken)
	}
	client, err := newClient(c.URL, token)
	if err != nil {
		return err
	}
	l := &listener{client: client, after: c.After, notes: os.Stderr, pause: pauseWithJitter}
	terminal := term.IsTerminal(int(os.Stdout.Fd()))
	if c.JSON || !terminal {
		l.show = func(r receivedInvitation) error { return showJSON(os.Stdout, r) }
	} else {
		l.show = func(r receivedInvitation) error { return showSentence(os.Stdout, r, c.URL, time.Local) }
	}
	err = l.run(ctx)
	if terminal && l.after != nil {
		fmt.Fprintf(os.Stderr, "\nTo continue from here:  bin/linkspan listen --after %s\n", shellQuote(*l.after))
	}
	return err
}

// newClient returns a client of the endpoint, if it can be one.
func newClient(endpoint, token string) (*gqlclient.Client, error) {
	parsed, err := url.Parse(endpoint)
	if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Host == "" {
		return nil, errors.New("LINKSPAN_URL is not the URL of a server, such as http://127.0.0.1:8080/graphql")
	}
	return &gqlclient.Client{URL: endpoint, Token: token}, nil
}
