package live

import "linkspan/internal/channel"

// moment is what is known of a log at one time. It does not change once it is published; the next one replaces it, and
// closing over wakes everybody who waits for that.
type moment struct {
	epoch  uint64             // counts the histories, and the times the log went back, since the log is live
	head   channel.LogHead    // the newest event that has been read, in its history
	recent []channel.LogEvent // the newest events, up to head; shared with subscribers, so only ever appended to
	taken  int64              // the newest event that is known to take something back
	whose  int64              // the newest event that is known to tell who of a group sees the channel
	read   int64              // the newest event that was read, not taken from who wrote it
	err    error              // why the last read failed for good
	over   chan struct{}
}

// after returns at most limit events right behind position, or false if they are no longer, or not yet, in memory.
func (m *moment) after(position int64, limit int) ([]channel.LogEvent, bool) {
	begin := position - (m.head.Number - int64(len(m.recent)))
	if begin < 0 || position >= m.head.Number {
		return nil, false
	}
	end := min(int(begin)+limit, len(m.recent))
	return m.recent[begin:end:end], true
}

// begun is the first moment of a log, or of a new history.
func begun(epoch uint64, head channel.LogHead) *moment {
	return &moment{epoch: epoch, head: head, read: head.Number, over: make(chan struct{})}
}

// grown is the moment after m with the events, which are dense behind m's head; at most ring of them all are kept.
// Appending may write behind the end of m.recent into the same memory, which nobody else sees: moments follow each
// other in one line, and only the newest grows.
func (m *moment) grown(events []channel.LogEvent, ring int) *moment {
	next := &moment{epoch: m.epoch, head: m.head, recent: append(m.recent, events...), taken: m.taken, whose: m.whose, read: m.read, over: make(chan struct{})}
	for _, event := range events {
		if event.TakesBack() {
			next.taken = event.Number
		}
		if event.Kind == channel.EventMembersChanged {
			next.whose = event.Number
		}
	}
	next.head.Number += int64(len(events))
	if surplus := len(next.recent) - ring; surplus > 0 {
		next.recent = next.recent[surplus:]
	}
	return next
}

// failed is the moment after m when a read failed for good.
func (m *moment) failed(err error) *moment {
	return &moment{epoch: m.epoch, head: m.head, recent: m.recent, taken: m.taken, whose: m.whose, read: m.read, err: err, over: make(chan struct{})}
}
