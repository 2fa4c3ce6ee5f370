package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"linkspan/internal/channel"
)

const (
	// DefaultJWKSRefresh is how often a JWKS is read anew.
	DefaultJWKSRefresh = 5 * time.Minute
	// MaxKeyAge is how long the keys of a JWKS are taken while it can't be read again.
	MaxKeyAge = 24 * time.Hour

	// pauseUnknown is the least time between a read and one because a token names a key that is not in the set.
	pauseUnknown = 10 * time.Second
	// pauseFailed is the least time between a read that failed and one because a token came, and the first pause of those
	// that are tried anyway; each failure doubles that up to maxPauseFailed.
	pauseFailed, maxPauseFailed = time.Second, 30 * time.Second
	// readPatience is how long a request waits for a read.
	readPatience = 2 * time.Second
)

// errUnknownKey is the error of a token whose key is not in the JWKS.
var errUnknownKey = errors.New("the key that it names is not in the JWKS, or does not sign by its algorithm")

// jwks is the key set of an identity provider. One goroutine, run, reads it; requests take what was read last. It is safe
// for concurrent use.
type jwks struct {
	url        string
	refresh    time.Duration
	algorithms []string
	client     *http.Client
	logger     *slog.Logger

	last  atomic.Pointer[readSet] // nil before the first
	asked chan struct{}           // somebody wants a read before its time

	mu      sync.Mutex
	ended   time.Time     // of the last read; zero before the first
	failure error         // of the last read
	reading bool          // one is under way
	done    chan struct{} // closed when the read under way, or else the next, has ended
	over    bool          // run has ended
}

// readSet is a key set and when it was read.
type readSet struct {
	*keySet
	at time.Time
}

func newJWKS(url string, refresh time.Duration, algorithms []string, logger *slog.Logger) *jwks {
	return &jwks{
		url: url, refresh: refresh, algorithms: algorithms, logger: logger, client: jwksClient,
		asked: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// current returns the keys that are taken now. The error is a retryable fault: there are none, because the set could not
// be read, or not for MaxKeyAge.
func (j *jwks) current() (*keySet, error) {
	last := j.last.Load()
	if last == nil || time.Since(last.at) >= MaxKeyAge {
		j.mu.Lock()
		defer j.mu.Unlock()
		return nil, keysUnavailable(j.failure)
	}
	return last.keySet, nil
}

// find returns the keys that may have signed a token that names that key (nil: none) and algorithm. If they are not known,
// it has the set read, unless that was a moment ago. The error is errUnknownKey, a retryable fault where nobody can tell
// whether the set has such a key, or that of ctx.
func (j *jwks) find(ctx context.Context, id *string, algorithm string) ([]*publicKey, error) {
	if set, err := j.current(); err == nil {
		if found := set.find(id, algorithm); len(found) > 0 {
			return found, nil
		}
	}
	if err := j.renew(ctx); err != nil {
		return nil, err
	}
	set, err := j.current()
	if err != nil {
		return nil, err
	}
	if found := set.find(id, algorithm); len(found) > 0 {
		return found, nil
	}
	return nil, errUnknownKey
}

// renew has the set read if it was not a moment ago, and waits for that. While reads fail it does not wait.
func (j *jwks) renew(ctx context.Context) error {
	j.mu.Lock()
	pause, failure, done := pauseUnknown, j.failure, j.done
	if failure != nil {
		pause = pauseFailed
	}
	recent := !j.ended.IsZero() && time.Since(j.ended) < pause
	if !recent && !j.reading {
		select {
		case j.asked <- struct{}{}:
		default:
		}
	}
	wait := failure == nil && (j.reading || !recent) && !j.over
	j.mu.Unlock()
	switch {
	case failure != nil:
		return keysUnavailable(failure)
	case !wait:
		return nil
	}
	late := time.NewTimer(readPatience)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
		return keysUnavailable(fmt.Errorf("not read within %v", readPatience))
	case <-ctx.Done():
		return ctx.Err()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failure != nil {
		return keysUnavailable(j.failure)
	}
	return nil
}

// run reads the set at once, whenever it is due, and when it is asked for, until ctx ends.
func (j *jwks) run(ctx context.Context) {
	defer j.end()
	var pause time.Duration
	for failures := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		case <-j.asked:
		}
		j.begin()
		set, err := j.read(ctx)
		if ctx.Err() != nil {
			return
		}
		if pause = j.refresh; err != nil {
			pause = min(pause, maxPauseFailed, pauseFailed<<min(failures, 10))
			failures++
		} else {
			failures = 0
		}
		j.note(ctx, set, err)
	}
}

// read gets the set and parses it.
func (j *jwks) read(ctx context.Context) (set *keySet, err error) {
	defer func() {
		if v := recover(); v != nil { // what comes from outside ends no program
			set, err = nil, panicked(v)
		}
	}()
	body, err := fetchJWKS(ctx, j.client, j.url)
	if err != nil {
		return nil, err
	}
	var before *keySet
	if last := j.last.Load(); last != nil {
		before = last.keySet
	}
	return parseKeySet(body, j.algorithms, before)
}

// begin marks that a read is under way; it answers whoever asked for one until now.
func (j *jwks) begin() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.reading = true
	select {
	case <-j.asked:
	default:
	}
}

// note takes what a read brought, tells the log, and wakes who waits.
func (j *jwks) note(ctx context.Context, set *keySet, err error) {
	last := j.last.Load()
	j.mu.Lock()
	before := j.failure
	if err == nil {
		j.last.Store(&readSet{set, time.Now()})
	}
	j.reading, j.failure, j.ended = false, err, time.Now()
	close(j.done)
	j.done = make(chan struct{})
	j.mu.Unlock()
	switch {
	case err != nil && last == nil:
		j.logger.WarnContext(ctx, "the JWKS can't be read: no token of its keys can be judged", "url", j.url, "err", err)
	case err != nil:
		j.logger.WarnContext(ctx, "the JWKS can't be read: its keys of before are taken until they are too old",
			"url", j.url, "err", err, "until", last.at.Add(MaxKeyAge))
	case last == nil || before != nil || len(set.keys) != len(last.keys) || !last.holds(set.keys):
		j.logger.InfoContext(ctx, "the JWKS was read", "url", j.url, "keys", set.ids())
		if len(set.passed) > 0 {
			j.logger.WarnContext(ctx, "keys of the JWKS are passed over", "url", j.url, "err", errors.Join(set.passed...))
		}
	}
}

// end lets nobody wait for a read that never comes.
func (j *jwks) end() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.over = true
	close(j.done)
}

// ailment is what anybody may know of reads that fail; "": the last did not.
func (j *jwks) ailment() Reason {
	j.mu.Lock()
	failure := j.failure
	j.mu.Unlock()
	if failure == nil {
		return ""
	}
	if _, err := j.current(); err != nil {
		return KeysMissing
	}
	return KeysOld
}

// keysUnavailable is the fault of a request whose token nobody can judge now.
func keysUnavailable(err error) *channel.Fault {
	if err == nil {
		err = errors.New("not read yet")
	}
	return &channel.Fault{
		Code: channel.ShardUnavailable, Retryable: true, Err: fmt.Errorf("JWKS: %w", err),
		Message: "The identity provider's keys, which this token is judged by, are out of reach. Try again.",
	}
}
