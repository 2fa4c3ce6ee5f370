package audit_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/audit"
	"linkspan/internal/channel"
	"linkspan/internal/localpg/localpgtest"
)

// of is the condition on rows of a group by its handle.
func of(handle string) string {
	return `group_id = (SELECT g.group_id FROM linkspan_main.groups AS g WHERE g.handle = '` + handle + `')`
}

// tampering is what somebody changes, and which audit tells what of it.
type tampering struct {
	name   string
	change string
	group  string
	want   string
}

const atDeclined = ` AND record LIKE '%"deed":"DECLINE"%' AND number < 8`

var tamperings = []tampering{
	{"a text", `UPDATE linkspan_main.audit_entry SET record = replace(record, 'not now', 'gladly') WHERE ` + of("globex") + atDeclined, "globex", "its hash is not that of its text"},
	{"a text, by what was decided", `UPDATE linkspan_main.audit_entry SET record = replace(record, 'not now', 'gladly') WHERE ` + of("globex") + atDeclined, "globex", "in reason"},
	{"the form of a text", `UPDATE linkspan_main.audit_entry SET record = replace(record, '"version":', '"version": ') WHERE ` + of("acme") + ` AND number = 2`, "acme", "in its form"},
	{"no text", `UPDATE linkspan_main.audit_entry SET record = '' WHERE ` + of("acme") + ` AND number = 2`, "acme", "its text can't be read"},
	{"a text and its hash", `UPDATE linkspan_main.audit_entry AS e SET record = x.record, hash = sha256(x.before || convert_to(x.record, 'UTF8'))
		FROM (SELECT a.group_id, a.number, replace(a.record, 'not now', 'gladly') AS record, b.hash AS before FROM linkspan_main.audit_entry AS a
			JOIN linkspan_main.audit_entry AS b ON b.group_id = a.group_id AND b.number = a.number - 1 WHERE a.record LIKE '%not now%' AND a.number < 6) AS x
		WHERE e.group_id = x.group_id AND e.number = x.number AND e.` + of("globex"), "globex", "its hash is not that of its text"},
	{"a hash", `UPDATE linkspan_main.audit_entry SET hash = sha256(hash) WHERE ` + of("acme") + ` AND number = 3`, "acme", "its hash is not that of its text"},
	{"the last hash", `UPDATE linkspan_main.audit_head SET hash = sha256(hash) WHERE ` + of("acme"), "acme", "the head has another hash"},
	{"the genesis", `UPDATE linkspan_main.audit_head SET genesis = sha256(genesis) WHERE ` + of("acme"), "acme", "its hash is not that of its text"},
	{"the last entry", `DELETE FROM linkspan_main.audit_entry AS e USING linkspan_main.audit_head AS h
		WHERE h.group_id = e.group_id AND h.number = e.number AND e.` + of("acme"), "acme", "its head, are not there"},
	{"the last entry and the head", cut("acme"), "acme", "it has no entry of what was decided: DECLINE"},
	{"the last entry, the head and what was decided", cut("acme") + `;
		DELETE FROM linkspan_main.transition WHERE transition_id = (SELECT transition_id FROM linkspan_main.transition ORDER BY at DESC LIMIT 1)`, "globex", "what it tells of is not there"},
	{"an entry between", `DELETE FROM linkspan_main.audit_entry WHERE ` + of("acme") + ` AND number IN (3, 4)`, "acme", "the entries from 3 to 4 before it are not there"},
	{"the order", `UPDATE linkspan_main.audit_entry SET number = 100 WHERE ` + of("acme") + ` AND number = 2;
		UPDATE linkspan_main.audit_entry SET number = 2 WHERE ` + of("acme") + ` AND number = 3;
		UPDATE linkspan_main.audit_entry SET number = 3 WHERE ` + of("acme") + ` AND number = 100`, "acme", "its hash is not that of its text"},
	{"an entry behind the head", `INSERT INTO linkspan_main.audit_entry (group_id, number, source_id, record, hash)
		SELECT group_id, number + 1, gen_random_uuid(), '{}', hash FROM linkspan_main.audit_head WHERE ` + of("acme"), "acme", "there are entries behind that"},
	{"an entry too much", `INSERT INTO linkspan_main.audit_entry (group_id, number, source_id, record, hash)
		SELECT h.group_id, h.number + 1, e.source_id, e.record, e.hash FROM linkspan_main.audit_head AS h, linkspan_main.audit_entry AS e
		WHERE h.` + of("initech") + ` AND e.` + of("acme") + ` AND e.number = 1;
		UPDATE linkspan_main.audit_head SET number = number + 1 WHERE ` + of("initech"), "initech", "does not concern the group"},
	{"all of a group", `DELETE FROM linkspan_main.audit_entry WHERE ` + of("acme") + `; DELETE FROM linkspan_main.audit_head WHERE ` + of("acme"), "globex", "the audit of acme has no entry of this"},
	{"a head", `DELETE FROM linkspan_main.audit_head WHERE ` + of("acme"), "acme", "and no head"},
	{"who decided", `UPDATE linkspan_main.transition SET actor_name = 'eve' WHERE deed = 'DECLINE'`, "globex", "in actor"},
	{"the rule", `UPDATE linkspan_main.transition SET rule = 'DEFAULT' WHERE deed = 'SET_POLICY'`, "acme", "in rule"},
	{"what a policy became", `UPDATE linkspan_main.transition SET policy = jsonb_set(policy, '{outgoingApproval}', 'false') WHERE deed = 'SET_POLICY'`, "acme", "in policy"},
	{"what a policy became, into what can't be read", `UPDATE linkspan_main.transition SET policy = '[{}]' WHERE deed = 'SET_POLICY'`, "acme", "in policy"},
	{"that it is kept what a policy became", `UPDATE linkspan_main.transition SET policy = NULL WHERE deed = 'SET_POLICY'`, "acme", "in format, policy"},
	{"a policy", `UPDATE linkspan_main.sharing_policy SET outgoing_approval = false WHERE ` + of("acme"), "acme", "nobody has decided that: in outgoingApproval"},
	{"a policy's time to live", `UPDATE linkspan_main.sharing_policy SET invitation_ttl_hours = 1 WHERE ` + of("acme"), "acme", "nobody has decided that: in invitationTtlHours"},
	{"a policy and its version", `UPDATE linkspan_main.sharing_policy SET outgoing_approval = false, version = version + 1 WHERE ` + of("acme"), "acme", "has version 3 now, and nobody has decided that"},
	{"that there is a policy", `DELETE FROM linkspan_main.sharing_policy WHERE ` + of("acme"), "acme", "the policy of the group is not there any more"},
	{"when", `UPDATE linkspan_main.transition SET at = at - interval '1 microsecond' WHERE deed = 'TRUST'`, "acme", "in at"},
	{"what was decided", `DELETE FROM linkspan_main.transition WHERE deed = 'TRUST'`, "acme", "what it tells of is not there"},
	{"that it is in the audit", `UPDATE linkspan_main.transition SET audited = false WHERE deed = 'TRUST'`, "acme", "is not marked as being in the audit"},
	{"what was refused", `DELETE FROM linkspan_main.refusal`, "globex", "what it tells of is not there"},
	{"why it was refused", `UPDATE linkspan_main.refusal SET rule = 'ROLE'`, "globex", "in rule"},
	{"of whom an invitation is", `UPDATE linkspan_main.invitation SET to_group_id = (SELECT group_id FROM linkspan_main.groups WHERE handle = 'initech')
		WHERE invitation_id IN (SELECT invitation_id FROM linkspan_main.transition WHERE deed = 'DENY')`, "acme", "in otherGroup"},
}

