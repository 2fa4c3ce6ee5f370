package store_test

import (
	"context"
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
			if !strings.HasSuffix(found[1], "_pkey") && found[1] != "shard_referential_live_name" {
				t.Errorf("%s: %s is read, and is no key:\n%s", name, found[1], strings.Join(lines, "\n"))
				break
			}
		}
		if scans == 0 {
			t.Errorf("%s: this plan reads no table:\n%s", name, strings.Join(lines, "\n"))
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

// plans shows how Postgres runs statements before it has statistics, whatever their arguments.
type plans struct {
	t    *testing.T
	conn *pgx.Conn
}

func newPlans(t *testing.T) *plans {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), storetest.Config(t, 0).MainDSN)
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
