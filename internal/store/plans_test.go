package store_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"linkspan/internal/store"
	"linkspan/internal/store/storetest"
)

// Statements that find rows by their keys must do so from the first row on, before Postgres has statistics: by a primary
// key, by a live name, which is unique too, or all that belongs to a channel or an invitation by that.
func TestKeysAreUsedWithoutStatistics(t *testing.T) {
	t.Parallel()
	keys := []string{"shard_referential_live_name", "invitation_of_channel", "invitation_open", "transition_of_invitation"}
	scan := regexp.MustCompile(`(?:Index (?:Only )?Scan (?:Backward )?using|Bitmap Index Scan on|Seq Scan on) (\S+)`)
	p := newPlans(t)
	for name, query := range store.KeyedQueries {
		lines := p.of(name, query)
		scans := 0
		for _, line := range lines {
			found := scan.FindStringSubmatch(line)
			if found == nil {
				continue
			}
			scans++
			if !strings.HasSuffix(found[1], "_pkey") && !slices.Contains(keys, found[1]) {
				t.Errorf("%s: %s is read, and is no key:\n%s", name, found[1], strings.Join(lines, "\n"))
				break
			}
		}
		if scans == 0 {
			t.Errorf("%s: this plan reads no table:\n%s", name, strings.Join(lines, "\n"))
		}
	}
}

// What audits lack must be found without a look at what they have: most of what was ever decided.
func TestUnauditedIsFoundByItself(t *testing.T) {
	t.Parallel()
	p := newPlans(t)
	for name, query := range store.ScribeQueries {
		lines := p.of(name, query)
		for _, index := range []string{"transition_unaudited", "refusal_unaudited"} {
			if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, "using "+index) }) {
				t.Errorf("%s is found without %s:\n%s", name, index, strings.Join(lines, "\n"))
			}
		}
	}
}

// Statements that find messages must do so by the whole key: by a part of it they read all of a channel.
func TestMessagesAreFoundByTheirWholeKeys(t *testing.T) {
	t.Parallel()
	p := newPlans(t)
	for name, query := range store.MessageQueries {
		lines, found := p.of(name, query), 0
		for i, line := range lines[:len(lines)-1] {
			if !strings.Contains(line, "using message_pkey") && !strings.Contains(line, "using channel_operation_pkey") {
				continue
			}
			found++
			if keys := lines[i+1]; !strings.Contains(keys, "number = ") && !strings.Contains(keys, "op_id = ") {
				t.Errorf("%s: %s has %s:\n%s", name, strings.TrimSpace(line), strings.TrimSpace(keys), strings.Join(lines, "\n"))
			}
		}
		if found == 0 {
			t.Errorf("%s finds no message:\n%s", name, strings.Join(lines, "\n"))
		}
	}
}

// What is unread must be counted in the key alone: a message is read by nobody for that who has left hundreds of them unread.
func TestUnreadIsCountedInTheKeyAlone(t *testing.T) {
	t.Parallel()
	p := newPlans(t)
	for name, query := range store.UnreadQueries {
		if lines := p.of(name, query); !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, "Index Only Scan using message_pkey") }) {
			t.Errorf("in %s:\n%s", name, strings.Join(lines, "\n"))
		}
	}
}

// Pages must find what belongs to their messages by whole keys, and look for what most messages have none of only where the
// row says that there is some.
func TestPagesFindWhatBelongsToMessagesByWholeKeys(t *testing.T) {
	t.Parallel()
	lastOfKey := map[string]string{
		"channel_side": "group_id", "channel_log": "channel_id", "channel_user": "user_id", "private_replies": "group_id", "reaction": "number",
	}
	scan := regexp.MustCompile(`(?:Scan(?: using (\S+))?|Bitmap Heap Scan) on (\S+)`)
	p := newPlans(t)
	for name, query := range store.PageQueries {
		lines, found := p.of(name, query), map[string]bool{}
		for i, line := range lines[:len(lines)-1] {
			at := scan.FindStringSubmatch(line)
			if at == nil || lastOfKey[at[2]] == "" {
				continue
			}
			found[at[2]] = true
			if keys := lines[i+1]; at[1] != at[2]+"_pkey" || !strings.Contains(keys, "("+lastOfKey[at[2]]+" = ") {
				t.Errorf("%s: %s has %s:\n%s", name, strings.TrimSpace(line), strings.TrimSpace(keys), strings.Join(lines, "\n"))
			}
		}
		for table := range lastOfKey {
			if !found[table] && (table != "channel_log" || !strings.HasPrefix(name, "some messages")) {
				t.Errorf("%s does not look into %s:\n%s", name, table, strings.Join(lines, "\n"))
			}
		}
		for _, seldom := range []string{"reaction r", "private_replies p", "Function Scan on named"} {
			if at := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, seldom) }); !inSubPlan(lines, at) {
				t.Errorf("%s looks for %s for each message:\n%s", name, seldom, strings.Join(lines, "\n"))
			}
		}
	}
}

