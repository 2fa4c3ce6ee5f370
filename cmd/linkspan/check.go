package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"linkspan/internal/check"
	"linkspan/internal/clusterenv"
	"linkspan/shardrouter"
)

// checkCmd reads all clusters and reports every breach of an invariant.
type checkCmd struct {
	Data string `default:".linkspan" env:"LINKSPAN_DATA" help:"Where the dev server's data is: its clusters are checked, unless LINKSPAN_MAIN_DSN names others."`
	JSON bool   `name:"json" env:"LINKSPAN_CHECK_JSON" help:"Print the report as JSON."`
	List bool   `env:"LINKSPAN_CHECK_LIST" help:"List the invariants and check nothing."`
}

// Help is shown below the flags.
func (checkCmd) Help() string {
	return `It only reads, and the installation may be in use: what is on its way between clusters is no breach. Exit code 1: something
contradicts something else, or could not be read.

The clusters come from the environment alone: LINKSPAN_MAIN_DSN and LINKSPAN_SHARD_DSNS (name=dsn,name=dsn). Without them
those of a running ` + "`bin/linkspan dev`" + ` are checked.`
}

// Run implements the command.
func (c *checkCmd) Run(ctx context.Context) error {
	if c.List {
		return listInvariants(os.Stdout)
	}
	router, err := openToRead(ctx, c.Data)
	if err != nil {
		return err
	}
	defer router.Close()
	began := time.Now()
	bar := checkProgress{newProgress(os.Stderr)}
	report, err := check.Run(ctx, router, bar.tell)
	bar.done()
	if report == nil {
		return errSaid // it was ended; whoever did knows
	}
	if c.JSON {
		err = errors.Join(writeJSON(os.Stdout, report, err), err)
	} else {
		writeReport(os.Stdout, report, err, time.Since(began))
	}
	if err != nil || !report.OK() {
		return errSaid
	}
	return nil
}

// writeReport prints what a person reads. unread is what could not be read.
func writeReport(out io.Writer, report *check.Report, unread error, took time.Duration) {
	if !report.OK() {
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "CLUSTER\tINVARIANT\tOBJECT\tWHAT IS WRONG")
		for _, b := range report.Breaches {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", b.Cluster, b.Invariant, b.Object, b.Detail)
		}
		_ = table.Flush() // to a person's terminal
		for _, kind := range report.More {
			fmt.Fprintf(out, "… and more of %s\n", kind)
		}
		fmt.Fprintln(out)
	}
	for _, line := range notChecked(unread) {
		fmt.Fprintln(out, "not checked:", line)
	}
	verdict := "no breach"
	switch n := len(report.Breaches); {
	case n == 1:
		verdict = "1 breach; `bin/linkspan check --list` says what should be"
	case n > 1:
		verdict = fmt.Sprintf("%d breaches; `bin/linkspan check --list` says what should be", n)
	}
	fmt.Fprintf(out, "%s: %d invariants, %d groups, %d channels in %v", verdict, report.Invariants, report.Groups, report.Channels,
		took.Round(10*time.Millisecond))
	if report.InFlight > 0 {
		fmt.Fprintf(out, "; %d deliveries on their way, the oldest for %.1f s", report.InFlight, report.OldestInFlightSeconds)
	}
	fmt.Fprintln(out)
}

// notChecked are the lines that say what could not be read; empty, not nil, where all was.
func notChecked(unread error) []string {
	if unread == nil {
		return []string{}
	}
	return strings.Split(strings.TrimSpace(unread.Error()), "\n")
}

// writeJSON prints the report with what could not be read.
func writeJSON(out io.Writer, report *check.Report, unread error) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		OK bool `json:"ok"`
		*check.Report
		NotChecked []string `json:"notChecked"`
	}{report.OK() && unread == nil, report, notChecked(unread)})
}

func listInvariants(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, invariant := range check.Invariants() {
		fmt.Fprintf(table, "%s\t%s\n", invariant.Name, invariant.Says)
	}
	return table.Flush()
}

// checkProgress shows how far a check is: on a terminal one line that changes, elsewhere a line when a part has ended.
type checkProgress struct{ *progress }

func (p checkProgress) tell(at check.Progress) {
	switch {
	case p.terminal:
		p.change(fmt.Sprintf("checking %s: %s %d of %d", at.Cluster, at.Part, at.Done, at.Total))
	case at.Done == at.Total:
		fmt.Fprintf(p.out, "checked %s: %d %s\n", at.Cluster, at.Total, at.Part)
	}
}

// openToRead opens the clusters that the environment names, or dev's in that directory, for whoever reads whole tables.
func openToRead(ctx context.Context, data string) (*shardrouter.Router, error) {
	dev := os.Getenv("LINKSPAN_MAIN_DSN") == ""
	config, err := clusterenv.Read()
	if dev {
		config, err = devClustersIn(data)
	}
	if err != nil {
		return nil, err
	}
	config.Logger = slog.New(slog.DiscardHandler)
	router, err := shardrouter.Open(ctx, check.Patient(config))
	var down *shardrouter.UnavailableError
	if dev && errors.As(err, &down) {
		return nil, fmt.Errorf("the clusters of %s do not run: start `bin/linkspan dev`, and check while it runs", data)
	}
	return router, inALine(err)
}
