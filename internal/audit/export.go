package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// line is a line of an export: an entry, to the byte, with its hash and the one before it, so that each line can be verified by itself.
type line struct {
	Number   int32             `json:"number"`
	Previous channel.AuditHash `json:"previous"`
	Hash     channel.AuditHash `json:"hash"`
	Entry    json.RawMessage   `json:"entry"`
}

// append writes the line as it is exported: by hand, for the entry's bytes must stay.
func (l *line) append(text []byte) []byte {
	return fmt.Appendf(text, `{"number":%d,"previous":"%v","hash":"%v","entry":%s}`+"\n", l.Number, l.Previous, l.Hash, l.Entry)
}

// readEntries reads entries as they are stored. Arguments: the group, behind which number, how many.
const readEntries = `
	SELECT e.number, e.hash, e.record FROM linkspan_main.audit_entry AS e
	WHERE e.group_id = $1 AND e.number > $2 ORDER BY e.number LIMIT $3`

func scanLine(row pgx.CollectableRow) (l line, err error) {
	var hash []byte
	var record string
	if err = row.Scan(&l.Number, &hash, &record); err == nil {
		l.Hash, l.Entry = channel.AuditHash(hash), json.RawMessage(record)
	}
	return l, err
}

// Export writes the entries of a group's audit behind a number, the oldest first, a line each, and tells of each page how many it has written. It
// ends at where the audit stood when it began, or later. Whatever was written when it fails is whole lines, if out takes whole writes.
func Export(ctx context.Context, router *shardrouter.Router, handle string, after int32, out io.Writer, wrote func(entries int)) error {
	found, err := standings(ctx, router, handle)
	if err != nil {
		return err
	}
	g := &found[0]
	if after > g.head.Number {
		return fmt.Errorf("the audit of %s ends with number %d: there is nothing behind %d", handle, g.head.Number, after)
	}
	previous, err := hashAt(ctx, router, g, after)
	if err != nil {
		return err
	}
	for {
		page, err := query(ctx, router, readEntries, scanLine, g.id, after, pageSize)
		if err != nil {
			return err
		}
		var text []byte
		for i := range page {
			l := &page[i]
			if l.Number != after+1 || !json.Valid(l.Entry) || strings.ContainsRune(string(l.Entry), '\n') {
				return fmt.Errorf("the audit of %s is not whole behind number %d: `linkspan audit verify` tells", handle, after)
			}
			l.Previous, previous, after = previous, l.Hash, l.Number
			text = l.append(text)
		}
		if _, err := out.Write(text); err != nil {
			return err
		}
		wrote(len(page))
		if len(page) < pageSize {
			return nil
		}
	}
}

// hashAt is the hash at a place of a group's audit; of place 0 what its first entry is chained to.
func hashAt(ctx context.Context, router *shardrouter.Router, g *standing, number int32) (hash channel.AuditHash, err error) {
	if number == 0 {
		return g.genesis, nil
	}
	found, err := query(ctx, router, `SELECT e.hash FROM linkspan_main.audit_entry AS e WHERE e.group_id = $1 AND e.number = $2`, pgx.RowTo[[]byte], g.id, number)
	switch {
	case err != nil:
		return hash, err
	case len(found) == 0:
		return hash, errNoEntry{g.handle, number}
	}
	return channel.AuditHash(found[0]), nil
}

// errNoEntry says that a group's audit has no such entry.
type errNoEntry struct {
	group  string
	number int32
}

func (e errNoEntry) Error() string {
	return fmt.Sprintf("the audit of %s has no entry %d", e.group, e.number)
}

// handleOf is the handle of a group; "" if there is none.
func handleOf(ctx context.Context, router *shardrouter.Router, group ids.Group) (string, error) {
	found, err := query(ctx, router, `SELECT handle FROM linkspan_main.groups WHERE group_id = $1`, pgx.RowTo[string], group)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}
