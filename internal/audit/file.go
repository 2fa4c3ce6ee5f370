package audit

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// maxLineBytes is the longest line of an export: a reason of 560 code points, all escaped, and names are far below it.
const maxLineBytes = 1 << 20

// VerifyExport verifies what was exported of a group's audit: by itself, and that the audit still has all of it, to the byte. progress may be nil. An
// error means that something could not be read, or is no export at all.
func VerifyExport(ctx context.Context, router *shardrouter.Router, in io.Reader, progress func(Progress)) (*Report, error) {
	if progress == nil {
		progress = func(Progress) {}
	}
	f := &file{router: router, report: &Report{Groups: 1}}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLineBytes)
	for lines.Scan() {
		if err := f.line(ctx, lines.Bytes()); err != nil {
			return nil, err
		}
		if len(f.page) == pageSize {
			if err := f.compare(ctx); err != nil {
				return nil, err
			}
			progress(Progress{f.group.handle, f.report.Entries, f.report.Entries + 1})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", f.number+1, err)
	}
	if f.group == nil {
		return nil, errors.New("it has no entries: an export has a line each")
	}
	if err := f.compare(ctx); err != nil {
		return nil, err
	}
	progress(Progress{f.group.handle, f.report.Entries, f.report.Entries})
	return f.report, nil
}

// file is an export that is being verified.
type file struct {
	router *shardrouter.Router
	report *Report
	number int       // of lines
	group  *standing // nil before the first line
	last   *line     // of the line before
	page   []line    // lines that are not compared with the audit yet
}

// line verifies a line by itself and by the one before it.
func (f *file) line(ctx context.Context, text []byte) error {
	f.number++
	var l line
	var entry channel.AuditEntry
	err := json.Unmarshal(text, &l)
	if err == nil {
		err = json.Unmarshal(l.Entry, &entry)
	}
	if err != nil {
		return fmt.Errorf("line %d is none of an export", f.number)
	}
	if f.group == nil {
		if err := f.begin(ctx, entry.Group, &l); err != nil {
			return err
		}
	}
	breach := func(format string, args ...any) { f.report.breach(f.group.handle, l.Number, format, args...) }
	if entry.Group != f.group.id || entry.Number != l.Number {
		breach("line %d says that it is another entry than it is", f.number)
	}
	if l.Previous.Next(string(l.Entry)) != l.Hash {
		breach("line %d: its hash is not that of its text behind the hash before", f.number)
	}
	if f.last != nil && (l.Number != f.last.Number+1 || l.Previous != f.last.Hash) {
		breach("line %d does not follow the entry %d in the line before", f.number, f.last.Number)
	}
	f.last = &l
	f.page = append(f.page, l)
	f.report.Entries++
	return nil
}

// begin finds the group of an export, and looks that its first line follows what the audit has before it.
func (f *file) begin(ctx context.Context, group ids.Group, first *line) error {
	handle, err := handleOf(ctx, f.router, group)
	if err != nil {
		return err
	}
	if handle == "" {
		return fmt.Errorf("it is of a group that is not registered here: %v", group)
	}
	found, err := standings(ctx, f.router, handle)
	if err != nil {
		return err
	}
	f.group = &found[0]
	before, err := hashAt(ctx, f.router, f.group, first.Number-1)
	var none errNoEntry
	switch {
	case errors.As(err, &none):
		f.report.breach(handle, first.Number, "line 1 follows an entry that is not there any more")
	case err != nil:
		return err
	case before != first.Previous:
		f.report.breach(handle, first.Number, "line 1 follows another entry than the audit has before it now")
	}
	return nil
}

// readSome reads entries as they are stored. Arguments: the group, the numbers.
const readSome = `
	SELECT e.number, e.hash, e.record FROM linkspan_main.audit_entry AS e WHERE e.group_id = $1 AND e.number = ANY ($2::integer[])`

// compare looks that the audit has the lines of a page, to the byte.
func (f *file) compare(ctx context.Context) error {
	numbers := make([]int32, len(f.page))
	for i := range f.page {
		numbers[i] = f.page[i].Number
	}
	found, err := query(ctx, f.router, readSome, scanLine, f.group.id, numbers)
	if err != nil {
		return err
	}
	have := make(map[int32]line, len(found))
	for _, l := range found {
		have[l.Number] = l
	}
	for _, l := range f.page {
		now, ok := have[l.Number]
		switch {
		case !ok:
			f.report.breach(f.group.handle, l.Number, "it was exported, and is not there any more")
		case now.Hash != l.Hash || string(now.Entry) != string(l.Entry):
			f.report.breach(f.group.handle, l.Number, "it was exported, and is another now")
		}
	}
	f.page = f.page[:0]
	return nil
}
