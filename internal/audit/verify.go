package audit

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// Verify verifies the audit of the group with that handle, or those of all groups. progress may be nil. An error means that something could not be
// read, or that ctx has ended: then nothing is said.
func Verify(ctx context.Context, router *shardrouter.Router, handle string, progress func(Progress)) (*Report, error) {
	if progress == nil {
		progress = func(Progress) {}
	}
	groups, err := standings(ctx, router, handle)
	if err != nil {
		return nil, err
	}
	began, err := query(ctx, router, `SELECT clock_timestamp()`, pgx.RowTo[time.Time])
	if err != nil {
		return nil, err
	}
	v := &verifier{router: router, report: &Report{Groups: len(groups)}, progress: progress, handles: map[ids.Group]string{}, began: began[0]}
	for i := range groups {
		v.handles[groups[i].id] = groups[i].handle
	}
	for i := range groups {
		if err := v.chain(ctx, &groups[i]); err != nil {
			return nil, err
		}
	}
	for _, rows := range []struct{ part, text string }{{"decisions", decisions}, {"refusals", refusals}} {
		if err := v.sources(ctx, rows.part, rows.text); err != nil {
			return nil, err
		}
	}
	return v.report, nil
}

// verifier is one run.
type verifier struct {
	router   *shardrouter.Router
	report   *Report
	progress func(Progress)
	handles  map[ids.Group]string // of the groups that are verified
	began    time.Time            // by main's clock
}

// late is after how long what was decided should be in the audits: a process writes them within a second.
const late = 5 * time.Minute

// readChain reads entries of a group with the rows that they tell of. Arguments: the group, behind which number, up to which, how many.
const readChain = `
	SELECT e.number, e.source_id, e.record, e.hash, ` + sourceColumns + `
	FROM linkspan_main.audit_entry AS e
	LEFT JOIN LATERAL (
		SELECT * FROM (` + decisions + ` WHERE transition_id = e.source_id UNION ALL ` + refusals + ` WHERE refusal_id = e.source_id) AS either LIMIT 1
	) AS s ON true` + withGroups + `
	WHERE e.group_id = $1 AND e.number > $2 AND e.number <= $3 ORDER BY e.number LIMIT $4`

// link is a row of readChain.
type link struct {
	number  int32
	id      ids.Transition
	record  string
	hash    channel.AuditHash
	source  *channel.AuditSource
	audited bool
	said    *channel.AuditEntry // as its text has it; nil: that can't be read
}

func scanLink(row pgx.CollectableRow) (*link, error) {
	var l link
	var hash []byte
	var source sourceRow
	if err := row.Scan(append([]any{&l.number, &l.id, &l.record, &hash}, source.fields()...)...); err != nil {
		return nil, err
	}
	l.hash, l.source, l.audited = channel.AuditHash(hash), source.source(), source.audited != nil && *source.audited
	if said, err := channel.ReadAuditEntry(l.record, l.hash); err == nil {
		l.said = said
	}
	return &l, nil
}

// chain verifies the audit of a group, up to where it stood at the beginning.
func (v *verifier) chain(ctx context.Context, g *standing) error {
	breach := func(number int32, format string, args ...any) { v.report.breach(g.handle, number, format, args...) }
	switch {
	case !g.begun && g.last > 0:
		breach(0, "it has entries up to number %d, and no head", g.last)
		return nil
	case !g.begun:
		return nil
	case g.last > g.head.Number:
		breach(g.last, "its head is %d, and there are entries behind that", g.head.Number)
	}
	at, known := channel.AuditHead{Hash: g.genesis}, true // known: whether the hash at that place is
	var policy *channel.AuditEntry                        // the last that says what the group's became
	for {
		v.progress(Progress{g.handle, int64(at.Number), int64(max(g.head.Number, at.Number+1))})
		page, err := query(ctx, v.router, readChain, scanLink, g.id, at.Number, g.head.Number, pageSize)
		if err != nil {
			return err
		}
		before, err := v.partnersOf(ctx, g, page)
		if err != nil {
			return err
		}
		for _, l := range page {
			if l.number != at.Number+1 {
				breach(l.number, "the entries from %d to %d before it are not there", at.Number+1, l.number-1)
				known = false
			}
			if known && at.Hash.Next(l.record) != l.hash {
				breach(l.number, "its hash is not that of its text behind the hash before")
			}
			at, known = channel.AuditHead{Number: l.number, Hash: l.hash}, true
			v.entry(g, l, before)
			if l.said != nil && l.said.Policy != nil {
				policy = l.said
			}
		}
		v.report.Entries += int64(len(page))
		if len(page) < pageSize {
			break
		}
	}
	switch {
	case at.Number != g.head.Number:
		breach(0, "the entries from %d to %d, its head, are not there", at.Number+1, g.head.Number)
	case at.Hash != g.head.Hash:
		breach(at.Number, "the head has another hash than it")
	}
	if err := v.policy(ctx, g, policy); err != nil {
		return err
	}
	v.progress(Progress{g.handle, int64(at.Number), int64(at.Number)})
	return nil
}