// cut takes the last entry of a group's audit away, and sets the head back.
func cut(handle string) string {
	return `DELETE FROM linkspan_main.audit_entry AS e USING linkspan_main.audit_head AS h
			WHERE h.group_id = e.group_id AND h.number = e.number AND e.` + of(handle) + `;
		UPDATE linkspan_main.audit_head AS h SET number = e.number, hash = e.hash FROM linkspan_main.audit_entry AS e
			WHERE e.group_id = h.group_id AND e.number = h.number - 1 AND h.` + of(handle)
}

// keep keeps the tables that somebody may change, and returns what brings them back.
func (w *world) keep(t testing.TB) (restore func(t testing.TB)) {
	t.Helper()
	tables := []string{"audit_entry", "audit_head", "transition", "refusal", "invitation", "sharing_policy"}
	w.exec(t, `CREATE SCHEMA kept`)
	for _, table := range tables {
		w.exec(t, `CREATE TABLE kept.`+table+` AS TABLE linkspan_main.`+table)
	}
	return func(t testing.TB) {
		t.Helper()
		for _, table := range tables {
			w.exec(t, `TRUNCATE linkspan_main.`+table)
			w.exec(t, `INSERT INTO linkspan_main.`+table+` SELECT * FROM kept.`+table)
		}
	}
}

