package live

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// lists are the groups' lists of channels that somebody watches, and what is known of where each channel stands. Like logs
// they are told by hints at once, and by a poll what hints missed; unlike them they keep no events, only that there were some.
type lists struct {
	hub    *Hub
	outage outage
	asked  chan struct{} // something is due

	mu     sync.Mutex // hub.mu may be taken with it held, never the other way round
	groups map[ids.Group]*list
	due    map[channel.LogKey]channel.LogHead // to be read, for a hint did not say enough
}

// list is what is known of the channels of a group that somebody watches. It is guarded by lists.mu.
type list struct {
	group    ids.Group
	begun    *beginning
	listed   int64                           // where the group's list was read to
	channels map[ids.Channel]channel.LogHead // zero: not read yet, or not for the group
	readers  map[ids.User]*reader
}

// reader is a user who watches, on one device or several. It is guarded by lists.mu.
type reader struct {
	begun    *beginning
	read     map[ids.Channel]channel.Place
	watching map[*watching]struct{}
}

// beginning is the first read of something; err is set when done is closed.
type beginning struct {
	done chan struct{}
	err  error
}

func newLists(h *Hub) *lists {
	return &lists{
		hub: h, outage: outage{logger: h.cfg.Logger}, asked: make(chan struct{}, 1),
		groups: map[ids.Group]*list{}, due: map[channel.LogKey]channel.LogHead{},
	}
}

// run reads what is due, and polls, until ctx ends.
func (a *lists) run(ctx context.Context) {
	tick := time.NewTicker(a.hub.cfg.Poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.asked:
			a.readDue(ctx)
		case <-tick.C:
			a.poll(ctx)
		}
	}
}

// hint takes in "channel has reached n for a side". It never waits.
func (a *lists) hint(key channel.LogKey, reached int64) {
	if key.Kind != ids.LogChannel {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.groups[key.Side]
	if l == nil {
		return
	}
	id := key.ID.Channel()
	head, known := l.channels[id]
	switch {
	case !known, reached == math.MaxInt64: // a new channel, or nobody knows how far it is
		a.due[key] = head
		select {
		case a.asked <- struct{}{}:
		default:
		}
	case reached > head.Number:
		head.Number = reached
		l.channels[id] = head
		l.moved(id)
	}
}

// marked takes in that a user has read on. It never waits.
func (a *lists) marked(m channel.Marked) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r := a.reader(m.User); r.knows(m) {
		for w := range r.watching {
			w.add(m.Channel)
		}
	}
}

// reader returns the user as one who watches; nil: it does not. It needs lists.mu.
func (a *lists) reader(user ids.User) *reader {
	if l := a.groups[user.Group]; l != nil {
		return l.readers[user]
	}
	return nil
}

// knows notes how far the user has read, and reports whether that is further than was known. It needs lists.mu.
func (r *reader) knows(m channel.Marked) bool {
	if r == nil || !r.read[m.Channel].Before(m.UpTo) {
		return false
	}
	r.read[m.Channel] = m.UpTo
	return true
}

// moved tells all who watch the list. It needs lists.mu.
func (l *list) moved(id ids.Channel) {
	for _, r := range l.readers {
		for w := range r.watching {
			w.add(id)
		}
	}
}

// readDue reads the heads that hints did not tell.
func (a *lists) readDue(ctx context.Context) {
	a.mu.Lock()
	due := a.due
	a.due = map[channel.LogKey]channel.LogHead{}
	a.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if err := a.readHeads(ctx, due, false); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		a.outage.begin(err)
	}
}

// poll finds what no hint told: new channels, events, and how far the users who watch have read.
func (a *lists) poll(ctx context.Context) {
	behind := a.listed()
	if len(behind) == 0 {
		a.outage.forget()
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	found, err := a.hub.cfg.Reader.ListedChannels(ctx, behind)
	for group, channels := range found {
		a.add(group, channels)
	}
	heads, readers := a.known(nil)
	err = errors.Join(err, a.readHeads(ctx, heads, false), a.readMarks(ctx, heads, readers, a.marked))
	switch {
	case err == nil:
		a.outage.end()
	case !errors.Is(ctx.Err(), context.Canceled):
		a.outage.begin(err)
	}
}

// listed returns where the lists were read to that somebody watches and whose first read has ended.
func (a *lists) listed() map[ids.Group]int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	behind := make(map[ids.Group]int64, len(a.groups))
	for group, l := range a.groups {
		if l.begun.ended() {
			behind[group] = l.listed
		}
	}
	return behind
}

