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

	lru "github.com/hashicorp/golang-lru/v2"

	"linkspan/internal/channel"
)

const (
	// DefaultJWKSRefresh is how often a JWKS is read anew.
	DefaultJWKSRefresh = 5 * time.Minute
	// MaxKeyAge is how long the keys of a JWKS are taken while it can't be read again.
	MaxKeyAge = 24 * time.Hour

	// pauseUnknown is the least time between two reads because a token names a key that is not in the set.
	pauseUnknown = 10 * time.Second
	// pauseFailed is the least time between a read that failed and one because a token came, and the first pause of those
	// that are tried anyway; each failure doubles that up to maxPauseFailed.
	pauseFailed, maxPauseFailed = time.Second, 30 * time.Second
	// maxSeen is how many ids of keys that were in the set are remembered: those of all its keys now, and as many again.
	maxSeen = 2 * maxKeys
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

	last  atomic.Pointer[readSet]      // nil before the first
	seen  *lru.Cache[string, struct{}] // the ids of keys that were in a set: those of last, and of sets before
	asked chan struct{}                // somebody wants a read before its time

	mu      sync.Mutex
	ended   time.Time     // of the last read; zero before the first
	looked  time.Time     // of the last read that was asked for; zero before the first
	failure error         // of the last read
	wanted  bool          // the read under way was asked for
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
	seen, err := lru.New[string, struct{}](maxSeen)
	if err != nil {
		panic(err) // the size is positive
	}
	return &jwks{
		url: url, refresh: refresh, algorithms: algorithms, logger: logger, client: jwksClient, seen: seen,
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
// it has the set read. The error is errUnknownKey where a read that began since then has no such key, or where one may not
// begin yet and the key was in the set before; a retryable fault where nobody can tell, because reads fail or the pause
// between two of them is not over; or that of ctx.
func (j *jwks) find(ctx context.Context, id *string, algorithm string) ([]*publicKey, error) {
	var late *time.Timer
	for fresh := false; ; {
		if set, err := j.current(); err == nil {
			if found := set.find(id, algorithm); len(found) > 0 {
				return found, nil
			}
		}
		if fresh {
			return nil, errUnknownKey
		}
		if late == nil {
			late = time.NewTimer(readPatience)
			defer late.Stop()
		}
		var left time.Duration
		var err error
		switch fresh, left, err = j.renew(ctx, late.C); {
		case err != nil:
			return nil, err
		case left > 0 && id != nil && j.seen.Contains(*id):
			return nil, errUnknownKey // it is no new key
		case left > 0:
			return nil, keyNotThereYet(left)
		}
	}
}

// renew waits for the read under way, or else has one begun and waits for that, which is fresh then. Where none may begin
// yet, left is how much of the pause is left. It waits for no longer than late, and not at all while reads fail: then the
// error is a retryable fault.
func (j *jwks) renew(ctx context.Context, late <-chan time.Time) (fresh bool, left time.Duration, err error) {
	j.mu.Lock()
	failure, done, over := j.failure, j.done, j.over
	last, pause := j.looked, pauseUnknown
	if failure != nil {
		last, pause = j.ended, pauseFailed
	}
	left = max(pause-time.Since(last), 0)
	if fresh = !j.reading; fresh && left == 0 {
		select {
		case j.asked <- struct{}{}:
		default:
		}
	}
	j.mu.Unlock()
	switch {
	case failure != nil:
		return false, 0, keysUnavailable(failure)
	case over:
		return false, 0, keysUnavailable(errors.New("it is not read any more"))
	case fresh && left > 0:
		return false, left, nil
	}
	select {
	case <-done:
	case <-late:
		return false, 0, keysUnavailable(fmt.Errorf("not read within %v", readPatience))
	case <-ctx.Done():
		return false, 0, ctx.Err()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failure != nil {
		return false, 0, keysUnavailable(j.failure)
	}
	return fresh, 0, nil
}

// run reads the set at once, whenever it is due, and when it is asked for, until ctx ends.
func (j *jwks) run(ctx context.Context) {
	defer j.end()
	var pause time.Duration
	for failures := 0; ; {
		asked := false
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		case <-j.asked:
			asked = true
		}
		j.begin(asked)
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
func (j *jwks) begin(asked bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.reading, j.wanted = true, asked
	select {
	case <-j.asked:
		j.wanted = true
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
		for _, id := range set.ids() {
			j.seen.Add(id, struct{}{})
		}
	}
	j.reading, j.failure, j.ended = false, err, time.Now()
	if j.wanted {
		j.looked = j.ended
	}
	close(j.done)
	j.done = make(chan struct{})
	j.mu.Unlock()
	switch shown := withoutQuery(j.url); {
	case err != nil && last == nil:
		j.logger.WarnContext(ctx, "the JWKS can't be read: no token of its keys can be judged", "url", shown, "err", err)
	case err != nil:
		j.logger.WarnContext(ctx, "the JWKS can't be read: its keys of before are taken until they are too old",
			"url", shown, "err", err, "until", last.at.Add(MaxKeyAge))
	default:
		anew := last == nil || before != nil
		if anew || len(set.keys) != len(last.keys) || !last.holds(set.keys) {
			j.logger.InfoContext(ctx, "the JWKS was read", "url", shown, "keys", set.ids())
		}
		if why := set.why(); why != nil && (anew || !last.passesOver(set.passed)) {
			j.logger.WarnContext(ctx, "keys of the JWKS are passed over", "url", shown, "err", why)
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
func keysUnavailable(err error) error {
	if err == nil {
		err = errors.New("not read yet")
	}
	return later(pauseFailed, &channel.Fault{
		Code: channel.ShardUnavailable, Retryable: true, Err: fmt.Errorf("JWKS: %w", err),
		Message: "The identity provider's keys, which this token is judged by, are out of reach. Try again.",
	})
}

// keyNotThereYet is the fault of a request whose token names a key that may have been published since the last read.
func keyNotThereYet(left time.Duration) error {
	return later(left, &channel.Fault{
		Code: channel.ShardUnavailable, Retryable: true,
		Message: "The key that this token names is not known, and the identity provider's keys were read a moment ago. Try again.",
	})
}
