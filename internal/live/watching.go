package live

import (
	"context"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// watching implements [channel.Watching]: which channels of its group's list have moved for one subscriber. It is guarded by
// lists.mu.
type watching struct {
	lists  *lists
	list   *list
	user   ids.User
	moved  []ids.Channel // in the order in which they moved first
	queued map[ids.Channel]struct{}
	later  map[ids.Channel]struct{} // could not be read
	call   func()                   // who waits for one to move
	closed bool
}

// Watch implements [channel.Hub]. It reads the group's list with where its channels stand, at the same time as others once for
// all of them, and how far the user has read; who watches already has that done. If the cluster of the list is out of reach it
// returns the reader's error.
func (h *Hub) Watch(ctx context.Context, user ids.User) (channel.Watching, error) {
	w, begun := h.lists.enter(user)
	for _, b := range begun {
		var err error
		select {
		case <-b.done:
			err = b.err
		case <-ctx.Done():
			err = ctx.Err()
		case <-h.ctx.Done():
			err = channel.ErrHubClosed
		}
		if err != nil {
			w.Close()
			return nil, err
		}
	}
	if h.ctx.Err() != nil {
		w.Close()
		return nil, channel.ErrHubClosed
	}
	return w, nil
}

// enter registers a subscriber, so that hints reach it from here on, and has read what is not known yet.
func (a *lists) enter(user ids.User) (*watching, []*beginning) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.groups[user.Group]
	if l == nil {
		l = &list{group: user.Group, channels: map[ids.Channel]channel.LogHead{}, readers: map[ids.User]*reader{}}
		a.groups[user.Group] = l
	}
	l.begun = a.begin(l.begun, func(ctx context.Context) error { return a.readList(ctx, l) })
	r := l.readers[user]
	if r == nil {
		r = &reader{read: map[ids.Channel]channel.Place{}, watching: map[*watching]struct{}{}}
		l.readers[user] = r
	}
	listBegun := l.begun
	r.begun = a.begin(r.begun, func(ctx context.Context) error {
		select {
		case <-listBegun.done:
		case <-ctx.Done():
			return outOfTime(ctx.Err())
		}
		if listBegun.err != nil {
			return listBegun.err
		}
		heads, _ := a.known(l)
		if err := a.readMarks(ctx, heads, []ids.User{user}, a.markedBefore); err != nil {
			a.outage.begin(err) // what was not read is heard of once it is
		}
		return nil
	})
	w := &watching{lists: a, list: l, user: user, queued: map[ids.Channel]struct{}{}, later: map[ids.Channel]struct{}{}}
	r.watching[w] = struct{}{}
	return w, []*beginning{l.begun, r.begun}
}

// begin returns the read that has begun before, unless that failed, or begins one. It needs lists.mu.
func (a *lists) begin(before *beginning, read func(ctx context.Context) error) *beginning {
	if before != nil {
		select {
		case <-before.done:
			if before.err == nil {
				return before
			}
		default:
			return before
		}
	}
	b := &beginning{done: make(chan struct{})}
	a.hub.spawn(func() {
		defer close(b.done)
		ctx, cancel := context.WithTimeout(a.hub.ctx, readTimeout)
		defer cancel()
		b.err = read(ctx)
	})
	return b
}

// readList reads a list for the first time, and where its channels stand.
func (a *lists) readList(ctx context.Context, l *list) error {
	found, err := a.hub.cfg.Reader.ListedChannels(ctx, map[ids.Group]int64{l.group: 0})
	channels, ok := found[l.group]
	if !ok {
		return outOfTime(err)
	}
	a.add(l.group, channels)
	heads, _ := a.known(l)
	if err := a.readHeads(ctx, heads, true); err != nil {
		a.outage.begin(err) // what was not read is heard of once it is
	}
	return nil
}

// add notes that a channel moved, once however often it did. It needs lists.mu.
func (w *watching) add(id ids.Channel) {
	if _, ok := w.queued[id]; ok {
		return
	}
	w.queued[id] = struct{}{}
	w.moved = append(w.moved, id)
	w.callOnce()
}

// callOnce calls who waits. It needs lists.mu.
func (w *watching) callOnce() {
	if f := w.call; f != nil {
		w.call = nil
		f()
	}
}

// over reports whether nothing more is to come. It needs lists.mu.
func (w *watching) over() bool { return w.closed || w.lists.hub.ctx.Err() != nil }

// Next implements [channel.Watching].
func (w *watching) Next() (id ids.Channel, ok bool, err error) {
	w.lists.mu.Lock()
	defer w.lists.mu.Unlock()
	if w.over() {
		return id, false, channel.ErrHubClosed
	}
	if len(w.moved) == 0 {
		return id, false, nil
	}
	id = w.moved[0]
	if w.moved = w.moved[1:]; len(w.moved) == 0 {
		w.moved = nil // its array would outlive what was in it
	}
	delete(w.queued, id)
	return id, true, nil
}

// Later implements [channel.Watching].
func (w *watching) Later(id ids.Channel) {
	w.lists.mu.Lock()
	defer w.lists.mu.Unlock()
	w.later[id] = struct{}{}
}

// Notify implements [channel.Watching].
func (w *watching) Notify(f func()) {
	w.lists.mu.Lock()
	defer w.lists.mu.Unlock()
	w.call = f
	if w.over() || len(w.moved) > 0 {
		w.callOnce()
	}
}

// Close implements [channel.Watching]. With the last who watches, what is known of the list goes.
func (w *watching) Close() {
	a := w.lists
	a.mu.Lock()
	defer a.mu.Unlock()
	if w.closed {
		return
	}
	w.closed, w.call = true, nil
	r := w.list.readers[w.user]
	if delete(r.watching, w); len(r.watching) > 0 {
		return
	}
	if delete(w.list.readers, w.user); len(w.list.readers) == 0 {
		delete(a.groups, w.list.group)
	}
}
