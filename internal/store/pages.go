package store

import (
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// Pages of messages are kept in memory (docs/decisions/0033-pages-that-a-statement-confirms.md): the first and the last of a channel, as the users
// of a group see them. What a page shows hangs on nothing but the group and where the channel's log stands for it, and on the one user where
// somebody has reacted. So the statement that says whether the reader may see the channel says with it whether the page is still the one that
// was kept; no page is shown that a statement did not confirm.

// PagesMB says how much memory pages take at most, in MB; 0: none are kept.
func PagesMB(most int) Option { return func(s *Store) { s.pages.most = most << 20 } }

// DefaultPagesMB is what pages take where nothing else is said.
const DefaultPagesMB = 128

// pages are those that are kept, by channel: the channel that was opened least lately goes first.
type pages struct {
	most int // bytes

	confirmed, read atomic.Int64

	mu    sync.Mutex
	bytes int
	of    *simplelru.LRU[ids.Channel, map[pageKey]*page]
}

// pageKey says for whom a page of a channel is, and which it is.
type pageKey struct {
	group    ids.Group
	user     ids.User // zero: any of the group
	limit    int
	backward bool
}

// page is a page as it was read. Nobody changes it, or its messages.
type page struct {
	rows    channel.MessageRows
	bytes   int
	unquiet bool // in its place was one of another time: this one has not been confirmed yet
}

func newPages() *pages {
	// The length is bounded by what the channels take; the library wants one.
	of, err := simplelru.NewLRU[ids.Channel, map[pageKey]*page](1<<30, nil)
	if err != nil {
		panic(err) // it is for a length below 1 only
	}
	return &pages{most: DefaultPagesMB << 20, of: of}
}

// keyOf is the key of a page for a reader; no page is kept for nobody in particular, nor where a cursor bounds it.
func keyOf(reader channel.Reader, r *channel.MessageRange) (pageKey, bool) {
	if r == nil || r.After != nil || r.Before != nil || reader.User.IsZero() {
		return pageKey{}, false
	}
	return pageKey{reader.User.Group, reader.User, r.Limit, r.Backward}, true
}

func (k pageKey) ofAny() pageKey {
	k.user = ids.User{}
	return k
}

// find returns a page that is worth confirming; nil: none.
func (p *pages) find(id ids.Channel, reader channel.Reader, r *channel.MessageRange) *page {
	key, ok := keyOf(reader, r)
	if !ok || p.most == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	kept, _ := p.of.Get(id)
	found := kept[key.ofAny()]
	if found == nil {
		found = kept[key]
	}
	if found == nil || found.unquiet {
		return nil
	}
	return found
}

// keep keeps a page that was read with a channel, in place of those that it makes old, and has its rows keep what is written of them. Of a channel that is
// kept to some it is for the reader alone: to confirm it is quicker than to find that there is no such channel.
func (p *pages) keep(c *channel.SharedChannel, reader channel.Reader, r *channel.MessageRange, rows *channel.MessageRows) {
	id := c.ID
	key, ok := keyOf(reader, r)
	if !ok || p.most == 0 {
		return
	}
	forAll := c.Own != nil && c.Own.Visibility != nil && *c.Own.Visibility == channel.SideEveryone
	if forAll && !slices.ContainsFunc(rows.Messages, func(m *channel.Message) bool { return len(m.Reactions) > 0 }) {
		key = key.ofAny()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	kept, ok := p.of.Get(id)
	if !ok {
		kept = map[pageKey]*page{}
	}
	made := &page{bytes: sizeOf(rows)}
	rows.Written = new(channel.Written)
	for old, was := range kept {
		if old.ofAny() != key.ofAny() || old != key && was.rows.Log.Is(rows.Log) {
			continue
		}
		if was.rows.Log.Is(rows.Log) {
			rows.Written = was.rows.Written
		} else {
			made.unquiet = true
		}
		p.bytes -= was.bytes
		delete(kept, old)
	}
	made.rows = copied(*rows)
	kept[key] = made
	p.bytes += made.bytes
	p.of.Add(id, kept)
	for p.bytes > p.most {
		_, old, ok := p.of.RemoveOldest()
		if !ok {
			break
		}
		p.bytes -= sizeOfAll(old)
	}
}

// drop forgets the pages of a channel in which something has happened, of one group where it is for that alone: what the others read takes
// as long as ever.
func (p *pages) drop(id ids.Channel, owner ids.Group) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept, _ := p.of.Peek(id)
	for key, was := range kept {
		if owner.IsZero() || key.group == owner {
			p.bytes -= was.bytes
			delete(kept, key)
		}
	}
	if len(kept) == 0 {
		p.of.Remove(id)
	}
}

// Pages returns about how many bytes the pages take that are kept, and how many were opened since the start: confirmed by a statement, and read.
func (s *Store) Pages() (bytes int, confirmed, read int64) {
	s.pages.mu.Lock()
	defer s.pages.mu.Unlock()
	return s.pages.bytes, s.pages.confirmed.Load(), s.pages.read.Load()
}

// copied are rows with messages of their own: those who show a page note with its messages what is shown together.
func copied(rows channel.MessageRows) channel.MessageRows {
	if rows.Messages == nil {
		return rows
	}
	messages := make([]channel.Message, len(rows.Messages))
	copies := make([]*channel.Message, len(rows.Messages))
	for i, m := range rows.Messages {
		messages[i] = *m
		copies[i] = &messages[i]
	}
	rows.Messages = copies
	return rows
}

func sizeOfAll(kept map[pageKey]*page) (bytes int) {
	for _, p := range kept {
		bytes += p.bytes
	}
	return bytes
}

// sizeOf is about what a page takes, with two texts of it.
func sizeOf(rows *channel.MessageRows) int {
	const perPage, perMessage, textsPerMessage, texts = 1024, int(unsafe.Sizeof(channel.Message{})) + 160, 700, 2
	bytes := perPage
	for _, m := range rows.Messages {
		body := 0
		if m.Body != nil {
			body = len(*m.Body)
		}
		more := 200 * (len(m.Reactions) + len(m.Mentioned))
		bytes += perMessage + body + more + texts*(textsPerMessage+body+more)
	}
	return bytes
}
