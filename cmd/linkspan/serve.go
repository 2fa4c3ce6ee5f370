package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"linkspan/internal/clusterenv"
	"linkspan/internal/server"
)

// serveCmd serves on given clusters.
type serveCmd struct {
	serverFlags
	signInFlags
	AdminListen string        `env:"LINKSPAN_ADMIN_LISTEN" placeholder:"ADDRESS" help:"Address for /metrics and pprof, or off. Default: off."`
	Migrate     bool          `env:"LINKSPAN_MIGRATE" help:"Bring the clusters to the newest schema first."`
	Rate        float64       `default:"50" env:"LINKSPAN_RATE" help:"Most operations a second of one user, or of one address that nobody is signed in from, in this process; 0: any number."`
	RateBurst   int           `default:"100" env:"LINKSPAN_RATE_BURST" help:"Most of them at once, after a while of silence."`
	GraphiQL    bool          `name:"graphiql" env:"LINKSPAN_GRAPHIQL" help:"Serve the GraphiQL page at /graphiql."`
	DrainDelay  time.Duration `default:"2s" env:"LINKSPAN_DRAIN_DELAY" help:"How long it still serves when told to end."`
}

// Help is shown below the flags.
func (serveCmd) Help() string {
	return `The clusters and keys come from the environment alone:

  LINKSPAN_MAIN_DSN             the main database, as libpq reads it
  LINKSPAN_SHARD_DSNS           the shards: name=dsn,name=dsn
  LINKSPAN_JWT_SECRET           key of the tokens (HS256), at least 32 bytes;
                                not needed with --jwks-url
  LINKSPAN_JWT_SECRET_PREVIOUS  the key before it: its tokens are taken too
  LINKSPAN_NATS_URL             a NATS server that all replicas share; empty:
                                there is one replica
` + otelHelp + `

Tokens are signed with the secret, or by an identity provider whose public keys --jwks-url has. For both at once
--jwt-algorithms must name the algorithms of both, as in HS256,RS256.

Run ` + "`bin/linkspan migrate`" + ` first, or give --migrate.`
}

// Run implements the command.
func (c *serveCmd) Run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	if c.DrainDelay < 0 {
		return fmt.Errorf("LINKSPAN_DRAIN_DELAY is %v: it must not be negative", c.DrainDelay)
	}
	if c.Rate < 0 || c.RateBurst < 1 {
		return fmt.Errorf("LINKSPAN_RATE is %v and LINKSPAN_RATE_BURST %d: they must be at least 0 and 1", c.Rate, c.RateBurst)
	}
	edge, err := c.edge()
	if err != nil {
		return err
	}
	edge.Rate = server.Rate{PerSecond: c.Rate, Burst: c.RateBurst}
	edge.Remedy, edge.DrainDelay = "Send it as `Authorization: Bearer <token>`.", c.DrainDelay
	logger := newLogger(os.Stderr, c.LogLevel)
	secrets, err := secretsFromEnv()
	if err != nil {
		return err
	}
	tokens, err := c.tokens(secrets, c.claimFlags)
	if err != nil {
		return err
	}
	config, err := clusterenv.Read()
	if err != nil {
		return err
	}
	if c.Migrate {
		if err := prepare(ctx, config, nil); err != nil {
			return err
		}
	}
	listener, err := listenOn(c.Listen, listenVariable, "127.0.0.1:8090")
	if err != nil {
		return err
	}
	defer listener.Close()
	admin, err := listenAdmin(c.AdminListen, "")
	if err != nil {
		return err
	}
	if admin != nil {
		defer admin.Close()
	}
	in, err := open(ctx, config, c.serverFlags, logger)
	if err != nil {
		return err
	}
	defer in.close()
	fmt.Println("ready:", endpointAt(listener.Addr()))
	edge.GraphiQL = c.graphiql()
	return in.serve(ctx, listener, admin, edge, tokens)
}

// graphiql is the page, which signs nobody in here; nil: there is none.
func (c *serveCmd) graphiql() *server.GraphiQL {
	if !c.GraphiQL {
		return nil
	}
	return &server.GraphiQL{}
}

const listenVariable = "LINKSPAN_LISTEN"

// listenOn listens on the address that the variable gives. A taken one is told with what to do.
func listenOn(address, variable, example string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken by another program: end that one, or choose another address, as in %s=%s",
			address, variable, example)
	}
	if err != nil {
		return nil, fmt.Errorf("can't listen on %s: %w; choose another address with %s", address, err, variable)
	}
	return listener, nil
}
