package ids_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"linkspan/internal/ids"
)

func history(t testing.TB, bytes [16]byte) (h ids.History) {
	t.Helper()
	if err := h.Scan(bytes[:]); err != nil {
		t.Fatal(err)
	}
	return h
}

// TestGoldenCursors holds the spelling of cursors: clients keep those of logs for days.
func TestGoldenCursors(t *testing.T) {
	t.Parallel()
	group := ids.GroupFrom(up)
	log := ids.LogCursor{Kind: ids.LogInbox, Log: group.InboxLog(), Reader: group, History: history(t, down), Position: 42}
	const wantLog = "EQEAESIzRFVmd4iZqrvM3e7_ABEiM0RVZneImaq7zN3u___-_fz7-vn49_b19PPy8fAAAAAAAAAAKjjKRIM"
	if got := log.String(); got != wantLog {
		t.Errorf("a log's cursor is %s, want %s", got, wantLog)
	}
	if got, err := ids.ParseLogCursor(wantLog); err != nil || got != log {
		t.Errorf("it is read as %+v: %v", got, err)
	}
	page := ids.PageCursor{Kind: ids.ListSentInvitations, Reader: group, Position: 7}
	const wantPage = "IQMAESIzRFVmd4iZqrvM3e7_AAAAAAAAAAc_l-9s"
	if got := page.String(); got != wantPage {
		t.Errorf("a page's cursor is %s, want %s", got, wantPage)
	}
	if got, err := ids.ParsePageCursor(wantPage, ids.ListSentInvitations, group); err != nil || got != page {
		t.Errorf("it is read as %+v: %v", got, err)
	}
}

// TestLogCursors reads cursors back, and what one character more or less makes of them.
func TestLogCursors(t *testing.T) {
	t.Parallel()
	for _, position := range []int64{0, 1, 255, 1 << 32, 1<<63 - 1} {
		for _, kind := range []ids.LogKind{0, ids.LogInbox, 2, 255} {
			c := ids.LogCursor{Kind: kind, Log: ids.NewGroup().InboxLog(), Reader: ids.NewGroup(), History: ids.NewHistory(), Position: position}
			text := c.String()
			if read, err := ids.ParseLogCursor(text); err != nil || read != c {
				t.Errorf("%+v is read as %+v: %v", c, read, err)
			}
			garble(t, text, func(text string) (string, error) {
				c, err := ids.ParseLogCursor(text)
				return c.String(), err
			})
		}
	}
	negative := ids.LogCursor{Kind: ids.LogInbox, Position: -1}.String()
	if read, err := ids.ParseLogCursor(negative); err == nil {
		t.Errorf("a negative position is read as %+v", read)
	}
	if read, err := ids.ParseLogCursor(ids.PageCursor{Kind: ids.ListSharedChannels, Reader: ids.NewGroup()}.String()); err == nil {
		t.Errorf("a page's cursor is read as %+v", read)
	}
}

// TestPageCursors reads cursors in the list of the group that they are of, and in no other.
func TestPageCursors(t *testing.T) {
	t.Parallel()
	kinds := []ids.ListKind{ids.ListSharedChannels, ids.ListReceivedInvitations, ids.ListSentInvitations, ids.ListChannelInvitations, ids.ListMessages, ids.ListReplies, ids.ListFound, ids.ListAudit, ids.ListSideMembers}
	reader := ids.NewGroup()
	for _, kind := range kinds {
		c := ids.PageCursor{Kind: kind, Reader: reader, Position: 1 << 40}
		if kind == ids.ListReplies {
			c.Root = ids.Message{Owner: reader, Number: 1 << 41}
		}
		text := c.String()
		for _, other := range kinds {
			if read, err := ids.ParsePageCursor(text, other, reader); (err == nil) != (other == kind) || err == nil && read != c {
				t.Errorf("a cursor of list %d is read in list %d as %+v: %v", kind, other, read, err)
			}
		}
		if read, err := ids.ParsePageCursor(text, kind, ids.NewGroup()); err == nil {
			t.Errorf("another group reads %+v", read)
		}
		garble(t, text, func(text string) (string, error) {
			c, err := ids.ParsePageCursor(text, kind, reader)
			return c.String(), err
		})
	}
	whole := ids.PageCursor{
		Kind: ids.ListFound, Reader: reader, Channel: ids.NewChannel(time.Now(), 7), Position: 3, Private: 2, Search: 1 << 63, Rank: 0.25,
	}
	if read, err := ids.ParsePageCursor(whole.String(), ids.ListFound, reader); err != nil || read != whole {
		t.Errorf("a cursor of what was found is read as %+v: %v", read, err)
	}
	thread := ids.PageCursor{Kind: ids.ListReplies, Reader: reader, Channel: whole.Channel, Position: 3, Root: ids.Message{Channel: whole.Channel, Number: 2}}
	if read, err := ids.ParsePageCursor(thread.String(), ids.ListReplies, reader); err != nil || read != thread {
		t.Errorf("a cursor of replies is read as %+v: %v", read, err)
	}
	thread.Root.Number = 0
	if read, err := ids.ParsePageCursor(thread.String(), ids.ListReplies, reader); err == nil {
		t.Errorf("replies to nothing are read as %+v", read)
	}
	for _, rank := range []float64{-1, math.NaN(), math.Inf(1)} {
		wrong := whole
		wrong.Rank = float32(rank)
		if read, err := ids.ParsePageCursor(wrong.String(), ids.ListFound, reader); err == nil {
			t.Errorf("rank %v is read as %+v", rank, read)
		}
	}
	negative := ids.PageCursor{Kind: ids.ListSharedChannels, Reader: reader, Position: -1}.String()
	if read, err := ids.ParsePageCursor(negative, ids.ListSharedChannels, reader); err == nil {
		t.Errorf("a negative position is read as %+v", read)
	}
	if read, err := ids.ParsePageCursor(ids.LogCursor{Reader: reader}.String(), ids.ListSharedChannels, reader); err == nil {
		t.Errorf("a log's cursor is read as %+v", read)
	}
}

