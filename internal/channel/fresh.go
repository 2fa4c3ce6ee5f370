package channel

import (
	"sync"
	"time"

	"linkspan/internal/ids"
)

// Bounds of what is kept of fresh messages. What is beyond is read.
const (
	maxFresh      = 16_384  // messages, with those that must be read; and users
	maxFreshBytes = 8 << 20 // of their bodies
)

// FreshMessages are what this process posted within the last second, so that its subscribers need not read it. A message is there
// as whoever may see it would read it, but for what other processes have done since: that is for the caller of find to know.
// From when this process sets out to change a message, or to act for its author under another name, it has to be read. The zero
// value is ready; of nil all has to be read. It is safe for concurrent use.
type FreshMessages struct {
	mu     sync.Mutex
	of     map[ids.Message]*freshMessage
	order  []*freshMessage        // the oldest first
	bytes  int                    // of the bodies
	names  map[participant]string // that they have acted under since the names were last cleared
	older  map[participant]string // that they acted under before
	after  time.Time              // what was begun before is not kept
	clear  *time.Timer
	clears bool // it is set, for there is something
}

// freshMessage is a message that is kept, or one that must not be.
type freshMessage struct {
	id      ids.Message
	noted   time.Time
	message *Message  // nil: it has to be read
	began   time.Time // when its post did: it shows nothing older
}

// severalNames stands for the name of who acts under several; nobody has it.
const severalNames = "\x00"

// participant is a user in a channel.
type participant struct {
	channel ids.Channel
	user    ids.User
}

// before notes that a change is about to be made.
func (f *FreshMessages) before(c *Change) {
	if f == nil {
		return
	}
	changed := c.Message
	if c.Kind == EventMessagePosted {
		changed = c.ReplyTo
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.name(participant{c.Message.Channel, c.By.ID}, c.By.Name)
	switch m := f.of[changed]; {
	case changed.IsZero():
	case m == nil:
		if !f.add(&freshMessage{id: changed}) {
			f.after = time.Now()
		}
	case m.message != nil:
		f.bytes -= len(*m.message.Body)
		m.message = nil
	}
}

// name notes the name that a user acts under. It needs mu.
func (f *FreshMessages) name(who participant, name string) {
	f.clearLater()
	before, known := f.names[who]
	switch {
	case known && before != name:
		f.names[who] = severalNames
	case known || len(f.names) >= maxFresh:
	case f.names == nil:
		f.names = map[participant]string{who: name}
	default:
		f.names[who] = name
	}
}

// actsUnder reports whether a user has acted under that name for a while, and under no other. It needs mu.
func (f *FreshMessages) actsUnder(who participant, name string) bool {
	now, known := f.names[who]
	before, wasKnown := f.older[who]
	return (known || wasKnown) && (!known || now == name) && (!wasKnown || before == name)
}

// posted keeps a message whose post began then, unless something has been done to it since.
func (f *FreshMessages) posted(m *Message, began time.Time) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of[m.ID] == nil && began.After(f.after) && time.Since(began) < staleAfter {
		f.add(&freshMessage{id: m.ID, message: m, began: began})
	}
}

// find returns the message that an event tells of, and the time since when it looks so; nil: it has to be read.
func (f *FreshMessages) find(e LogEvent) (*Message, time.Time) {
	if f == nil || e.Kind != EventMessagePosted {
		return nil, time.Time{}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.of[e.Message]
	switch {
	case m == nil, m.message == nil, time.Since(m.began) >= staleAfter:
		return nil, time.Time{}
	case !m.message.CreatedAt.Equal(e.At): // that one was lost with its cluster, and its number given again
		return nil, time.Time{}
	case !f.actsUnder(participant{e.Message.Channel, m.message.Writer.ID}, m.message.Writer.Name):
		return nil, time.Time{}
	}
	shown := *m.message
	return &shown, m.began
}

// add keeps one more, and sees to it that it goes when it is old; false: there are too many. It needs mu.
func (f *FreshMessages) add(m *freshMessage) bool {
	f.drop()
	size := 0
	if m.message != nil {
		size = len(*m.message.Body)
	}
	if len(f.order) >= maxFresh || f.bytes+size > maxFreshBytes {
		return false
	}
	if f.of == nil {
		f.of = map[ids.Message]*freshMessage{}
	}
	m.noted = time.Now()
	f.of[m.id], f.order, f.bytes = m, append(f.order, m), f.bytes+size
	f.clearLater()
	return true
}

// drop lets go of what is not fresh any more. It needs mu.
func (f *FreshMessages) drop() {
	for len(f.order) > 0 && time.Since(f.order[0].noted) >= staleAfter {
		m := f.order[0]
		f.order[0] = nil
		f.order = f.order[1:]
		delete(f.of, m.id)
		if m.message != nil {
			f.bytes -= len(*m.message.Body)
		}
	}
}

// clearLater has the old dropped in a while, and then again and again until there is none. It needs mu.
func (f *FreshMessages) clearLater() {
	switch {
	case f.clears:
	case f.clear == nil:
		f.clear = time.AfterFunc(staleAfter, f.clearOld)
	default:
		f.clear.Reset(staleAfter)
	}
	f.clears = true
}

// clearOld lets go of what is old: names are kept for a second at least, as long as there is a message that they could be of.
func (f *FreshMessages) clearOld() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop()
	f.older, f.names = f.names, nil
	if f.clears = len(f.order)+len(f.older) > 0; f.clears {
		f.clear.Reset(staleAfter)
	} else {
		f.of, f.order = nil, nil
	}
}
