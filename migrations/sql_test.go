package migrations_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"linkspan/migrations"
)

// forbidden is what not every engine has that Linkspan runs on (Citus, YugabyteDB, CockroachDB, a pooler
// in between), or what hides rules from the reader of the Go code.
var forbidden = regexp.MustCompile(`(?i)\b(LISTEN|NOTIFY|pg_(try_)?advisory\w*|PREPARE\s+TRANSACTION|(small|big)?serial|` +
	`(CREATE|ALTER)\s+SEQUENCE|nextval|AS\s+IDENTITY|TRIGGER|FUNCTION|PROCEDURE|plpgsql|LANGUAGE|FOR\s+(KEY\s+)?SHARE|` +
	`CREATE\s+EXTENSION|INHERITS|EXCLUDE|UNLOGGED|TEMP(ORARY)?\s+TABLE)\b|\$\$`)

var lineComment = regexp.MustCompile(`(?m)--.*$`)

func TestFiles(t *testing.T) {
	t.Parallel()
	for _, set := range sets {
		paths, err := filepath.Glob(filepath.Join(set.String(), "*"))
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(paths)) != migrations.Newest(set) {
			t.Errorf("%s: %d files up to version %d: numbers must be without a gap", set, len(paths), migrations.Newest(set))
		}
		name := regexp.MustCompile(`^\d{5}_[a-z0-9_]+\.sql$`)
		for i, path := range paths {
			base := filepath.Base(path)
			if !name.MatchString(base) || !strings.HasPrefix(base, fmt.Sprintf("%05d_", i+1)) {
				t.Errorf("%s: want the name %05d_noun.sql", path, i+1)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []string{"-- +goose Up\n", "-- +goose Down\n"} {
				if strings.Count(string(text), part) != 1 {
					t.Errorf("%s: want %q once", path, part)
				}
			}
			if found := forbidden.FindAllString(lineComment.ReplaceAllString(string(text), ""), -1); found != nil {
				t.Errorf("%s: %q is not portable", path, found)
			}
		}
	}
}

func TestForbiddenFindsWhatItShould(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"NOTIFY x", "id bigserial", "id serial", "SELECT pg_advisory_lock(1)", "pg_try_advisory_xact_lock(1)", "prepare  transaction 'x'",
		"id bigint GENERATED ALWAYS AS IDENTITY", "create trigger t", "do $$ begin", "nextval('s')", "SELECT 1 FOR SHARE", "FOR KEY SHARE",
	} {
		if !forbidden.MatchString(bad) {
			t.Errorf("%q passes", bad)
		}
	}
	if good := "CREATE TABLE linkspan_shard.identity (listener text); SELECT 1 FOR UPDATE SKIP LOCKED"; forbidden.MatchString(good) {
		t.Errorf("%q does not pass", good)
	}
}

// TestSchema asks the migrated database itself. Each query returns what breaks a rule.
func TestSchema(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	for _, set := range sets {
		if err := migrations.Up(t.Context(), db, set, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, rule := range []struct{ name, query string }{
		{"a table has a comment", `
			SELECT c.oid::regclass::text FROM pg_class c
			WHERE c.relnamespace IN ` + ours + ` AND c.relkind IN ('r', 'p', 'v', 'm')
			  AND coalesce(obj_description(c.oid, 'pg_class'), '') = ''`},
		{"a column has a comment", `
			SELECT c.oid::regclass || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
			WHERE c.relnamespace IN ` + ours + ` AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
			  AND coalesce(col_description(c.oid, a.attnum), '') = ''`},
		{"there is no sequence", `
			SELECT oid::regclass::text FROM pg_class WHERE relnamespace IN ` + ours + ` AND relkind = 'S'`},
		{"there is no function", `
			SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace IN ` + ours},
		{"there is no trigger", `
			SELECT t.tgrelid::regclass || ' ' || t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
			WHERE c.relnamespace IN ` + ours + ` AND NOT t.tgisinternal`},
		{"every table has a primary key", `
			SELECT c.oid::regclass::text FROM pg_class c
			WHERE c.relnamespace IN ` + ours + ` AND c.relkind IN ('r', 'p')
			  AND NOT EXISTS (SELECT 1 FROM pg_constraint p WHERE p.conrelid = c.oid AND p.contype = 'p')`},
		{"on a shard slot comes first in each primary and unique key", `
			SELECT c.oid::regclass || ' ' || i.indexrelid::regclass FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid
			JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
			WHERE c.relnamespace = 'linkspan_shard'::regnamespace AND i.indisunique AND a.attname <> 'slot'
			  AND c.relname NOT IN ('identity', 'schema_version', 'schema_lock')`},
		{"on a shard slot is a smallint", `
			SELECT c.oid::regclass::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'slot'
			WHERE c.relnamespace = 'linkspan_shard'::regnamespace AND c.relkind IN ('r', 'p') AND a.atttypid <> 'smallint'::regtype`},
		{"on a shard a foreign key stays within a slot", `
			SELECT k.conrelid::regclass || ' ' || k.conname FROM pg_constraint k
			WHERE k.connamespace = 'linkspan_shard'::regnamespace AND k.contype = 'f' AND NOT (
				(SELECT attname FROM pg_attribute WHERE attrelid = k.conrelid AND attnum = k.conkey[1]) = 'slot'
				AND (SELECT attname FROM pg_attribute WHERE attrelid = k.confrelid AND attnum = k.confkey[1]) = 'slot')`},
		{"no foreign key leaves its schema", `
			SELECT k.conrelid::regclass || ' ' || k.conname FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid
			WHERE k.connamespace IN ` + ours + ` AND k.contype = 'f' AND f.relnamespace <> k.connamespace`},
	} {
		t.Run(rule.name, func(t *testing.T) {
			for _, breach := range texts(t, db, rule.query) {
				t.Errorf("%s breaks: %s", breach, rule.name)
			}
		})
	}
}

const ours = `('linkspan_main'::regnamespace, 'linkspan_shard'::regnamespace)`

func texts(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		list = append(list, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}