// garble gives a reader of cursors what is nearly one: it must refuse it.
func garble(t *testing.T, good string, read func(text string) (string, error)) {
	t.Helper()
	texts := []string{"", good + "A", good + "=", " " + good, good + "\n", good[1:], good[:len(good)-1], good + good, strings.ToLower(good), good + "\x00", "é" + good, strings.Repeat("A", len(good))}
	for i := range good {
		for _, c := range "AZaz09-_+/=" {
			if changed := good[:i] + string(c) + good[i+1:]; changed != good {
				texts = append(texts, changed)
			}
		}
	}
	for _, text := range texts {
		got, err := read(text)
		var malformed *ids.MalformedError
		if !errors.As(err, &malformed) {
			t.Errorf("%.100q, nearly %s, is read as %s: %v", text, good, got, err)
		}
	}
}

// TestCursorsInGraphQL reads and writes a log's cursor as GraphQL does.
func TestCursorsInGraphQL(t *testing.T) {
	t.Parallel()
	c := ids.LogCursor{Kind: ids.LogInbox, Log: ids.NewGroup().InboxLog(), Reader: ids.NewGroup(), History: ids.NewHistory(), Position: 3}
	var out strings.Builder
	if c.MarshalGQL(&out); out.String() != `"`+c.String()+`"` {
		t.Errorf("written %s", out.String())
	}
	var read ids.LogCursor
	if err := read.UnmarshalGQL(c.String()); err != nil || read != c {
		t.Errorf("read %+v: %v", read, err)
	}
	for _, v := range []any{nil, 7, true, 1.5, []any{c.String()}, "", "yesterday"} {
		var malformed *ids.MalformedError
		if err := read.UnmarshalGQL(v); !errors.As(err, &malformed) || read != c {
			t.Errorf("%v (%T) makes %+v: %v", v, v, read, err)
		}
	}
}

// FuzzParseLogCursor reads any text: what is taken is written as it was, and the rest is a *MalformedError.
func FuzzParseLogCursor(f *testing.F) {
	group := ids.GroupFrom(up)
	for _, seed := range []string{
		"", "A", ids.LogCursor{}.String(), ids.LogCursor{Kind: ids.LogInbox, Log: group.InboxLog(), Reader: group, History: history(f, down), Position: 42}.String(),
		ids.LogCursor{Kind: 2, Position: 1<<63 - 1}.String(), ids.LogCursor{Position: -1}.String(), ids.PageCursor{Kind: ids.ListSharedChannels, Reader: group}.String(),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ids.ParseLogCursor(text)
		if err != nil {
			var malformed *ids.MalformedError
			if !errors.As(err, &malformed) || c != (ids.LogCursor{}) {
				t.Errorf("%q: %+v %v", text, c, err)
			}
			return
		}
		if c.String() != text || c.Position < 0 {
			t.Errorf("%q is read as %+v", text, c)
		}
	})
}

// FuzzParsePageCursor reads any text in any list: what is taken is of that list and is written as it was.
func FuzzParsePageCursor(f *testing.F) {
	group := ids.GroupFrom(up)
	for _, kind := range []ids.ListKind{
		0, ids.ListSharedChannels, ids.ListChannelInvitations, ids.ListMessages, ids.ListReplies, ids.ListFound, 255,
	} {
		for _, c := range []ids.PageCursor{
			{Position: 7}, {Position: -7}, {Private: 7}, {Private: -7}, {Root: ids.Message{Number: 7}}, {Root: ids.Message{Number: -7}}, {Search: 1 << 63, Rank: 0.5}, {Rank: -1}, {Rank: float32(math.NaN())}, {Rank: float32(math.Inf(1))},
		} {
			c.Kind, c.Reader = kind, group
			f.Add(c.String(), byte(kind), up[:])
		}
	}
	f.Add("", byte(1), up[:])
	f.Add(ids.LogCursor{}.String(), byte(0), make([]byte, 16))
	f.Fuzz(func(t *testing.T, text string, kind byte, reader []byte) {
		if len(reader) != 16 {
			return
		}
		group := ids.GroupFrom([16]byte(reader))
		c, err := ids.ParsePageCursor(text, ids.ListKind(kind), group)
		if err != nil {
			var malformed *ids.MalformedError
			if !errors.As(err, &malformed) || c != (ids.PageCursor{}) {
				t.Errorf("%q: %+v %v", text, c, err)
			}
			return
		}
		if c.String() != text || c.Kind != ids.ListKind(kind) || c.Reader != group || c.Position < 0 || c.Private < 0 || !(c.Rank >= 0 && c.Rank <= math.MaxFloat32) {
			t.Errorf("%q is read as %+v", text, c)
		}
	})
}
