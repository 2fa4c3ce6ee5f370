package store

import (
	"hash/maphash"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// Pages of messages are kept in memory (docs/decisions/0033-pages-that-a-statement-confirms.md): the first and the last of a channel that a group takes part
// in, as its users see them, with the channel. What both show hangs on nothing but the group and where the channel's log stands for it, and of a page on the
// one user where somebody has reacted. So the statement that says whether the reader may see the channel says with it whether they are still what was
// kept; nothing is shown that a statement did not confirm.

// PagesMB says how much memory pages take at most, in MB; 0: none are kept.
func PagesMB(most int) Option { return func(s *Store) { s.pages.most = most << 20 } }

// DefaultPagesMB is what pages take where nothing else is said.
const DefaultPagesMB = 128

// pages are those that are kept: the one that was opened least lately goes first.
type pages struct {
	most int // bytes

	confirmed, read atomic.Int64

	mu    sync.Mutex
	bytes int
	lru   *simplelru.LRU[pageKey, *page]
	of    map[ids.Channel]map[pageKey]*page // the same by channel

	seed   maphash.Seed
	opened [1 << 16]uint64 // hashes of those that were opened lately, each at the place that its lower bits say
}

// pageKey says of which channel and for whom a page is, and which it is.
type pageKey struct {
	channel  ids.Channel
	group    ids.Group
	user     ids.User // zero: any of the group
	limit    int
	backward bool
}

// page is a page as it was read, with its channel. Nobody changes it, or its messages.
type page struct {
	key     pageKey
	channel channel.SharedChannel
	rows    channel.MessageRows
	version version
	bytes   int                  // under the lock of all
	unquiet bool                 // in its place was one of another time: this one has not been confirmed yet
	unread  map[ids.User]counted // by who has opened it, of a few
}

// counted is how many messages a user had not read who had read up to a place, as of the page's version.
type counted struct {
	upTo channel.Place
	n    int32
}

// maxCounted is of how many users a page knows what is unread, and countedBytes about what that takes for each.
const maxCounted, countedBytes = 64, 96

// version is of when a page is: two pages with one version are the same. Two servers may have come to tell different things under one number of a
// log, where one took over from the other before it had all that was seen there, though not acknowledged.
type version struct {
	log    channel.LogHead
	server time.Time // when it was started
}

func (v version) is(other version) bool { return v.log.Is(other.log) && v.server.Equal(other.server) }

func newPages() *pages {
	p := &pages{most: DefaultPagesMB << 20, of: map[ids.Channel]map[pageKey]*page{}, seed: maphash.MakeSeed()}
	const unbounded = math.MaxInt // what counts is how many bytes they take
	lru, err := simplelru.NewLRU(unbounded, p.forget)
	if err != nil {
		panic(err) // it is for a length below 1 only
	}
	p.lru = lru
	return p
}

// forget is told of each page that is kept no longer.
func (p *pages) forget(key pageKey, gone *page) {
	p.bytes -= gone.bytes
	kept := p.of[key.channel]
	if delete(kept, key); len(kept) == 0 {
		delete(p.of, key.channel)
	}
}

// keyOf is the key of a page for a reader; no page is kept for nobody in particular, nor where a cursor bounds it.
func (p *pages) keyOf(id ids.Channel, reader channel.Reader, r *channel.MessageRange) (pageKey, bool) {
	if p.most == 0 || r == nil || r.After != nil || r.Before != nil || reader.User.IsZero() {
		return pageKey{}, false
	}
	return pageKey{id, reader.User.Group, reader.User, r.Limit, r.Backward}, true
}

func (k pageKey) ofAny() pageKey {
	k.user = ids.User{}
	return k
}

// find returns a page that is worth confirming (nil: none), and what the reader had not read of it, if that is known.
func (p *pages) find(id ids.Channel, reader channel.Reader, r *channel.MessageRange) (*page, *counted) {
	key, ok := p.keyOf(id, reader, r)
	if !ok {
		return nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	found, ok := p.lru.Get(key.ofAny())
	if !ok {
		found, ok = p.lru.Get(key)
	}
	if !ok || found.unquiet {
		return nil, nil
	}
	if known, ok := found.unread[reader.User]; ok {
		return found, &known
	}
	return found, nil
}

// note notes with a page what its reader had not read of it, behind the moment of the page.
func (p *pages) note(of *page, user ids.User, unread counted) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now, ok := p.lru.Peek(of.key); !ok || now != of {
		return
	}
	if _, ok := of.unread[user]; !ok {
		if len(of.unread) == maxCounted {
			p.grow(of, -maxCounted*countedBytes)
			of.unread = nil
		}
		p.grow(of, countedBytes)
	}
	if of.unread == nil {
		of.unread = map[ids.User]counted{}
	}
	of.unread[user] = unread
	p.makeRoom()
}

func (p *pages) grow(of *page, bytes int) {
	of.bytes += bytes
	p.bytes += bytes
}

// again reports whether a page was opened before, not long ago, and notes that it was. Where there are many channels most that are opened once are gone from
// memory before they are opened again: to keep these costs a seventh of what it takes to read them.
func (p *pages) again(key pageKey) bool {
	hash := maphash.Comparable(p.seed, key)
	place := &p.opened[hash%uint64(len(p.opened))]
	was := *place
	*place = hash
	return was == hash
}

// keep keeps a page that was read with a channel, if that is opened again, in place of those that it makes old, and has its rows keep what is written of them.
// Of a channel that is kept to some it is for the reader alone: to confirm it is quicker than to find that there is no such channel. It returns the page that
// is kept; nil: none.
func (p *pages) keep(c *channel.SharedChannel, reader channel.Reader, r *channel.MessageRange, rows *channel.MessageRows, at version) *page {
	key, ok := p.keyOf(c.ID, reader, r)
	if !ok || !at.log.Is(rows.Log) { // something happened between the statements
		return nil
	}
	p.read.Add(1)
	forAll := c.Own != nil && c.Own.Visibility != nil && *c.Own.Visibility == channel.SideEveryone
	own, other := key, key.ofAny()
	if forAll && !slices.ContainsFunc(rows.Messages, func(m *channel.Message) bool { return len(m.Reactions) > 0 }) {
		own, other = other, own
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !forAll {
		p.dropWhere(c.ID, func(key pageKey) bool { return key.group == own.group && key == key.ofAny() })
	}
	if !p.again(own) && !p.lru.Contains(own) && !p.lru.Contains(other) {
		return nil
	}
	made := &page{key: own, channel: *c, version: at, bytes: sizeOf(c, rows)}
	made.rows.Written = &channel.Written{Takes: func(bytes int) { p.takes(made, bytes) }}
	for _, key := range []pageKey{other, own} {
		was, ok := p.lru.Peek(key)
		if !ok {
			continue
		}
		if made.unquiet = made.unquiet || !was.version.is(at); key == own && was.version.is(at) {
			was.unquiet = false
			rows.Written = was.rows.Written
			return was
		}
		p.lru.Remove(key)
	}
	rows.Written = made.rows.Written
	made.rows = *rows
	p.lru.Add(own, made)
	if p.of[c.ID] == nil {
		p.of[c.ID] = map[pageKey]*page{}
	}
	p.of[c.ID][own] = made
	p.bytes += made.bytes
	p.makeRoom()
	return made
}

// takes notes that a page takes so many bytes more, if it is still kept.
func (p *pages) takes(of *page, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now, ok := p.lru.Peek(of.key); ok && now == of {
		p.grow(of, bytes)
		p.makeRoom()
	}
}

func (p *pages) makeRoom() {
	for p.bytes > p.most {
		p.lru.RemoveOldest()
	}
}

// drop forgets the pages of a channel in which something has happened, of one group where it is for that alone: what the others read takes
// as long as ever.
func (p *pages) drop(id ids.Channel, owner ids.Group) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropWhere(id, func(key pageKey) bool { return owner.IsZero() || key.group == owner })
}

func (p *pages) dropWhere(id ids.Channel, goes func(pageKey) bool) {
	for key := range p.of[id] {
		if goes(key) {
			p.lru.Remove(key)
		}
	}
}

// Pages returns about how many bytes the pages take that are kept, and how many were opened since the start: confirmed by a statement, and read.
func (s *Store) Pages() (bytes int, confirmed, read int64) {
	s.pages.mu.Lock()
	defer s.pages.mu.Unlock()
	return s.pages.bytes, s.pages.confirmed.Load(), s.pages.read.Load()
}

// sizeOf is about what a page and its channel take, without texts.
func sizeOf(c *channel.SharedChannel, rows *channel.MessageRows) int {
	const perPage, perSide, perMessage, perUser = 1024, int(unsafe.Sizeof(channel.ChannelSide{})) + 200, int(unsafe.Sizeof(channel.Message{})) + 160, 200
	bytes := perPage + perSide*(1+len(c.Sides))
	if c.Topic != nil {
		bytes += len(*c.Topic)
	}
	for _, m := range rows.Messages {
		if m.Body != nil {
			bytes += len(*m.Body)
		}
		bytes += perMessage + perUser*(len(m.Reactions)+len(m.Mentioned))
	}
	return bytes
}
