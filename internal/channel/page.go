package channel

import "linkspan/internal/ids"

const (
	// DefaultPageSize is what a list gives where neither first nor last is asked for.
	DefaultPageSize = 20
	// MaxPageSize is the most that first or last may ask for, and nodes may name.
	MaxPageSize = 100
)

// PageArgs are the paging arguments of a list, as the client gave them, and whether it asks for the length of all of it.
type PageArgs struct {
	First  *int32
	After  *string
	Last   *int32
	Before *string
	Total  bool // lists of invitations alone have it
}

// Range is a checked part of a list that is read in descending order of position: at most Limit rows strictly between
// After and Before. Where Backward is set they are the last of them, else the first; the rows come in list order.
type Range struct {
	Limit    int
	After    int64 // exclusive upper bound of positions; 0: none
	Before   int64 // exclusive lower bound of positions; 0: none
	Backward bool
	Total    bool // count the whole list too, in the same snapshot; lists of invitations alone do
}

// List names a paged list of a group. Channel is set for lists of one channel alone, Root for the replies to a message, Search
// for what a search found.
type List struct {
	Kind    ids.ListKind
	Reader  ids.Group
	Channel ids.Channel
	Root    ids.Message
	Search  uint64
}

func (l List) cursor(position int64) string {
	return ids.PageCursor{Kind: l.Kind, Reader: l.Reader, Channel: l.Channel, Position: position}.String()
}

func (l List) placeCursor(at Place) string {
	return ids.PageCursor{
		Kind: l.Kind, Reader: l.Reader, Channel: l.Channel, Position: at.Public, Private: at.Private, Root: l.Root, Search: l.Search, Rank: at.Rank,
	}.String()
}

// check turns the arguments into a range of that list; the error is a Fault, or a *ids.MalformedError of a cursor.
func (a PageArgs) check(list List) (Range, error) {
	limit, backward, err := a.size()
	r := Range{Limit: limit, Backward: backward, Total: a.Total}
	if err != nil {
		return r, err
	}
	after, before, err := a.bounds(list)
	if after != nil {
		r.After = after.Position
	}
	if before != nil {
		r.Before = before.Position
	}
	return r, err
}

// checkPlaces is check for a list of messages.
func (a PageArgs) checkPlaces(list List) (MessageRange, error) {
	limit, backward, err := a.size()
	r := MessageRange{Limit: limit, Backward: backward}
	if err != nil {
		return r, err
	}
	after, before, err := a.bounds(list)
	if after != nil {
		r.After = &Place{after.Position, after.Private, after.Rank}
	}
	if before != nil {
		r.Before = &Place{before.Position, before.Private, before.Rank}
	}
	return r, err
}

// size is how many rows are asked for, and whether from the end.
func (a PageArgs) size() (limit int, backward bool, err error) {
	if a.First != nil && a.Last != nil {
		return 0, false, BadInput("A page takes first or last, not both.")
	}
	size := a.First
	if a.Last != nil {
		size, backward = a.Last, true
	}
	if size == nil {
		return DefaultPageSize, backward, nil
	}
	if *size < 0 || *size > MaxPageSize {
		return 0, false, BadInput("first and last are 0 to %d.", MaxPageSize)
	}
	return int(*size), backward, nil
}

// bounds are the cursors after and before, where they are given.
func (a PageArgs) bounds(list List) (after, before *ids.PageCursor, err error) {
	for _, bound := range []struct {
		text *string
		into **ids.PageCursor
	}{{a.After, &after}, {a.Before, &before}} {
		if bound.text == nil {
			continue
		}
		cursor, err := ids.ParsePageCursor(*bound.text, list.Kind, list.Reader)
		if err == nil && (cursor.Channel != list.Channel || cursor.Root != list.Root || cursor.Search != list.Search) {
			err = &ids.MalformedError{What: "a cursor of this list"}
		}
		if err != nil {
			return nil, nil, err
		}
		*bound.into = &cursor
	}
	return after, before, nil
}

// PageInfo tells where a page stands in its list.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

// Edge is an entry of a page. Err says why the node could not be read; the entry stands all the same.
type Edge[T any] struct {
	Cursor string
	Value  *T
	Err    error
}

// Node returns the entry's object.
func (e Edge[T]) Node() (*T, error) { return e.Value, e.Err }

// Page is a part of a list and the position of the inbox log that it matches.
type Page[T any] struct {
	Edges     []Edge[T]
	PageInfo  PageInfo
	LogCursor ids.LogCursor
}

// Row is an entry of a list as it is stored: a value at its position.
type Row[T any] struct {
	Position int64
	Value    T
}

// Rows is what a port reads of a list: the rows of a Range in list order, whether more lie beyond on either side, the
// length of the whole list if the Range asks for it, and the head of the inbox log, all in one snapshot.
type Rows[T any] struct {
	Rows                   []Row[T]
	MoreBefore, MoreBehind bool
	Total                  int
	Inbox                  LogHead
}

func page[R, T any](rows Rows[R], list List, edge func(R) (*T, error)) *Page[T] {
	p := &Page[T]{
		Edges:     make([]Edge[T], 0, len(rows.Rows)),
		PageInfo:  PageInfo{HasNextPage: rows.MoreBehind, HasPreviousPage: rows.MoreBefore},
		LogCursor: rows.Inbox.cursor(InboxOf(list.Reader), list.Reader),
	}
	for _, row := range rows.Rows {
		value, err := edge(row.Value)
		p.Edges = append(p.Edges, Edge[T]{Cursor: list.cursor(row.Position), Value: value, Err: err})
	}
	p.markEnds()
	return p
}

// markEnds notes the cursors of the page's first and last edge.
func (p *Page[T]) markEnds() {
	if n := len(p.Edges); n > 0 {
		p.PageInfo.StartCursor, p.PageInfo.EndCursor = &p.Edges[0].Cursor, &p.Edges[n-1].Cursor
	}
}
