package shardrouter

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrNotOwned is what a closure returns, wrapped or not, when its statement found that this cluster
	// does not own the slot. The router then looks for the owner. See [Owned] and [NotOwned].
	ErrNotOwned = errors.New("the cluster does not own the slot")

	// ErrSwapped says that a DSN leads to another cluster of this installation than its name says.
	ErrSwapped = errors.New("the DSN leads to another cluster")
	// ErrForeign says that a DSN leads to a database of another installation.
	ErrForeign = errors.New("the database belongs to another installation")
	// ErrBlank says that a DSN leads to a database without the data that the cluster has had: a wrong
	// DSN or lost data. It is never filled anew by itself.
	ErrBlank = errors.New("the database has no identity though the cluster has joined before")
	// ErrNotBootstrapped says that a database lacks the tables or rows that migrations and [Bootstrap]
	// make.
	ErrNotBootstrapped = errors.New("the database is not set up: migrate and bootstrap first")

	// ErrNested says that a closure with a connection of its own called the router again. Waiting for a
	// second connection while holding the first is how pools deadlock.
	ErrNested = errors.New("a closure that holds a connection called the router again")
	// ErrClosed says that the router was closed.
	ErrClosed = errors.New("the router is closed")
)

// UnavailableError says that a cluster could not serve the operation, and that nothing of it remains
// unless an [*OutcomeUnknownError] wraps it. Trying again later is right.
type UnavailableError struct {
	Cluster string
	Slot    Slot  // NoSlot when the operation named no slot
	Err     error // why, for an operator; holds no password
}

func (e *UnavailableError) Error() string {
	if e.Slot == NoSlot {
		return fmt.Sprintf("cluster %s is unavailable: %v", e.Cluster, e.Err)
	}
	return fmt.Sprintf("cluster %s is unavailable for slot %d: %v", e.Cluster, e.Slot, e.Err)
}

func (e *UnavailableError) Unwrap() error { return e.Err }

// OutcomeUnknownError says that the connection was lost while COMMIT was under way: the transaction has
// either happened as a whole or not at all. It wraps an [*UnavailableError].
type OutcomeUnknownError struct {
	Cluster string
	Err     error
}

func (e *OutcomeUnknownError) Error() string {
	return fmt.Sprintf("cluster %s: unknown whether the transaction was committed: %v", e.Cluster, e.Err)
}

func (e *OutcomeUnknownError) Unwrap() error { return e.Err }

// IdentityError says that a database is not the one that its configuration names. Err is [ErrSwapped],
// [ErrForeign], [ErrBlank] or [ErrNotBootstrapped].
type IdentityError struct {
	Cluster string // the name in the configuration
	Found   string // the name in the database, with ErrSwapped
	Err     error
}

func (e *IdentityError) Error() string {
	if e.Found != "" {
		return fmt.Sprintf("cluster %q: %v, %q", e.Cluster, e.Err, e.Found)
	}
	return fmt.Sprintf("cluster %q: %v", e.Cluster, e.Err)
}

func (e *IdentityError) Unwrap() error { return e.Err }

// MissingClustersError says that the installation has clusters that the configuration lacks. Their slots
// would be lost to every client.
type MissingClustersError struct{ Names []string }

func (e *MissingClustersError) Error() string {
	return "the configuration lacks these clusters of the installation: " + strings.Join(e.Names, ", ")
}

// NotOwned is [ErrNotOwned] for some slots of a [Router.ReadMany] closure: it has dealt with the others.
func NotOwned(slots ...Slot) error { return &notOwnedError{slots} }

type notOwnedError struct{ slots []Slot }

func (e *notOwnedError) Error() string        { return fmt.Sprintf("%v: %v", ErrNotOwned, e.slots) }
func (e *notOwnedError) Is(target error) bool { return target == ErrNotOwned }

// Retry is what a closure returns to be run again in a new transaction, after losing a race for a name,
// say. It is run again at most 10 times; then the operation fails with err.
func Retry(err error) error { return &retryError{err} }

type retryError struct{ err error }

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }
