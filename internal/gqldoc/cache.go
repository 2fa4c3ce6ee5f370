package gqldoc

import (
	"container/list"
	"sync"
)

// cache keeps documents by their text, up to a number of entries and about so many bytes. Documents that were asked for
// again are safe from those that were seen once: a flood of new ones, each valid, pushes out only its own kind. It is
// safe for concurrent use.
type cache struct {
	maxEntries, maxBytes int

	mu      sync.Mutex
	entries map[string]*list.Element
	new     generation // seen once; at most what proven ones leave, but always a share
	proven  generation // at most provenShare of each bound
}

// generation is a list of *cached, the one that was used last in front.
type generation struct {
	list.List
	bytes int
}

type cached struct {
	text     string
	document *document
	bytes    int
	in       *generation
}

// Proven documents may take four fifths of the cache, and one document an eighth of what new ones have for sure.
const (
	provenShare, provenOf = 4, 5
	largestOf             = 40
)

func newCache(maxEntries, maxBytes int) *cache {
	return &cache{maxEntries: maxEntries, maxBytes: maxBytes, entries: map[string]*list.Element{}}
}

func (c *cache) get(text string) *document {
	c.mu.Lock()
	defer c.mu.Unlock()
	element := c.entries[text]
	if element == nil {
		return nil
	}
	found := element.Value.(*cached)
	if found.in == &c.proven {
		c.proven.MoveToFront(element)
		return found.document
	}
	c.remove(element)
	c.insert(found, &c.proven)
	for c.proven.Len() > c.maxEntries*provenShare/provenOf || c.proven.bytes > c.maxBytes/provenOf*provenShare {
		last := c.proven.Back()
		c.remove(last)
		c.insert(last.Value.(*cached), &c.new) // not gone yet
	}
	return found.document
}

// peek is get without counting as a use.
func (c *cache) peek(text string) *document {
	c.mu.Lock()
	defer c.mu.Unlock()
	if element := c.entries[text]; element != nil {
		return element.Value.(*cached).document
	}
	return nil
}

// add keeps a document, of about so many bytes, and drops what has not been used for the longest time.
func (c *cache) add(text string, d *document, bytes int) {
	if bytes > c.maxBytes/largestOf {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[text] != nil {
		return // another request was first
	}
	c.insert(&cached{text: text, document: d, bytes: bytes}, &c.new)
	for len(c.entries) > c.maxEntries || c.new.bytes+c.proven.bytes > c.maxBytes {
		c.remove(c.new.Back())
	}
}

func (c *cache) insert(entry *cached, in *generation) {
	entry.in = in
	in.bytes += entry.bytes
	c.entries[entry.text] = in.PushFront(entry)
}

func (c *cache) remove(element *list.Element) {
	entry := element.Value.(*cached)
	entry.in.Remove(element)
	entry.in.bytes -= entry.bytes
	delete(c.entries, entry.text)
}
