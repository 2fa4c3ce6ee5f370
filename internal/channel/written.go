package channel

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
)

// MaxWrittenBytes is how long a text may be that is kept.
const MaxWrittenBytes = 128 << 10

// Written is what was written of a page of messages, which is kept with it: by what was selected the text of the answer. A page is the
// same for all who get it while the log stands where it stood, so its text is too, unless somebody asked for whom it is
// ([Written.Watch]). It keeps the texts of two selections, of [MaxWrittenBytes] at most each. It is safe for concurrent use.
type Written struct {
	// Takes is told by how many bytes more, or less, the texts take, after the fact; nil: nobody wants to know.
	Takes func(n int)

	mu    sync.Mutex
	texts [2]writtenText
	next  int // whose place is taken next
}

type writtenText struct {
	selection uint64
	text      []byte
}

// Text returns what was written for a selection, by its number, which nobody changes; nil: nothing is kept.
func (w *Written) Text(selection uint64) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.find(selection)
}

func (w *Written) find(selection uint64) []byte {
	for _, kept := range w.texts {
		if kept.text != nil && kept.selection == selection {
			return kept.text
		}
	}
	return nil
}

// Keep keeps a copy of what was written for a selection, in place of the oldest, unless it is too long or was kept before.
func (w *Written) Keep(selection uint64, text []byte) {
	if taken := w.keep(selection, text); taken != 0 && w.Takes != nil {
		w.Takes(taken)
	}
}

func (w *Written) keep(selection uint64, text []byte) (taken int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(text) == 0 || len(text) > MaxWrittenBytes || w.find(selection) != nil {
		return 0
	}
	taken = len(text) - len(w.texts[w.next].text)
	w.texts[w.next] = writtenText{selection, bytes.Clone(text)}
	w.next = (w.next + 1) % len(w.texts)
	return taken
}

// Watch returns a context to write in, and what tells afterwards whether anything there was for its one viewer.
func (w *Written) Watch(ctx context.Context) (watched context.Context, forOne func() bool) {
	viewer := Viewer{}
	if v := viewerIn(ctx); v != nil {
		viewer = *v
	}
	viewer.forOne = new(atomic.Bool)
	return WithViewer(ctx, &viewer), viewer.forOne.Load
}