// inSubPlan reports whether a line of a plan is of one that an expression runs when it comes to it.
func inSubPlan(lines []string, at int) bool {
	depth := func(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
	for above := at; above >= 0; above-- {
		if depth(lines[above]) < depth(lines[at]) {
			if at = above; strings.Contains(lines[at], "SubPlan") {
				return true
			}
		}
	}
	return false
}

// Statements must be planned once a connection: to plan one of them takes longer than to run it.
func TestStatementsArePlannedOnce(t *testing.T) {
	t.Parallel()
	const runs = 3
	literals := map[uint32]string{
		pgtype.Int2OID: `1`, pgtype.Int4OID: `20`, pgtype.Int8OID: `100`, pgtype.UUIDOID: `'01890000-0000-8001-8000-000000000001'`,
		pgtype.Int2ArrayOID: `'{1}'`, pgtype.UUIDArrayOID: `'{01890000-0000-8001-8000-000000000001}'`, pgtype.Int8ArrayOID: `'{1}'`,
		pgtype.Float4OID: `1`, pgtype.TextOID: `'a'`,
	}
	_, router := storetest.Open(t, 0)
	conn, err := router.Main().Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for _, queries := range []map[string]string{store.QueriesOfOne, store.PageQueries} {
		for name, query := range queries {
			statement, err := conn.Conn().Prepare(t.Context(), name, query)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			arguments := make([]string, len(statement.ParamOIDs))
			for i, oid := range statement.ParamOIDs {
				arguments[i] = literals[oid]
			}
			for range runs {
				if _, err := conn.Exec(t.Context(), `EXECUTE "`+name+`"(`+strings.Join(arguments, ", ")+`)`, pgx.QueryExecModeSimpleProtocol); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			var once, anew int
			err = conn.QueryRow(t.Context(), `SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = $1`, name).Scan(&once, &anew)
			if err != nil {
				t.Fatal(err)
			}
			if once != runs || anew != 0 {
				t.Errorf("%s: of %d runs %d were planned anew, want none", name, runs, anew)
			}
		}
	}
}

// Statements must find rows by keys also where the tables were small when Postgres last saw them: it keeps the plan while they grow.
func TestKeysAreUsedBehindStatisticsOfSmallTables(t *testing.T) {
	t.Parallel()
	config := storetest.Config(t, 0)
	_, router := storetest.OpenConfig(t, config)
	conn, err := router.Main().Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), `VACUUM ANALYZE`); err != nil {
		t.Fatal(err)
	}
	p, asIs := &plans{t, conn.Conn()}, 0
	without := newPlansOf(t, config.MainDSN)
	for _, queries := range []map[string]string{store.KeyedQueries, store.MessageQueries, store.QueriesOfOne, store.PageQueries} {
		for name, query := range queries {
			if lines := strings.Join(p.of(name, query), "\n"); strings.Contains(lines, "Seq Scan") {
				t.Errorf("%s reads a whole table:\n%s", name, lines)
			}
			asIs += strings.Count(strings.Join(without.of(name, query), "\n"), "Seq Scan")
		}
	}
	if asIs == 0 {
		t.Error("nothing reads a whole table without the settings either: this test tests nothing")
	}
}

// plans shows how Postgres runs statements before it has statistics, whatever their arguments.
type plans struct {
	t    *testing.T
	conn *pgx.Conn
}

func newPlans(t *testing.T) *plans {
	t.Helper()
	return newPlansOf(t, storetest.Config(t, 0).MainDSN)
}

func newPlansOf(t *testing.T, dsn string) *plans {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err == nil {
		_, err = conn.Exec(t.Context(), "SET plan_cache_mode = force_generic_plan")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return &plans{t, conn}
}

func (p *plans) of(name, query string) []string {
	p.t.Helper()
	statement, err := p.conn.Prepare(p.t.Context(), name, query)
	if err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
	nulls := strings.TrimSuffix(strings.Repeat("NULL, ", len(statement.ParamOIDs)), ", ")
	rows, err := p.conn.Query(p.t.Context(), `EXPLAIN EXECUTE "`+name+`"(`+nulls+`)`, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
	return lines
}