// finds fails the test unless the audit of a group tells that.
func finds(t *testing.T, report *audit.Report, group, want string) {
	t.Helper()
	if !slices.ContainsFunc(report.Breaches, func(b audit.Breach) bool { return b.Group == group && strings.Contains(b.Detail, want) }) {
		t.Errorf("%s does not tell that %q: %v", group, want, report.Breaches)
	}
	for _, b := range report.Breaches {
		if strings.Contains(b.Detail, "not now") || strings.Contains(b.Detail, "gladly") {
			t.Errorf("a breach repeats what a user wrote: %v", b)
		}
	}
}

// Whatever is changed is found; without a change nothing is.
func TestTamperingIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if report := w.verify(t); !report.OK() || report.Groups != 3 || report.Entries < 20 || report.Waiting != 0 {
		t.Fatalf("nothing was changed, and the report is %+v", report)
	}
	restore := w.keep(t)
	for _, c := range tamperings {
		t.Run(c.name, func(t *testing.T) {
			touched := int64(0)
			for statement := range strings.SplitSeq(c.change, ";\n") {
				touched += w.exec(t, statement)
			}
			if touched == 0 {
				t.Fatal("nothing was there to change")
			}
			finds(t, w.verify(t), c.group, c.want)
			restore(t)
		})
	}
	// A decision and both groups' whole past, written anew with right hashes, shows in what was exported alone.
	before := w.export(t, "acme", 0)
	t.Run("a decision and a whole audit", func(t *testing.T) {
		w.exec(t, `UPDATE linkspan_main.transition SET reason = 'gladly' WHERE reason = 'not now'`)
		w.rewrite(t, "acme")
		report := w.verify(t)
		finds(t, report, "globex", "the audit of acme did not stand where it says")
		finds(t, report, "globex", "in reason")
	})
	t.Run("a decision and all audits", func(t *testing.T) {
		w.rewriteAll(t)
		if report := w.verify(t); !report.OK() {
			t.Errorf("all is written anew alike: %v", report.Breaches)
		}
		report, err := audit.VerifyExport(t.Context(), w.Router, strings.NewReader(before), nil)
		if err != nil {
			t.Fatal(err)
		}
		finds(t, report, "acme", "it was exported, and is another now")
	})
	restore(t)
	if report := w.verify(t); !report.OK() {
		t.Errorf("nothing is changed any more: %v", report.Breaches)
	}
}

// rewrite writes a group's audit anew as somebody would who says that another reason was given: with right hashes throughout.
func (w *world) rewrite(t *testing.T, handle string) {
	t.Helper()
	pool := localpgtest.Pool(t, w.Config.MainDSN)
	var genesis []byte
	if err := pool.QueryRow(t.Context(), `SELECT genesis FROM linkspan_main.audit_head WHERE `+of(handle)).Scan(&genesis); err != nil {
		t.Fatal(err)
	}
	rows, err := pool.Query(t.Context(), `SELECT record FROM linkspan_main.audit_entry WHERE `+of(handle)+` ORDER BY number`)
	if err != nil {
		t.Fatal(err)
	}
	records, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	at := channel.AuditHash(genesis)
	for i, record := range records {
		record = strings.ReplaceAll(record, "not now", "gladly")
		at = at.Next(record)
		w.exec(t, `UPDATE linkspan_main.audit_entry SET record = $1, hash = $2 WHERE number = $3 AND `+of(handle), record, at[:], i+1)
	}
	w.exec(t, `UPDATE linkspan_main.audit_head SET hash = $1 WHERE `+of(handle), at[:])
}

// rewriteAll has the product write all audits anew of what main says now.
func (w *world) rewriteAll(t *testing.T) {
	t.Helper()
	for _, statement := range []string{
		`DELETE FROM linkspan_main.audit_entry`, `UPDATE linkspan_main.audit_head SET number = 0, hash = genesis`,
		`UPDATE linkspan_main.transition SET audited = false`, `UPDATE linkspan_main.refusal SET audited = false`,
	} {
		w.exec(t, statement)
	}
	w.For(t).Audited()
}

