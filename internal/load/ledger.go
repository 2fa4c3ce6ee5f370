package load

import (
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// ledger has an account for each subscriber of the messages that it read.
type ledger struct {
	from     atomic.Int64 // messages that were sent before that time (nanoseconds since 1970) have no delay
	accounts []account
	read     atomic.Int64 // messages that came for the first time, of all subscribers
	probed   atomic.Int64 // subscribers that have read a probe
	stuffed  atomic.Int64 // what was posted to stuff slow subscribers and came, of all subscribers
}

// account is for the one goroutine of its subscriber.
type account struct {
	probed    bool
	writers   []seen
	delays    []time.Duration
	doubled   int
	unordered int // came behind a later one of the same writer
	order     maphash.Hash
}

// seen is which of a writer's messages came.
type seen struct {
	bits []uint64
	next int // behind the latest
}

func newLedger(subscribers, writers int) *ledger {
	l := &ledger{accounts: make([]account, subscribers)}
	seed := maphash.MakeSeed()
	for i := range l.accounts {
		l.accounts[i].writers = make([]seen, writers)
		l.accounts[i].order.SetSeed(seed)
	}
	return l
}

// take notes that a subscriber read a mark, and returns whether it is a message that came for the first time.
func (l *ledger) take(subscriber int, m mark, at time.Time) (first bool) {
	a := &l.accounts[subscriber]
	if m.writer == 0 && m.number >= firstStuffing {
		l.stuffed.Add(1)
		return false
	}
	if m.writer == 0 || m.writer > len(a.writers) {
		if !a.probed {
			a.probed = true
			l.probed.Add(1)
		}
		return false
	}
	of := &a.writers[m.writer-1]
	if of.has(m.number) {
		a.doubled++
		return false
	}
	of.add(m.number)
	if m.number < of.next {
		a.unordered++
	}
	of.next = max(of.next, m.number+1)
	maphash.WriteComparable(&a.order, [2]int{m.writer, m.number})
	if m.sent >= l.from.Load() {
		a.delays = append(a.delays, m.delay(at))
	}
	l.read.Add(1)
	return true
}

func (s *seen) has(number int) bool {
	word := number / 64
	return word < len(s.bits) && s.bits[word]&(1<<(number%64)) != 0
}

func (s *seen) add(number int) {
	for number/64 >= len(s.bits) {
		s.bits = append(s.bits, 0)
	}
	s.bits[number/64] |= 1 << (number % 64)
}

// Faults are what must not happen between a post and its subscribers; those of all subscribers together. A message whose
// post got no good answer may come or not.
type Faults struct {
	Lost    int `json:"lost"`
	Doubled int `json:"doubled"`
	// Unordered came behind a later message of the same connection, which had waited for its answer.
	Unordered int `json:"unordered"`
	// Disagreeing are subscribers that read all messages, but in another order than most do.
	Disagreeing int `json:"disagreeing"`
	// Ended are subscribers that ended before their time.
	Ended int `json:"ended"`
}

// faults judges the accounts of subscribers that do not read any more.
func (l *ledger) faults(all []written) (f Faults) {
	orders, complete := map[uint64]int{}, 0
	for i := range l.accounts {
		a := &l.accounts[i]
		before := f.Lost
		for writer, done := range all {
			for number := range done.sent {
				if !done.failed[number] && !a.writers[writer].has(number) {
					f.Lost++
				}
			}
		}
		f.Doubled += a.doubled
		f.Unordered += a.unordered
		if f.Lost == before {
			orders[a.order.Sum64()]++
			complete++
		}
	}
	if complete > 0 {
		f.Disagreeing = complete - slices.Max(slices.Collect(maps.Values(orders)))
	}
	return f
}

// Check returns what is wrong; nil: nothing.
func (f Faults) Check() error {
	var all []error
	for _, fault := range []struct {
		count int
		what  string
	}{
		{f.Lost, "messages did not arrive"}, {f.Doubled, "messages arrived more than once"},
		{f.Unordered, "messages arrived behind later ones of the same connection"},
		{f.Disagreeing, "subscribers read in another order than most"}, {f.Ended, "subscribers ended before their time"},
	} {
		if fault.count > 0 {
			all = append(all, fmt.Errorf("%d %s", fault.count, fault.what))
		}
	}
	return errors.Join(all...)
}
