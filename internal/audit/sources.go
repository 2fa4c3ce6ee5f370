package audit

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// sourcesOf reads rows of main with the groups that have an entry of them. Arguments: behind which id, how many.
func sourcesOf(rows string) string {
	return `
	SELECT ` + sourceColumns + `, ARRAY(SELECT e.group_id FROM linkspan_main.audit_entry AS e WHERE e.source_id = s.id)
	FROM (SELECT * FROM (` + rows + `) AS all_rows WHERE id > $1 ORDER BY id LIMIT $2) AS s` + withGroups + `
	ORDER BY s.id`
}

// told is a row of main and the groups whose audits have it.
type told struct {
	source  *channel.AuditSource
	audited bool
	groups  []ids.Group
}

func scanTold(row pgx.CollectableRow) (*told, error) {
	var s sourceRow
	var groups [][16]byte
	if err := row.Scan(append(s.fields(), &groups)...); err != nil {
		return nil, err
	}
	t := &told{source: s.source(), audited: *s.audited}
	for _, bytes := range groups {
		t.groups = append(t.groups, ids.GroupFrom(bytes))
	}
	return t, nil
}

// sources looks that each row of main is in the audits of the groups that it concerns, once it is marked so.
func (v *verifier) sources(ctx context.Context, part, rows string) error {
	total, err := estimate(ctx, v.router, part)
	if err != nil {
		return err
	}
	var last [16]byte
	var done int64
	for {
		v.progress(Progress{part, done, max(total, done+1)})
		page, err := query(ctx, v.router, sourcesOf(rows), scanTold, last, pageSize)
		if err != nil {
			return err
		}
		for _, t := range page {
			last = t.source.ID.Bytes()
			v.told(t)
		}
		if done += int64(len(page)); len(page) < pageSize {
			break
		}
	}
	v.progress(Progress{part, done, done})
	return nil
}

// told compares the groups that have an entry of a row with those that it concerns. That an entry should not be there is told where it is.
func (v *verifier) told(t *told) {
	if !t.audited {
		v.report.Waiting++
	}
	for _, e := range channel.AuditOf(t.source) {
		handle, ok := v.handles[e.Group]
		if waited := v.began.Sub(t.source.At); ok && !t.audited && waited > late {
			v.report.breach(handle, 0, "it has no entry yet of what was decided %v ago, %v: nobody writes audits", waited.Round(time.Second), t.source.ID.UUID())
		}
		if ok && t.audited && !slices.Contains(t.groups, e.Group) {
			v.report.breach(handle, 0, "it has no entry of what was decided: %s, %v", t.source.Deed, t.source.ID.UUID())
		}
	}
}

// estimate is about how many rows there are, as Postgres thinks.
func estimate(ctx context.Context, router *shardrouter.Router, part string) (int64, error) {
	table := map[string]string{"decisions": "linkspan_main.transition", "refusals": "linkspan_main.refusal"}[part]
	found, err := query(ctx, router, `SELECT GREATEST(c.reltuples::bigint, 0) FROM pg_class AS c WHERE c.oid = $1::text::regclass`, pgx.RowTo[int64], table)
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return found[0], nil
}
