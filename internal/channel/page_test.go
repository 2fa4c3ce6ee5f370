package channel

import (
	"errors"
	"fmt"
	"testing"

	"linkspan/internal/ids"
)

func TestPageArgs(t *testing.T) {
	t.Parallel()
	reader := ids.NewGroup()
	number := func(n int32) *int32 { return &n }
	at := func(position int64) *string {
		text := ids.PageCursor{Kind: ids.ListSentInvitations, Reader: reader, Position: position}.String()
		return &text
	}
	text := func(s string) *string { return &s }
	for name, c := range map[string]struct {
		args PageArgs
		want Range
	}{
		"nothing":        {PageArgs{}, Range{Limit: 20}},
		"first":          {PageArgs{First: number(7)}, Range{Limit: 7}},
		"first 0":        {PageArgs{First: number(0)}, Range{Limit: 0}},
		"first 100":      {PageArgs{First: number(100)}, Range{Limit: 100}},
		"last":           {PageArgs{Last: number(7)}, Range{Limit: 7, Backward: true}},
		"last 0":         {PageArgs{Last: number(0)}, Range{Limit: 0, Backward: true}},
		"after":          {PageArgs{After: at(9)}, Range{Limit: 20, After: 9}},
		"before":         {PageArgs{Before: at(9)}, Range{Limit: 20, Before: 9}},
		"first and all":  {PageArgs{First: number(1), After: at(9), Before: at(3)}, Range{Limit: 1, After: 9, Before: 3}},
		"last and all":   {PageArgs{Last: number(1), After: at(9), Before: at(3)}, Range{Limit: 1, After: 9, Before: 3, Backward: true}},
		"far away":       {PageArgs{After: at(1<<63 - 1)}, Range{Limit: 20, After: 1<<63 - 1}},
		"the wrong way":  {PageArgs{After: at(3), Before: at(9)}, Range{Limit: 20, After: 3, Before: 9}},
		"the same twice": {PageArgs{After: at(3), Before: at(3)}, Range{Limit: 20, After: 3, Before: 3}},
	} {
		if got, err := c.args.check(List{Kind: ids.ListSentInvitations, Reader: reader}); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
	foreign := ids.PageCursor{Kind: ids.ListSentInvitations, Reader: ids.NewGroup(), Position: 1}.String()
	other := ids.PageCursor{Kind: ids.ListReceivedInvitations, Reader: reader, Position: 1}.String()
	for name, args := range map[string]PageArgs{
		"both": {First: number(1), Last: number(1)}, "both 0": {First: number(0), Last: number(0)},
		"first -1": {First: number(-1)}, "first 101": {First: number(101)}, "first least": {First: number(-1 << 31)}, "first most": {First: number(1<<31 - 1)},
		"last -1": {Last: number(-1)}, "last 101": {Last: number(101)},
		"after empty": {After: text("")}, "before empty": {Before: text("")}, "after garbled": {After: text("x")}, "before garbled": {After: at(1), Before: text("x")},
		"another group's": {After: &foreign}, "another list's": {Before: &other},
	} {
		got, err := args.check(List{Kind: ids.ListSentInvitations, Reader: reader})
		var fault *Fault
		var malformed *ids.MalformedError
		if bad := errors.As(err, &fault) && fault.Code == BadUserInput; !bad && !errors.As(err, &malformed) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	reader := ids.NewGroup()
	broken := errors.New("broken")
	rows := Rows[int]{
		Rows:       []Row[int]{{Position: 9, Value: 1}, {Position: 4, Value: 2}, {Position: 1, Value: 3}},
		MoreBefore: true, Inbox: LogHead{History: ids.NewHistory(), Number: 12},
	}
	p := page(rows, List{Kind: ids.ListSharedChannels, Reader: reader}, func(n int) (*string, error) {
		if n == 2 {
			return nil, broken
		}
		text := fmt.Sprint(n)
		return &text, nil
	})
	if len(p.Edges) != 3 || *p.Edges[0].Value != "1" || p.Edges[1].Value != nil || !errors.Is(p.Edges[1].Err, broken) || *p.Edges[2].Value != "3" {
		t.Errorf("edges %+v", p.Edges)
	}
	for i, position := range []int64{9, 4, 1} {
		cursor, err := ids.ParsePageCursor(p.Edges[i].Cursor, ids.ListSharedChannels, reader)
		if err != nil || cursor.Position != position {
			t.Errorf("edge %d has cursor %+v: %v", i, cursor, err)
		}
	}
	info := p.PageInfo
	if !info.HasPreviousPage || info.HasNextPage || *info.StartCursor != p.Edges[0].Cursor || *info.EndCursor != p.Edges[2].Cursor {
		t.Errorf("info %+v", info)
	}
	want := ids.LogCursor{Kind: ids.LogInbox, Log: reader.InboxLog(), Reader: reader, History: rows.Inbox.History, Position: 12}
	if p.LogCursor != want {
		t.Errorf("log cursor %+v, want %+v", p.LogCursor, want)
	}
	none := page(Rows[int]{MoreBehind: true}, List{Kind: ids.ListSharedChannels, Reader: reader}, func(int) (*string, error) { return nil, nil })
	if none.Edges == nil || len(none.Edges) > 0 || !none.PageInfo.HasNextPage || none.PageInfo.StartCursor != nil || none.PageInfo.EndCursor != nil {
		t.Errorf("an empty page is %+v", none)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	cause := errors.New("secret of the database")
	fault := Unavailable(cause)
	if !fault.Retryable || fault.Code != ShardUnavailable || !errors.Is(fault, cause) {
		t.Errorf("%+v", fault)
	}
	if f := Expired(); f.Code != CursorExpired || f.Retryable {
		t.Errorf("%+v", f)
	}
	if f := BadInput("%d too many", 3); f.Code != BadUserInput || f.Message != "3 too many" || f.Retryable {
		t.Errorf("%+v", f)
	}
}
