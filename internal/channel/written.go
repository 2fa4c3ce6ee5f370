package channel

import (
	"context"
	"sync"
	"sync/atomic"
)

// Written is what was written of a page of messages, which is kept with it: by what was selected the text of the answer. A page is the
// same for all who get it while the log stands where it stood, so its text is too, unless somebody asked for whom it is
// ([Written.Watch]). It keeps the texts of two selections, of 128 KiB at most each. It is safe for concurrent use.
type Written struct {
	mu    sync.Mutex
	texts [2]writtenText
	next  int // whose place is taken next
}

type writtenText struct {
	selection any
	text      []byte
}

// MaxWrittenBytes is how long a text may be that is kept.
const MaxWrittenBytes = 128 << 10

// Text returns what was written for a selection, which nobody changes; nil: nothing is kept.
func (w *Written) Text(selection any) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, kept := range w.texts {
		if kept.selection == selection {
			return kept.text
		}
	}
	return nil
}

// Keep keeps what was written for a selection, in place of the oldest.
func (w *Written) Keep(selection any, text []byte) {
	if len(text) > MaxWrittenBytes {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, kept := range w.texts {
		if kept.selection == selection {
			return
		}
	}
	w.texts[w.next] = writtenText{selection, text}
	w.next = (w.next + 1) % len(w.texts)
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
