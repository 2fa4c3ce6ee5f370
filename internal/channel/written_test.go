package channel_test

import (
	"bytes"
	"testing"

	"linkspan/internal/channel"
)

// The newest two texts are kept, what they take is told, and what is too long is not kept.
func TestWrittenKeepsFewTexts(t *testing.T) {
	t.Parallel()
	taken := 0
	w := channel.Written{Takes: func(bytes int) { taken += bytes }}
	keep := func(selection uint64, length, takes int) {
		t.Helper()
		if w.Keep(selection, bytes.Repeat([]byte{'x'}, length)); taken != takes {
			t.Errorf("with the text of %d they take %d bytes, not %d", selection, taken, takes)
		}
	}
	keep(1, 10, 10)
	keep(1, 500, 10) // it is there
	keep(2, 20, 30)
	keep(3, 30, 50)
	keep(4, channel.MaxWrittenBytes+1, 50)
	keep(5, 0, 50)
	for selection, length := range map[uint64]int{0: 0, 1: 0, 2: 20, 3: 30, 4: 0, 5: 0} {
		if got := len(w.Text(selection)); got != length {
			t.Errorf("of %d it has %d bytes, not %d", selection, got, length)
		}
	}
}

// It shows where somebody asks who the viewer is, and not where that is for what all of the group are shown.
func TestWrittenWatchesWhoAsks(t *testing.T) {
	t.Parallel()
	ana := &channel.Viewer{Role: channel.RoleAdmin}
	ctx := channel.WithViewer(t.Context(), ana)
	watched, forOne := new(channel.Written).Watch(ctx)
	if v := channel.OneOfTheGroup(watched); v.Role != channel.RoleAdmin || forOne() {
		t.Errorf("as one of the group it is %+v, and for one: %v", v, forOne())
	}
	if channel.ViewerFrom(ctx); forOne() {
		t.Error("who asks elsewhere counts")
	}
	if v := channel.ViewerFrom(watched); v.Role != channel.RoleAdmin || !forOne() {
		t.Errorf("the viewer is %+v, and for one: %v", v, forOne())
	}
}
