package check_test

import (
	"fmt"
	"strings"
	"testing"
)

// keeper has all rows of an installation as they were, and brings them back.
type keeper struct {
	w      *world
	tables map[string][]string // of each cluster
}

func newKeeper(w *world) *keeper {
	w.t.Helper()
	w.Audited() // nobody writes from here on
	k := &keeper{w: w, tables: make(map[string][]string)}
	for _, cluster := range append(w.Router.Clusters(), "main") {
		database := w.Router.Main()
		if shard, ok := w.Router.Cluster(cluster); ok {
			database = shard
		}
		rows, err := database.Pool().Query(w.t.Context(), `
			SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname LIKE 'linkspan%' ORDER BY 1`)
		if err != nil {
			w.t.Fatal(err)
		}
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				w.t.Fatal(err)
			}
			if !strings.Contains(name, "goose") && !strings.Contains(name, "migration") {
				k.tables[cluster] = append(k.tables[cluster], name)
			}
		}
		if err := rows.Err(); err != nil {
			w.t.Fatal(err)
		}
		statements := []string{"CREATE SCHEMA kept"}
		for i, table := range k.tables[cluster] {
			statements = append(statements, fmt.Sprintf("CREATE TABLE kept.t%d AS TABLE %s", i, table))
		}
		k.run(w.t, cluster, statements)
	}
	return k
}

func (k *keeper) plant(t testing.TB, p plant) {
	t.Helper()
	clusters := []string{"main"}
	if p.on == "shards" {
		clusters = k.w.Router.Clusters()
	}
	var touched int64
	for _, cluster := range clusters {
		for statement := range strings.SplitSeq(p.damage, ";") {
			n, err := k.w.exec(cluster, statement)
			if err != nil {
				t.Fatal(err)
			}
			touched += n
		}
	}
	if touched == 0 {
		t.Fatal("nothing was there to damage")
	}
}

func (k *keeper) restore(t testing.TB, undo string) {
	t.Helper()
	for cluster, tables := range k.tables {
		statements := []string{"TRUNCATE " + strings.Join(tables, ", ")}
		for i, table := range tables {
			statements = append(statements, fmt.Sprintf("INSERT INTO %s SELECT * FROM kept.t%d", table, i))
		}
		if cluster == "main" && undo != "" {
			statements = append(statements, undo)
		}
		k.run(t, cluster, statements)
	}
}

func (k *keeper) run(t testing.TB, cluster string, statements []string) {
	t.Helper()
	if _, err := k.w.exec(cluster, strings.Join(statements, ";\n")); err != nil {
		t.Fatal(err)
	}
}
