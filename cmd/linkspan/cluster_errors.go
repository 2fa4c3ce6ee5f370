package main

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"linkspan/shardrouter"
)

// clusterError is why a cluster can't be used: one line, which says what to do.
type clusterError struct {
	cluster string
	err     error
}

func (e *clusterError) Unwrap() error { return e.err }

func (e *clusterError) Error() string {
	variable := "LINKSPAN_SHARD_DSNS"
	if e.cluster == shardrouter.MainName {
		variable = "LINKSPAN_MAIN_DSN"
	}
	var connect *pgconn.ConnectError
	if errors.As(e.err, &connect) {
		return fmt.Sprintf("cluster %s can't be reached (%s): is it running, and does %s lead to it?",
			e.cluster, unreached(connect), variable)
	}
	return fmt.Sprintf("cluster %s: %s", e.cluster, printable(e.err.Error()))
}

// unreached is the cause of a failed connection: the server's answer, or what became of the last address that was tried.
// pgx tells all addresses, one or two lines each.
func unreached(err error) string {
	var answer *pgconn.PgError
	var network *net.OpError
	switch {
	case errors.As(err, &answer):
		return printable(answer.Message)
	case errors.As(err, &network) && network.Addr != nil:
		return fmt.Sprintf("%s: %s", network.Addr, shortly(network.Err))
	}
	return shortly(err)
}

// unmigratedError tells of the clusters that could not be migrated, in a line each.
type unmigratedError struct {
	failed []*clusterError
	all    int // how many clusters there are
}

func (e *unmigratedError) Error() string {
	text := fmt.Sprintf("%d of %d clusters can't be migrated; mend them and run it again:", len(e.failed), e.all)
	for _, failed := range e.failed {
		text += "\n  " + failed.Error()
	}
	return text
}

// migrated reports whether a cluster is not among them; e may be nil.
func (e *unmigratedError) migrated(cluster string) bool {
	return e == nil || !slices.ContainsFunc(e.failed, func(failed *clusterError) bool { return failed.cluster == cluster })
}

// inALine tells the router's errors about a cluster in one line that says what to do.
func inALine(err error) error {
	var wrong *shardrouter.IdentityError
	var down *shardrouter.UnavailableError
	switch {
	case errors.As(err, &wrong) && errors.Is(wrong.Err, shardrouter.ErrNotBootstrapped):
		return fmt.Errorf("cluster %s is not set up: run `bin/linkspan migrate` first", wrong.Cluster)
	case errors.As(err, &wrong):
		return wrong
	case errors.As(err, &down):
		return &clusterError{down.Cluster, down.Err}
	}
	return err
}
