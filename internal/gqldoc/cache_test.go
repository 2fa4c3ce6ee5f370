package gqldoc

import (
	"fmt"
	"sync"
	"testing"
)

// TestCacheBounds keeps the cache within its entries and its bytes, whatever comes.
func TestCacheBounds(t *testing.T) {
	t.Parallel()
	c := newCache(100, 10_000)
	for i := range 10_000 {
		c.add(fmt.Sprint(i), &document{}, i%300)
		if i%3 == 0 {
			c.get(fmt.Sprint(i))
		}
		if i%7 == 0 {
			c.get(fmt.Sprint(i - 20))
		}
		if n, bytes := len(c.entries), c.new.bytes+c.proven.bytes; n > 100 || bytes > 10_000 || n != c.new.Len()+c.proven.Len() {
			t.Fatalf("after %d documents: %d entries (%d new, %d proven), %d bytes", i, n, c.new.Len(), c.proven.Len(), bytes)
		}
	}
	if c.proven.Len() == 0 || c.new.Len() == 0 {
		t.Errorf("%d new, %d proven", c.new.Len(), c.proven.Len())
	}
	c.add("too large", &document{}, 10_000/largestOf+1)
	if c.get("too large") != nil {
		t.Error("a document that is too large was kept")
	}
}

// TestCacheFlood keeps what was asked for twice, however many new documents come once.
func TestCacheFlood(t *testing.T) {
	t.Parallel()
	c := newCache(100, 1<<20)
	kept := &document{}
	c.add("kept", kept, 100)
	if c.get("kept") != kept {
		t.Fatal("it was not kept at all")
	}
	for i := range 10_000 {
		c.add(fmt.Sprint(i), &document{}, 100)
	}
	if c.get("kept") != kept {
		t.Error("a flood of new documents pushed it out")
	}
	if c.get("9999") == nil || c.get("5") != nil {
		t.Error("of new documents the last are not those that are kept")
	}
	for i := range 10_000 { // now documents that come twice: these are worth as much
		c.add(fmt.Sprint("twice", i), &document{}, 100)
		c.get(fmt.Sprint("twice", i))
	}
	if c.get("kept") != nil {
		t.Error("it is kept for good")
	}
}

// TestCacheConcurrently uses one cache from many goroutines.
func TestCacheConcurrently(t *testing.T) {
	t.Parallel()
	c := newCache(10, 10_000)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 1000 {
				text := fmt.Sprint((i + g) % 15)
				if c.get(text) == nil {
					c.add(text, &document{}, 100)
				}
			}
		})
	}
	all.Wait()
	if len(c.entries) != 10 {
		t.Errorf("%d entries", len(c.entries))
	}
}