// entry compares an entry with what the row that it tells of makes of it, and with the partner's audit.
func (v *verifier) entry(g *standing, l *link, before map[ids.Transition]channel.AuditHash) {
	breach := func(format string, args ...any) { v.report.breach(g.handle, l.number, format, args...) }
	switch {
	case l.said == nil:
		breach("its text can't be read")
		return
	case l.source == nil:
		breach("what it tells of is not there: %v", l.id.UUID())
		return
	case l.said.Policy != nil && l.said.Policy.Unread():
		breach("what the policy became could not be read when it was written: %v", l.id.UUID())
	case !l.audited:
		breach("what it tells of is not marked as being in the audit: %v", l.id.UUID())
	}
	want, partner := expected(l.source, g.id)
	if want == nil {
		breach("it tells of what does not concern the group: %v", l.id.UUID())
		return
	}
	want.Number, want.Nonce, want.PartnerHash = l.number, l.said.Nonce, l.said.PartnerHash
	form := want.In(l.said.Format)
	if text := form.Text(); text != l.record {
		breach("it differs from what was decided, %v, in %s", l.id.UUID(), differing(text, l.record))
	}
	hash, there := before[l.id]
	switch {
	case partner == nil && l.said.PartnerHash != nil:
		breach("it has a partner's hash, and no other group has an entry of this")
	case partner == nil:
	case !there:
		breach("the audit of %s has no entry of this", partner.Handle)
	case l.said.PartnerHash == nil || *l.said.PartnerHash != hash:
		breach("the audit of %s did not stand where it says: one of the two was written anew", partner.Handle)
	}
}

// expected is the entry that the group should have of a row, and the other group that should have one; nil: there is none.
func expected(s *channel.AuditSource, group ids.Group) (own *channel.AuditEntry, partner *channel.Group) {
	all := channel.AuditOf(s)
	for i := range all {
		if all[i].Group == group {
			if own = &all[i]; len(all) == 2 {
				partner = own.OtherGroup
			}
		}
	}
	return own, partner
}

// readPartners reads the hashes before the entries about some rows in some groups' audits. Arguments: rows and groups.
const readPartners = `
	SELECT e.source_id, CASE e.number WHEN 1 THEN h.genesis ELSE b.hash END
	FROM unnest($1::uuid[], $2::uuid[]) AS n (source_id, group_id)
	JOIN linkspan_main.audit_entry AS e ON e.source_id = n.source_id AND e.group_id = n.group_id
	LEFT JOIN linkspan_main.audit_entry AS b ON b.group_id = e.group_id AND b.number = e.number - 1
	LEFT JOIN linkspan_main.audit_head AS h ON h.group_id = e.group_id`

// partnersOf returns the hash before the partner's entry of what each entry tells of; entries without are absent.
func (v *verifier) partnersOf(ctx context.Context, g *standing, page []*link) (map[ids.Transition]channel.AuditHash, error) {
	var rows, groups []string
	for _, l := range page {
		if l.source == nil {
			continue
		}
		if _, partner := expected(l.source, g.id); partner != nil {
			rows, groups = append(rows, l.id.UUID().String()), append(groups, partner.ID.UUID().String())
		}
	}
	type found struct {
		id   ids.Transition
		hash []byte
	}
	all, err := query(ctx, v.router, readPartners, func(row pgx.CollectableRow) (f found, err error) { return f, row.Scan(&f.id, &f.hash) }, rows, groups)
	before := make(map[ids.Transition]channel.AuditHash, len(all))
	for _, f := range all {
		if before[f.id] = (channel.AuditHash{}); f.hash != nil { // nil: the one before it is not there, which no hash is like
			before[f.id] = channel.AuditHash(f.hash)
		}
	}
	return before, err
}

// differing names the fields in which two texts of an entry differ, and no values: users wrote some of them.
func differing(want, got string) string {
	var wanted, have map[string]any
	if json.Unmarshal([]byte(want), &wanted) != nil || json.Unmarshal([]byte(got), &have) != nil {
		return "its form"
	}
	var fields []string
	all := maps.Clone(wanted)
	maps.Copy(all, have)
	for _, field := range slices.Sorted(maps.Keys(all)) {
		if !reflect.DeepEqual(wanted[field], have[field]) {
			fields = append(fields, field)
		}
	}
	if len(fields) == 0 {
		return "its form"
	}
	return strings.Join(fields, ", ")
}
