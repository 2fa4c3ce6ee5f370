// Package audit reads the audits of groups past the store: it verifies them, writes them out, and verifies what was written out. It only reads,
// and the installation may be in use.
//
// What is verified of a group's audit: it has every number from 1 to its head; each entry's hash is that of its text behind the hash before; its text
// is what the row in main that it tells of makes of it, to the byte; that row gave an entry to each group that it concerns, and to no other; and
// the partner's hash in it is that of the entry in the partner's audit before the one about the same row. So whoever changes the past of one group
// has to change that of each group that it ever shared something with, and what anybody has exported.
//
// It needs memory for a page of entries, however long an audit is.
package audit

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

const (
	// pageSize is how many entries, or rows of main, one statement reads.
	pageSize = 500
	// maxBreachesOfAGroup is how many breaches of one audit are told one by one.
	maxBreachesOfAGroup = 100
)

// Breach is something that is not as it should be. It repeats nothing that users wrote.
type Breach struct {
	Group  string // the handle
	Number int32  // of the entry; 0: it is about none
	Detail string
}

// Progress is how far a verification is. It comes when a part begins, as it goes on, and when it has ended (Done == Total).
type Progress struct {
	Part        string // a group's handle, or what is compared with the audits
	Done, Total int64  // entries or rows; Total may be an estimate until the end
}

// Report is what a verification found.
type Report struct {
	Breaches []Breach
	More     []string // handles of groups of which only the first breaches are told
	Groups   int
	Entries  int64
	Waiting  int64 // decisions and refusals that had no entries yet
}

// OK reports whether no breach was found.
func (r *Report) OK() bool { return len(r.Breaches) == 0 }

// breach notes a breach.
func (r *Report) breach(group string, number int32, format string, args ...any) {
	told := 0
	for _, b := range r.Breaches {
		if b.Group == group {
			told++
		}
	}
	switch {
	case told < maxBreachesOfAGroup:
		r.Breaches = append(r.Breaches, Breach{group, number, fmt.Sprintf(format, args...)})
	case len(r.More) == 0 || r.More[len(r.More)-1] != group:
		r.More = append(r.More, group)
	}
}

// standing is a group and where its audit stands.
type standing struct {
	id      ids.Group
	handle  string
	begun   bool // whether there is a head
	genesis channel.AuditHash
	head    channel.AuditHead
	last    int32 // the greatest number of an entry; 0: there is none
}

// readStandings reads where the audits of groups stand, each in one moment. Arguments: the handle of one, or NULL for all.
const readStandings = `
	SELECT g.group_id, g.handle, h.genesis, COALESCE(h.number, 0), h.hash,
		COALESCE((SELECT max(e.number) FROM linkspan_main.audit_entry AS e WHERE e.group_id = g.group_id), 0)
	FROM linkspan_main.groups AS g LEFT JOIN linkspan_main.audit_head AS h ON h.group_id = g.group_id
	WHERE $1::text IS NULL OR g.handle = $1 ORDER BY g.handle`

// standings returns where the audit of the group with that handle stands, or those of all groups, by handle.
func standings(ctx context.Context, router *shardrouter.Router, handle string) (all []standing, err error) {
	var one *string
	if handle != "" {
		one = &handle
	}
	all, err = query(ctx, router, readStandings, func(row pgx.CollectableRow) (s standing, err error) {
		var genesis, hash []byte
		if err = row.Scan(&s.id, &s.handle, &genesis, &s.head.Number, &hash, &s.last); err != nil || genesis == nil {
			return s, err
		}
		s.begun, s.genesis, s.head.Hash = true, channel.AuditHash(genesis), channel.AuditHash(hash)
		return s, nil
	}, one)
	if err == nil && handle != "" && len(all) == 0 {
		err = fmt.Errorf("there is no group with the handle %q", handle)
	}
	return all, err
}

// query reads rows of main.
func query[T any](ctx context.Context, router *shardrouter.Router, text string, scan func(pgx.CollectableRow) (T, error), args ...any) (found []T, err error) {
	err = router.Main().ReadPgx(ctx, func(ctx context.Context, conn shardrouter.Conn) error {
		rows, err := conn.Query(ctx, text, args...)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, scan)
		return err
	})
	return found, err
}
