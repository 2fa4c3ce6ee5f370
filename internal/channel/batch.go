package channel

import "sync"

// batch is what several objects that are shown together refer to: it is read for all of them when it is first asked for of
// one. Once it has its keys it is safe for concurrent use.
type batch[K comparable, V any] struct {
	keys   []K
	once   sync.Once
	found  map[K]V
	unread map[K]error
}

// batchOf makes a batch of keys.
func batchOf[K comparable, V any](keys ...K) *batch[K, V] { return &batch[K, V]{keys: keys} }

// filled makes a batch that is read already.
func filled[K comparable, V any](found map[K]V) *batch[K, V] {
	b := &batch[K, V]{found: found}
	b.once.Do(func() {})
	return b
}

// get returns what there is for one of the keys, or why it could not be read.
func (b *batch[K, V]) get(key K, read func(keys []K) (found map[K]V, unread map[K]error)) (V, error) {
	b.once.Do(func() { b.found, b.unread = read(b.keys) })
	return b.found[key], b.unread[key]
}

// unreadAll says of all keys that they could not be read, if so.
func unreadAll[K comparable](keys []K, err error) map[K]error {
	if err == nil {
		return nil
	}
	unread := make(map[K]error, len(keys))
	for _, key := range keys {
		unread[key] = err
	}
	return unread
}
