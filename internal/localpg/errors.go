package localpg

import "errors"

// Kinds of failure, for errors.Is. The error that carries one says in its text which path, process or version is meant
// and what to do next, in words that can be shown to the person who started the program.
var (
	// ErrLocked: another program runs clusters on the same data root.
	ErrLocked = errors.New("localpg: data root in use")
	// ErrNoPostgres: no PostgreSQL that serves was found: none at all, or only ones that are too old or that do not run.
	ErrNoPostgres = errors.New("localpg: no PostgreSQL found")
	// ErrOtherMajor: the data was made by another major version of PostgreSQL.
	ErrOtherMajor = errors.New("localpg: data of another PostgreSQL major version")
	// ErrForeignData: the data root has content that this package did not make.
	ErrForeignData = errors.New("localpg: data root holds something else")
	// ErrOtherOwner: the data root was made by another user.
	ErrOtherOwner = errors.New("localpg: data root of another user")
	// ErrUnreachable: the user that PostgreSQL runs as cannot enter a directory that it needs.
	ErrUnreachable = errors.New("localpg: directory out of reach")
	// ErrNoAccount: the program runs as root and there is no user to run PostgreSQL as.
	ErrNoAccount = errors.New("localpg: no user to run PostgreSQL as")
	// ErrConfig: a Config that cannot work.
	ErrConfig = errors.New("localpg: invalid configuration")
	// ErrStopped: the clusters were stopped.
	ErrStopped = errors.New("localpg: clusters stopped")
)

// problem is an error of one of the kinds above with a text of its own.
type problem struct {
	kind  error
	text  string
	cause error // may be nil; its text is part of text already
}

func (p *problem) Error() string { return p.text }

func (p *problem) Unwrap() []error {
	if p.cause == nil {
		return []error{p.kind}
	}
	return []error{p.kind, p.cause}
}
