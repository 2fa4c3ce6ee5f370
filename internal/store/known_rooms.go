package store

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// Most posts find their channel as the one before left it. So how posts left it is remembered, and the next are written by a statement that sees whether
// it is still so (docs/decisions/0034-posts-that-find-their-channel-as-it-was.md): they take one round trip instead of two. What is remembered decides
// nothing: it says which numbers come next, and whose names are noted, which changes with the logs alone.

// maxKnown is how many users of channels are known, with their sides and rooms: some 200 bytes each.
const maxKnown = 50_000

// maxKnownHere is how many are known of one channel.
const maxKnownHere = 500

// knownRooms are the rooms that posts left, those of the latest posts.
type knownRooms struct {
	asKnown, judged atomic.Int64 // posts that were written

	mu      sync.Mutex
	authors int // of all rooms
	lru     *simplelru.LRU[ids.Channel, *knownRoom]
}

// knownRoom is a channel as the last post left it.
type knownRoom struct {
	history ids.History
	server  time.Time // see [version]
	head    int64     // of the log for everyone
	authors int       // of all sides
	sides   map[ids.Group]*knownSide
}

// knownSide is a side that shows the channel to all its users.
type knownSide struct {
	group   channel.Group
	head    int64               // of its private log
	authors map[ids.User]string // the name under which a user is known, to its group and to everyone
}

func newKnownRooms() *knownRooms {
	k := &knownRooms{}
	lru, err := simplelru.NewLRU(maxKnown, func(_ ids.Channel, gone *knownRoom) { k.authors -= gone.authors })
	if err != nil {
		panic(err) // it is for a length below 1 only
	}
	k.lru = lru
	return k
}

// of returns the rooms of posts, each with one side, if they all may be written as it is known: they are for everyone, reply to nothing, and those to a channel
// are of one group, which knows their authors by the names that they have; nil if not.
func (k *knownRooms) of(posts []*post) map[ids.Channel]*room {
	k.mu.Lock()
	defer k.mu.Unlock()
	rooms := make(map[ids.Channel]*room, len(posts))
	for _, p := range posts {
		id := p.channelID()
		known, ok := k.lru.Get(id)
		if !ok || !p.isPublic() || p.isReply() {
			return nil
		}
		side := known.sides[p.group()]
		if side == nil || side.authors[p.author()] != p.authorName() {
			return nil
		}
		switch r := rooms[id]; {
		case r == nil:
			rooms[id] = &room{
				id: id, owned: true, active: true, history: known.history, server: known.server, head: known.head, found: known.head,
				sides: []roomSide{{group: side.group, state: string(channel.ChannelActive), linked: true, head: side.head, found: side.head}},
			}
		case r.sides[0].group.ID != p.group():
			return nil
		}
	}
	return rooms
}

// learn notes how posts that were written left their rooms.
func (k *knownRooms) learn(rooms map[ids.Channel]*room, written []*post) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, r := range rooms {
		known, ok := k.lru.Peek(id)
		switch {
		case !ok:
			continue
		case known.history != r.history || !known.server.Equal(r.server) || known.head != r.found || !r.active:
			k.lru.Remove(id) // others have done something since
			continue
		}
		known.head = r.head
		for _, side := range r.sides {
			if was := known.sides[side.group.ID]; was != nil && was.head == side.found && !side.membersOnly {
				was.head = side.head
			} else if was != nil {
				k.count(known, -len(was.authors))
				delete(known.sides, side.group.ID)
			}
		}
	}
	for _, p := range written {
		r := rooms[p.channelID()]
		if side := r.side(p.group()); !side.membersOnly {
			k.note(r, side, p)
		}
	}
	for k.authors > maxKnown {
		k.lru.RemoveOldest()
	}
}

// note notes the author of a post.
func (k *knownRooms) note(r *room, side *roomSide, p *post) {
	known, ok := k.lru.Get(r.id)
	if !ok {
		known = &knownRoom{history: r.history, server: r.server, head: r.head, sides: map[ids.Group]*knownSide{}}
		k.lru.Add(r.id, known)
	}
	of := known.sides[side.group.ID]
	if of == nil {
		of = &knownSide{group: side.group, head: side.head, authors: map[ids.User]string{}}
		known.sides[side.group.ID] = of
	}
	before := len(of.authors)
	if p.isPublic() {
		of.authors[p.author()] = p.authorName()
	} else { // what the others know it by is another matter
		delete(of.authors, p.author())
	}
	if k.count(known, len(of.authors)-before); known.authors > maxKnownHere {
		k.lru.Remove(r.id)
	}
}

func (k *knownRooms) count(known *knownRoom, more int) {
	known.authors += more
	k.authors += more
}

// forget forgets rooms in which something else has happened, or nobody knows what.
func (k *knownRooms) forget(rooms ...ids.Channel) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range rooms {
		k.lru.Remove(id)
	}
}

// Posts returns how many posts were written since the start as it was known that they would find their channels, and how many were judged first.
func (s *Store) Posts() (asKnown, judged int64) {
	return s.lanes.known.asKnown.Load(), s.lanes.known.judged.Load()
}
