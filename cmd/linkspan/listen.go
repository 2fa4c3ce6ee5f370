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

// listenCmd prints each invitation that reaches the group of LINKSPAN_TOKEN, or what happens in one of its channels, until
// it is told to end.
type listenCmd struct {
	URL     string  `name:"url" default:"http://127.0.0.1:8080/graphql" env:"LINKSPAN_URL" help:"The server's GraphQL endpoint."`
	Channel *string `env:"LINKSPAN_LISTEN_CHANNEL" placeholder:"CHANNEL_ID" help:"Follow this channel instead of the invitations."`
	After   *string `env:"LINKSPAN_LISTEN_AFTER" placeholder:"CURSOR" help:"Begin right behind this cursor, and miss nothing since. Default: begin with now."`
	JSON    bool    `name:"json" env:"LINKSPAN_LISTEN_JSON" help:"A line of JSON for each event, on a terminal too."`
}

// Help is shown below the flags.
func (listenCmd) Help() string {
	return `The token comes from the environment alone. With the dev server:

  ` + getToken + `
  bin/linkspan listen

On a terminal each invitation is a sentence, with the command that accepts it. Elsewhere, or with --json, it is one line:

  {"cursor":…,"at":…,"invitation":{…}}

With --channel it is what happens in that channel: messages, replies, edits, deletions, reactions, and who takes part; on a
terminal in lines of its width. "to globex alone" marks what no other group sees. As JSON each is one line:
  {"__typename":"MessagePosted","cursor":…,"at":…,"actor":{…},"message":{…}}
with the fields of ChannelEvents in clients/operations.graphql.

A lost connection is made again, and continues where it was. To continue after this program was ended, give the last
cursor that it printed as --after. What is no such event is told on stderr.`
}

// Run implements the command.
func (c *listenCmd) Run(ctx context.Context) error {
	token := strings.TrimSpace(os.Getenv("LINKSPAN_TOKEN"))
	if token == "" {
		return fmt.Errorf("LINKSPAN_TOKEN is not set: who listens? With the dev server:\n\n  %s", getToken)
	}
	client, err := newClient(c.URL, token)
	if err != nil {
		return err
	}
	terminal := term.IsTerminal(int(os.Stdout.Fd()))
	l := &listener{client: client, log: c.log(terminal && !c.JSON), after: c.After, notes: os.Stderr, pause: pauseWithJitter}
	err = l.run(ctx)
	if terminal && l.after != nil {
		fmt.Fprintf(os.Stderr, "\nTo continue from here:  %s --after %s\n", l.log.command(), shellQuote(*l.after))
	}
	return err
}

// log is what is listened to, shown to people or as JSON.
func (c *listenCmd) log(people bool) listened {
	switch {
	case c.Channel != nil && people:
		l := &channelLog{id: *c.Channel, people: true}
		l.show = (&talkScreen{
			out: os.Stdout, columns: terminalColumns, zone: time.Local, group: func() string { return l.group.Handle }, day: dayOf(time.Now()),
		}).show
		return l
	case c.Channel != nil:
		return &channelLog{id: *c.Channel, show: func(e channelEvent) error { return showEventJSON(os.Stdout, e) }}
	case people:
		return &inboxLog{show: func(r receivedInvitation) error { return showSentence(os.Stdout, r, c.URL, time.Local) }}
	}
	return &inboxLog{show: func(r receivedInvitation) error { return showJSON(os.Stdout, r) }}
}

// terminalColumns is the width of the terminal now; 0 where it says none.
func terminalColumns() int {
	width, _, _ := term.GetSize(int(os.Stdout.Fd()))
	return width
}

// newClient returns a client of the endpoint, if it can be one.
func newClient(endpoint, token string) (*gqlclient.Client, error) {
	parsed, err := url.Parse(endpoint)
	if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Host == "" {
		return nil, errors.New("LINKSPAN_URL is not the URL of a server, such as http://127.0.0.1:8080/graphql")
	}
	return &gqlclient.Client{URL: endpoint, Token: token}, nil
}
