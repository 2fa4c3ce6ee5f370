package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"linkspan/internal/audit"
	"linkspan/shardrouter"
)

// auditVerifyCmd verifies audits, or an export of one.
type auditVerifyCmd struct {
	Group  string `placeholder:"HANDLE" env:"LINKSPAN_AUDIT_GROUP" help:"Verify this group's audit alone."`
	Export string `placeholder:"FILE" env:"LINKSPAN_AUDIT_EXPORT" help:"Verify what was exported of an audit: by itself, and that all of it is still there to the letter."`
	Data   string `default:".linkspan" env:"LINKSPAN_DATA" help:"Where the dev server's data is: its clusters are read, unless LINKSPAN_MAIN_DSN names others."`
}

// Help is shown below the flags.
func (auditVerifyCmd) Help() string {
	return `It only reads, and the installation may be in use. Exit code 1: something was changed, or could not be read. Each audit is compared
with itself, with what was decided, and with the audits of the groups that it shares something with. What was changed in
all of these alike shows only in an export from before.

The clusters come from the environment alone: LINKSPAN_MAIN_DSN and LINKSPAN_SHARD_DSNS (name=dsn,name=dsn). Without them
those of a running ` + "`bin/linkspan dev`" + ` are read.`
}

// Run implements the command.
func (c *auditVerifyCmd) Run(ctx context.Context) error {
	if c.Export != "" && c.Group != "" {
		return errors.New("an export says of which group it is: leave --group (LINKSPAN_AUDIT_GROUP) away")
	}
	router, err := openToRead(ctx, c.Data)
	if err != nil {
		return err
	}
	defer router.Close()
	began := time.Now()
	bar := auditProgress{newProgress(os.Stderr)}
	report, err := c.verify(ctx, router, bar.tell)
	bar.done()
	switch {
	case ctx.Err() != nil:
		return errSaid // it was ended; whoever did knows
	case err != nil:
		return inALine(err)
	}
	writeAuditReport(os.Stdout, report, time.Since(began))
	if !report.OK() {
		return errSaid
	}
	return nil
}

func (c *auditVerifyCmd) verify(ctx context.Context, router *shardrouter.Router, progress func(audit.Progress)) (*audit.Report, error) {
	if c.Export == "" {
		return audit.Verify(ctx, router, c.Group, progress)
	}
	file, err := os.Open(c.Export)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	report, err := audit.VerifyExport(ctx, router, file, progress)
	if err != nil {
		err = fmt.Errorf("%s: %w", c.Export, err)
	}
	return report, err
}

// writeAuditReport prints what a person reads.
func writeAuditReport(out io.Writer, report *audit.Report, took time.Duration) {
	if !report.OK() {
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "GROUP\tENTRY\tWHAT IS WRONG")
		for _, b := range report.Breaches {
			number := "-"
			if b.Number != 0 {
				number = fmt.Sprint(b.Number)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\n", b.Group, number, b.Detail)
		}
		_ = table.Flush() // to a person's terminal
		for _, group := range report.More {
			fmt.Fprintf(out, "… and more of %s\n", group)
		}
		fmt.Fprintln(out)
	}
	breaches, groups := "no breach", fmt.Sprintf("%d groups", report.Groups)
	switch n := len(report.Breaches); {
	case n == 1:
		breaches = "1 breach"
	case n > 1:
		breaches = fmt.Sprintf("%d breaches", n)
	}
	if report.Groups == 1 {
		groups = "1 group"
	}
	fmt.Fprintf(out, "%s: %s, %d entries in %v", breaches, groups, report.Entries, took.Round(10*time.Millisecond))
	if report.Waiting > 0 {
		fmt.Fprintf(out, "; %d decisions and refusals are not in the audits yet", report.Waiting)
	}
	fmt.Fprintln(out)
}

// auditProgress shows how far a verification is: on a terminal one line that changes, elsewhere a line when a part has ended.
type auditProgress struct{ *progress }

func (p auditProgress) tell(at audit.Progress) {
	switch {
	case p.terminal:
		p.change(fmt.Sprintf("verifying %s: %d of %d", at.Part, at.Done, at.Total))
	case at.Done == at.Total:
		fmt.Fprintf(p.out, "verified %s: %d\n", at.Part, at.Total)
	}
}