// add takes in channels that a group has in its list.
func (a *lists) add(group ids.Group, channels []channel.Row[ids.Channel]) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.groups[group]
	if l == nil {
		return
	}
	for _, row := range channels {
		if _, ok := l.channels[row.Value]; !ok {
			l.channels[row.Value] = channel.LogHead{}
		}
		l.listed = max(l.listed, row.Position)
	}
}

// known returns what is known of a list, or of all whose first read has ended, and who watches.
func (a *lists) known(only *list) (heads map[channel.LogKey]channel.LogHead, readers []ids.User) {
	a.mu.Lock()
	defer a.mu.Unlock()
	heads = map[channel.LogKey]channel.LogHead{}
	for _, l := range a.groups {
		if l != only && (only != nil || !l.begun.ended()) {
			continue
		}
		for id, head := range l.channels {
			heads[channel.ChannelLogOf(id, l.group)] = head
		}
		for user := range l.readers {
			readers = append(readers, user)
		}
	}
	return heads, readers
}

// readHeads reads where channels stand of which that was known before. First says that nobody need hear of what was not.
func (a *lists) readHeads(ctx context.Context, before map[channel.LogKey]channel.LogHead, first bool) error {
	if len(before) == 0 {
		return nil
	}
	keys := make([]channel.LogKey, 0, len(before))
	for key := range before {
		keys = append(keys, key)
	}
	heads, err := a.hub.cfg.Reader.LogHeads(ctx, keys)
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, was := range before {
		if l := a.groups[key.Side]; l != nil {
			head, found := heads[key]
			if found || err == nil { // else it is not known whether it is there
				l.take(key.ID.Channel(), was, head, first)
			}
		}
	}
	return err
}

// take takes in where a channel stands, zero: it is not for the group, by a read that began when was was known of it. It
// needs lists.mu.
func (l *list) take(id ids.Channel, was, head channel.LogHead, first bool) {
	now, known := l.channels[id]
	gone, anew := head == channel.LogHead{}, now == channel.LogHead{}
	if !gone {
		l.inReach(id)
	}
	if head == now || gone && !known {
		return
	}
	sameHistory := now.History == head.History || now.History.IsZero()
	if now != was && sameHistory && head.Number < now.Number {
		return // a hint was quicker than the read
	}
	l.channels[id] = head
	if sameHistory && head.Number == now.Number && !anew || first && anew {
		return
	}
	l.moved(id)
}

// inReach returns a channel to those who could not read it. It needs lists.mu.
func (l *list) inReach(id ids.Channel) {
	for _, r := range l.readers {
		for w := range r.watching {
			if _, ok := w.later[id]; ok {
				delete(w.later, id)
				w.add(id)
			}
		}
	}
}

// readMarks reads how far users have read in channels, and has take take that in.
func (a *lists) readMarks(ctx context.Context, channels map[channel.LogKey]channel.LogHead, users []ids.User, take func(channel.Marked)) error {
	if len(channels) == 0 || len(users) == 0 {
		return nil
	}
	keys := make([]channel.LogKey, 0, len(channels))
	for key := range channels {
		keys = append(keys, key)
	}
	marks, err := a.hub.cfg.Reader.ReadUpTo(ctx, keys, users)
	for _, m := range marks {
		take(m)
	}
	return err
}

// markedBefore takes in how far a user had read when it began to watch.
func (a *lists) markedBefore(m channel.Marked) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reader(m.User).knows(m)
}

func (b *beginning) ended() bool {
	select {
	case <-b.done:
		return b.err == nil
	default:
		return false
	}
}

// close calls everybody who waits.
func (a *lists) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, l := range a.groups {
		for _, r := range l.readers {
			for w := range r.watching {
				w.callOnce()
			}
		}
	}
}

// watchers counts those who watch, once they are told of all that moves.
func (a *lists) watchers() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, l := range a.groups {
		for _, r := range l.readers {
			if l.begun.ended() && r.begun.ended() {
				n += len(r.watching)
			}
		}
	}
	return n
}
