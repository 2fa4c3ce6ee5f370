package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"

	"linkspan/internal/gqlclient"
)

var (
	errOperator = errors.New("the token is an operator's, who has no group and no inbox; listen as a user, as with\n\n  " + getToken)
	errNoEvent  = errors.New("the server sent no event")
)

// outputError is that an invitation could not be written.
type outputError struct{ err error }

func (e *outputError) Error() string { return "the output can't be written: " + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

// final returns the error to end with, saying what to do; nil if the listener should try again.
func (l *listener) final(err error) error {
	var fault *gqlclient.Error
	var closed *gqlclient.CloseError
	var status *gqlclient.StatusError
	var output *outputError
	switch {
	case errors.Is(err, errOperator), errors.As(err, &output):
		return err
	case errors.As(err, &fault):
		return l.finalFault(fault)
	case errors.As(err, &closed):
		switch closed.Code {
		case gqlclient.CloseUnauthorized, gqlclient.CloseForbidden:
			return l.unauthenticated()
		case gqlclient.CloseBadRequest:
			return fmt.Errorf("the server does not understand this program: %s. Are both of the same version?", printable(closed.Reason))
		}
	case errors.As(err, &status):
		return l.finalStatus(status)
	}
	return nil
}

func (l *listener) finalFault(fault *gqlclient.Error) error {
	message := printable(fault.Message)
	switch fault.Code {
	case "UNAUTHENTICATED":
		return l.unauthenticated()
	case "BAD_USER_INPUT":
		return fmt.Errorf("the server refuses this cursor: %s\n"+
			"Give --after a cursor that listen printed for the same group, or a list's logCursor; or leave it away, to begin with now", message)
	case "CURSOR_EXPIRED":
		return errors.New("the inbox can't be continued from this cursor: it is too old, or the server's data was made anew.\n" +
			"Query viewer { receivedInvitations { nodes { id state } logCursor } } to see what there is, and continue with its\n" +
			"logCursor as --after; or leave --after away, to begin with now")
	case "INTERNAL_SERVER_ERROR":
		return nil // nobody knows what it is, so nobody knows that it stays
	}
	if fault.Retryable {
		return nil
	}
	return fmt.Errorf("the server refuses: %s", printable(fault.Error()))
}

// finalStatus judges an answer that is not GraphQL's. Where a server was before, it may be a proxy's while the server
// restarts.
func (l *listener) finalStatus(status *gqlclient.StatusError) error {
	switch {
	case status.Status == http.StatusUnauthorized || status.Status == http.StatusForbidden:
		return l.unauthenticated()
	case status.Status >= 500 || status.Status == http.StatusTooManyRequests || l.started:
		return nil
	}
	return fmt.Errorf("there is no Linkspan at %s (it answers with status %d): check LINKSPAN_URL", l.client.URL, status.Status)
}

// unauthenticated is the end of a listener whose token is not, or no longer, valid.
func (l *listener) unauthenticated() error {
	text := "the server does not take LINKSPAN_TOKEN: it is not valid there, or no longer. With the dev server:\n\n  " + getToken
	if l.started {
		text += "\n  bin/linkspan listen --after " + shellQuote(*l.after)
	}
	return errors.New(text)
}

// interruption says, once for all attempts that follow, why there is no connection and that there will be one.
func (l *listener) interruption(err error) string {
	if l.started {
		return fmt.Sprintf("the connection is lost (%s); connecting again until it works", shortly(err))
	}
	return fmt.Sprintf("no answer from %s (%s); trying until there is one. `make run` starts a server", l.client.URL, shortly(err))
}

// shortly is the innermost cause that says something to a person.
func shortly(err error) string {
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.As(err, &dns):
		return printable(dns.Err)
	case errors.Is(err, context.DeadlineExceeded):
		return "it takes too long"
	case errors.Is(err, io.EOF):
		return "the server ended it"
	}
	return printable(err.Error())
}
