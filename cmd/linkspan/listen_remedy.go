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

var errNoEvent = errors.New("the server sent no event")

// finalError is what trying again does not mend, told to people.
type finalError struct{ err error }

func (e *finalError) Error() string { return e.err.Error() }
func (e *finalError) Unwrap() error { return e.err }

// final returns the error to end with, saying what to do; nil if the listener should try again.
func (l *listener) final(err error) error {
	var fault *gqlclient.Error
	var closed *gqlclient.CloseError
	var status *gqlclient.StatusError
	var final *finalError
	switch {
	case errors.As(err, &final):
		return final.err
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
	switch fault.Code {
	case "UNAUTHENTICATED":
		return l.unauthenticated()
	case "INTERNAL_SERVER_ERROR":
		return nil // nobody knows what it is, so nobody knows that it stays
	}
	if fault.Retryable {
		return nil
	}
	if remedy := l.log.remedy(fault); remedy != nil {
		return remedy
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
		text += "\n  " + l.log.command() + " --after " + shellQuote(*l.after)
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
