package store_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/store"
	"linkspan/internal/store/storetest"
)

// Statements that find rows by their keys must do so from the first row on, before Postgres has statistics: by a primary
// key, or by a live name, which is unique too.
func TestKeysAreUsedWithoutStatistics(t *testing.T) {
	t.Parallel()
	scan := regexp.MustCompile(`(?:Index (?:Only )?Scan using|Bitmap Index Scan on|Seq Scan on) (\S+)`)
	conn, err := pgx.Connect(t.Context(), storetest.Config(t, 0).MainDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "SET plan_cache_mode = force_generic_plan"); err != nil {
		t.Fatal(err)
	}
	for name, query := range store.KeyedQueries {
		statement, err := conn.Prepare(t.Context(), "keyed", query)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		nulls := strings.TrimSuffix(strings.Repeat("NULL, ", len(statement.ParamOIDs)), ", ")
		rows, err := conn.Query(t.Context(), "EXPLAIN EXECUTE keyed("+nulls+")", pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		scans := 0
		for _, line := range lines {
			found := scan.FindStringSubmatch(line)
			if found == nil {
				continue
			}
			scans++
			if !strings.HasSuffix(found[1], "_pkey") && found[1] != "shard_referential_live_name" {
				t.Errorf("%s: %s is read, and is no key:\n%s", name, found[1], strings.Join(lines, "\n"))
				break
			}
		}
		if scans == 0 {
			t.Errorf("%s: this plan reads no table:\n%s", name, strings.Join(lines, "\n"))
		}
		if err := conn.Deallocate(t.Context(), "keyed"); err != nil {
			t.Fatal(err)
		}
	}
}
