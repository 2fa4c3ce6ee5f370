package store

import (
	"slices"
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

const (
	maxKnown     = 50_000 // channels and their users: some 400 bytes for each channel, 100 for each user
	maxKnownHere = 500    // users of one channel
)

// knownRooms are the channels that were posted to last, as the posts left them.
type knownRooms struct {
	// posts that were written as their channels were known, or judged first, and those that were to be written as known and found their channel changed
	asKnown, judged, inVain atomic.Int64

	mu   sync.Mutex
	held int // of maxKnown
	lru  *simplelru.LRU[ids.Channel, *knownRoom]
}

// knownRoom is a channel as the last post left it.
type knownRoom struct {
	history ids.History
	server  time.Time // see [version]
	head    int64     // of the log for everyone
	users   int       // of all sides
	sides   []*knownSide
	unquiet bool // others did something for everyone between the last two posts: where they do all the time, to write as it is known is in vain
}

// knownSide is a side that shows the channel to all its users.
type knownSide struct {
	group   channel.Group
	head    int64 // of its private log
	users   []knownUser
	unquiet bool // as of its channel, by what is for the group alone
}

// knownUser is a user whom its group and everyone know by one name.
type knownUser struct {
	id   ids.User
	name string
}

func newKnownRooms() *knownRooms {
	k := &knownRooms{}
	lru, err := simplelru.NewLRU(maxKnown, func(_ ids.Channel, gone *knownRoom) { k.held -= 1 + gone.users })
	if err != nil {
		panic(err) // it is for a length below 1 only
	}
	k.lru = lru
	return k
}

func (k *knownRoom) side(group ids.Group) *knownSide {
	if i := slices.IndexFunc(k.sides, func(s *knownSide) bool { return s.group.ID == group }); i >= 0 {
		return k.sides[i]
	}
	return nil
}

func (s *knownSide) place(user ids.User) int {
	return slices.IndexFunc(s.users, func(u knownUser) bool { return u.id == user })
}

// knows reports whether the author of a post is noted by the name that it has.
func (s *knownSide) knows(p *post) bool {
	i := s.place(p.author())
	return i >= 0 && s.users[i].name == p.authorName()
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
		if !ok || known.unquiet || !p.isPublic() || p.isReply() {
			return nil
		}
		side := known.side(p.group())
		if side == nil || side.unquiet || !side.knows(p) {
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

// learn notes how posts that were written, in their order, left their rooms.
func (k *knownRooms) learn(rooms map[ids.Channel]*room, written []*post) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, r := range rooms {
		known, ok := k.lru.Peek(id)
		if !ok {
			continue
		}
		if known.unquiet = known.history != r.history || !known.server.Equal(r.server) || known.head != r.found; known.unquiet {
			k.reset(known, r)
			continue
		}
		known.head = r.head
		known.sides = slices.DeleteFunc(known.sides, func(was *knownSide) bool {
			now := r.side(was.group.ID)
			gone := now == nil || now.membersOnly
			if gone || was.head != now.found {
				k.empty(known, was)
			}
			if !gone {
				was.unquiet, was.head = was.head != now.found, now.head
			}
			return gone
		})
	}
	for _, p := range written {
		r := rooms[p.channelID()]
		k.note(r, r.side(p.group()), p)
	}
	for k.held > maxKnown {
		k.lru.RemoveOldest()
	}
}

// reset has a channel be known anew.
func (k *knownRooms) reset(known *knownRoom, r *room) {
	k.count(known, -known.users)
	known.history, known.server, known.head, known.sides = r.history, r.server, r.head, nil
}

// note notes the author of a post for everyone. What everyone knows the author of another by is another matter.
func (k *knownRooms) note(r *room, side *roomSide, p *post) {
	known, ok := k.lru.Get(r.id)
	if !ok && p.isPublic() {
		known, ok = &knownRoom{history: r.history, server: r.server, head: r.head}, true
		k.lru.Add(r.id, known)
		k.held++
	}
	if !ok || side.membersOnly {
		return
	}
	of := known.side(side.group.ID)
	if of == nil && p.isPublic() {
		of = &knownSide{group: side.group, head: side.head}
		known.sides = append(known.sides, of)
	}
	if of == nil {
		return
	}
	switch i := of.place(p.author()); {
	case i >= 0 && p.isPublic():
		of.users[i].name = p.authorName()
	case i >= 0:
		of.users = slices.Delete(of.users, i, i+1)
		k.count(known, -1)
	case p.isPublic():
		of.users = append(of.users, knownUser{p.author(), p.authorName()})
		k.count(known, 1)
	}
	if known.users > maxKnownHere {
		k.reset(known, r)
	}
}

// empty takes all users off a side.
func (k *knownRooms) empty(known *knownRoom, side *knownSide) {
	k.count(known, -len(side.users))
	side.users = nil
}

func (k *knownRooms) count(known *knownRoom, more int) {
	known.users += more
	k.held += more
}

// forget forgets a channel in which something has happened, or a side of it where that was for the owner alone: how long the posts of others take must not
// tell of it.
func (k *knownRooms) forget(id ids.Channel, owner ids.Group) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if owner.IsZero() {
		k.lru.Remove(id)
		return
	}
	if known, ok := k.lru.Peek(id); ok {
		if side := known.side(owner); side != nil {
			k.empty(known, side)
			known.sides = slices.DeleteFunc(known.sides, func(s *knownSide) bool { return s == side })
		}
	}
}

// judge has posts to channels be judged until one finds its channel as the post before it left it.
func (k *knownRooms) judge(channels ...ids.Channel) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range channels {
		if known, ok := k.lru.Peek(id); ok {
			known.unquiet = true
		}
	}
}

// Posts returns how many posts were written since the start to channels that were as they are known, and how many were judged first; and how many were to
// be written as known in vain.
func (s *Store) Posts() (asKnown, judged, inVain int64) {
	known := s.lanes.known
	return known.asKnown.Load(), known.judged.Load(), known.inVain.Load()
}