// One group's audit is verified by itself, and what is on its way is no breach.
func TestVerifyOneGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(t.Context(), "acme", "ana", "globex", false)
	report, err := audit.Verify(t.Context(), w.Router, "globex", nil)
	if err != nil || !report.OK() || report.Groups != 1 || report.Waiting != 1 {
		t.Errorf("the report is %+v: %v", report, err)
	}
	w.exec(t, `DELETE FROM linkspan_main.audit_entry WHERE `+of("acme"))
	report, err = audit.Verify(t.Context(), w.Router, "initech", nil)
	if err != nil || !report.OK() {
		t.Errorf("what is wrong with another is told of this: %+v: %v", report, err)
	}
	if _, err := audit.Verify(t.Context(), w.Router, "nobody", nil); err == nil {
		t.Error("the audit of nobody is verified")
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := audit.Verify(stopped, w.Router, "", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped, and the error is %v", err)
	}
}

// What was decided before main kept what policies became, and what a replica of the release before has written of what was decided since, is right
// as it is; and a policy that was changed since is on its way.
func TestOlderFormsHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `CREATE TABLE newer AS TABLE linkspan_main.transition`)
	w.exec(t, `UPDATE linkspan_main.transition SET policy = NULL`)
	w.rewriteAll(t)
	first := w.export(t, "acme", 0)
	if strings.Contains(first, `"policy"`) || strings.Contains(first, `"format":2`) {
		t.Errorf("it tells what nobody kept: %s", first)
	}
	if report := w.verify(t); !report.OK() {
		t.Errorf("decided before: %v", report.Breaches)
	}
	w.exec(t, `UPDATE linkspan_main.transition AS t SET policy = n.policy FROM newer AS n WHERE n.transition_id = t.transition_id`)
	if report := w.verify(t); !report.OK() {
		t.Errorf("written by a replica of the release before: %v", report.Breaches)
	}
	no := false
	set, err := w.Service.SetSharingPolicy(t.Context(), w.viewer("acme", "ana"), channel.SetSharingPolicyInput{
		ExpectedVersion: 2, SharingEnabled: &no, Given: map[string]bool{"sharingEnabled": true},
	})
	w.must(err, set.Errors, false)
	if report := w.verify(t); !report.OK() || report.Waiting != 1 {
		t.Errorf("a policy that was changed since: %+v", report)
	}
	w.For(t).Audited()
	rest := w.export(t, "acme", int32(strings.Count(first, "\n")))
	if !strings.Contains(rest, `"format":2`) || !strings.Contains(rest, `"policy":{"sharingEnabled":false,"whoMayCreate":"MEMBERS"`) {
		t.Errorf("the change is told as %s", rest)
	}
	if report := w.verify(t); !report.OK() || report.Waiting != 0 {
		t.Errorf("all of it: %+v", report)
	}
	report, err := audit.VerifyExport(t.Context(), w.Router, strings.NewReader(first+rest), nil)
	if err != nil || !report.OK() {
		t.Errorf("the export of both: %+v: %v", report, err)
	}
}

// A policy in the history that can't be read, before its entry is written, holds up nobody's audit, and is found, also where another was decided since.
func TestUnreadPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `UPDATE linkspan_main.transition SET policy = '[{}]' WHERE deed = 'SET_POLICY'`)
	w.rewriteAll(t)
	report := w.verify(t)
	finds(t, report, "acme", "what the policy became could not be read")
	finds(t, report, "acme", "the policy of the group is another now")
	no := false
	set, err := w.Service.SetSharingPolicy(t.Context(), w.viewer("acme", "ana"), channel.SetSharingPolicyInput{
		ExpectedVersion: 2, SharingEnabled: &no, Given: map[string]bool{"sharingEnabled": true},
	})
	w.must(err, set.Errors, false)
	w.For(t).Audited()
	if report = w.verify(t); len(report.Breaches) != 1 || report.Waiting != 0 {
		t.Errorf("another was decided since: %+v", report)
	}
	finds(t, report, "acme", "what the policy became could not be read")
}

// Of many breaches the first are told. Progress ends each part.
func TestManyBreaches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 50 {
		w.decline(t.Context(), "globex", w.create(t.Context(), "acme", "ana", "globex", false))
	}
	w.Audited()
	w.exec(t, `UPDATE linkspan_main.audit_entry SET record = '' WHERE `+of("acme"))
	ended := map[string]bool{}
	report, err := audit.Verify(t.Context(), w.Router, "", func(p audit.Progress) { ended[p.Part] = p.Done == p.Total })
	if err != nil || len(report.More) != 1 || report.More[0] != "acme" {
		t.Errorf("%d breaches, and more of %v: %v", len(report.Breaches), report.More, err)
	}
	if len(ended) != 5 {
		t.Errorf("the parts are %v", ended)
	}
	for part, end := range ended {
		if !end {
			t.Errorf("%s has not ended", part)
		}
	}
}
