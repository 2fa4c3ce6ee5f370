package shardrouter

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

func TestHeadOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"SELECT 'linkspan_secret.x', a FROM linkspan_main.groups":      "SELECT",
		"\n\tselect a, b from linkspan_main.groups where handle = 'x'": "SELECT linkspan_main.groups",
		"INSERT INTO linkspan_shard.note(slot,id) VALUES (5,6)":        "INSERT linkspan_shard.note",
		"WITH due AS (SELECT 1 FROM linkspan_main.outbox_stream AS s)": "WITH linkspan_main.outbox_stream",
		"SELECT 1 FROM x WHERE a = E'\\'linkspan_secret' AND 1 = 1":    "SELECT",
		`SELECT "linkspan_secret" FROM linkspan_main.groups`:           "SELECT linkspan_main.groups",
		`SELECT "a""linkspan_secret.b" FROM linkspan_main.groups`:      "SELECT linkspan_main.groups",
		`SELECT "it's", 'linkspan_secret' FROM linkspan_main.groups`:   "SELECT",
		`SELECT "linkspan_secret`:                                      "SELECT",
		`SELECT "linkspan_main"."secret`:                               "SELECT",
		`SELECT "linkspan_main"."S3cret" FROM linkspan_main.groups`:    "SELECT linkspan_main.groups",
		`SELECT "linkspan_main"."groups"."handle"`:                     "SELECT linkspan_main.groups",
		`SELECT 'x', "linkspan_main"."groups"`:                         "SELECT",
		"SELECT $$linkspan_secret$$":                                   "SELECT",
		"COMMIT":                                                       "COMMIT",
		"":                                                             "statement",
		"'secret'":                                                     "statement",
		"12345":                                                        "statement",
		"/* secret */ SELECT 1":                                        "statement",
		"SELECT " + strings.Repeat("1,", 9999) + "2 FROM linkspan_a":   "SELECT",
	} {
		if got := headOf(text); got != want {
			t.Errorf("%.80q: %q, want %q", text, got, want)
		}
	}
}

// What bun makes of models and tables names the table, and no value.
func TestHeadOfBun(t *testing.T) {
	t.Parallel()
	type note struct {
		bun.BaseModel `bun:"table:linkspan_shard.note,alias:n"`
		Slot          int16  `bun:",pk"`
		ID            string `bun:",pk"`
		Body          string
	}
	const secret = "linkspan_shard.s3cr3t"
	db := bun.NewDB(nil, pgdialect.New())
	row := &note{Slot: 1, ID: secret, Body: secret}
	for _, query := range []fmt.Stringer{
		db.NewSelect().Model(row).WherePK(),
		db.NewSelect().Model(row).Where("body = ?", secret).Where("id IN (?)", bun.List([]string{secret})),
		db.NewSelect().Model(row).ModelTableExpr("linkspan_shard.note AS n").Where("body = ?", secret),
		db.NewSelect().Table("linkspan_shard.note").Column("body", "id").Where("body = ?", secret),
		db.NewSelect().TableExpr("linkspan_shard.note AS n").ColumnExpr("n.body").Where("n.body = ?", secret),
		db.NewSelect().TableExpr("linkspan_shard.note AS n").Column("n.body", "n.id").Limit(1),
		db.NewInsert().Model(row),
		db.NewUpdate().Model(row).WherePK(),
		db.NewDelete().Model(row).WherePK(),
	} {
		word, _, _ := strings.Cut(query.String(), " ")
		if got := headOf(query.String()); got != word+" linkspan_shard.note" {
			t.Errorf("%s: %q", query, got)
		}
	}
}

// statements keeps what it is told in contexts that it wants.
type statements struct {
	mu    sync.Mutex
	told  []string
	fails int
}

type wanted struct{}

func (*statements) Wants(ctx context.Context) bool { return ctx.Value(wanted{}) != nil }

func (s *statements) TraceStatement(_ context.Context, statement Statement) func(error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, statement.Cluster+": "+statement.Text)
	return func(err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			s.fails++
		}
	}
}

// Whatever way a statement goes, its values are not told.
func TestStatementsAreTold(t *testing.T) {
	t.Parallel()
	config := installed(t, "a")
	told := &statements{}
	config.Statements = told
	r := openRouter(t, config)
	slot := slotOn(t, r, "a", 0)
	ctx := context.WithValue(t.Context(), wanted{}, true)
	const secret = "s3cr3t"
	for _, way := range noteWays {
		if err := way.write(t.Context(), r, slot, 1, "unwanted"); err != nil {
			t.Fatal(err)
		}
		if err := way.write(ctx, r, slot, 1, secret); err != nil {
			t.Fatal(err)
		}
		if body, err := way.read(ctx, r, slot, 1); err != nil || body != secret {
			t.Fatal(body, err)
		}
	}
	if err := r.Read(ctx, slot, func(ctx context.Context, db bun.IDB) error {
		_, err := db.ExecContext(ctx, "SELECT no_such_column FROM linkspan_shard.note WHERE body = ?", secret)
		return err
	}); err == nil {
		t.Error("there is such a column")
	}
	told.mu.Lock()
	defer told.mu.Unlock()
	if text := strings.Join(told.told, "\n"); strings.Contains(text, secret) {
		t.Errorf("a value was told: %s", text)
	}
	for _, want := range []string{
		"a: INSERT linkspan_shard.note", "a: SELECT linkspan_shard.owned_slot", "a: SELECT linkspan_shard.note", "a: COMMIT",
	} {
		if !slices.Contains(told.told, want) {
			t.Errorf("%q was not told: %q", want, told.told)
		}
	}
	if !slices.ContainsFunc(told.told, func(text string) bool { return strings.Contains(text, "slot = $1") }) {
		t.Errorf("no statement with arguments was told: %q", told.told)
	}
	if told.fails != 1 {
		t.Errorf("%d statements failed, want 1", told.fails)
	}
}
