package check

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"linkspan/shardrouter"
)

// Invariant is something that is always so.
type Invariant struct {
	Name string
	Says string
}

// rule is an invariant of one cluster: a query for what breaks it, of an object and a detail.
type rule struct {
	Invariant
	query string
}

// Invariants returns all that Run judges.
func Invariants() []Invariant {
	var all []Invariant
	for _, rules := range [][]rule{mainRules, shardRules} {
		for _, rule := range rules {
			all = append(all, rule.Invariant)
		}
	}
	return append(all, acrossInvariants...)
}

// rules judges those invariants of a cluster that it can judge alone, each in one statement.
func (c *checker) rules(ctx context.Context, database *shardrouter.Database, rules []rule) error {
	const part = "invariants"
	for i, rule := range rules {
		c.tell(Progress{Cluster: database.Name(), Part: part, Done: int64(i), Total: int64(len(rules))})
		err := database.ReadPgx(ctx, func(ctx context.Context, conn shardrouter.Conn) error {
			rows, err := conn.Query(ctx, rule.query+" LIMIT $1", maxBreachesOfARule+1)
			if err != nil {
				return err
			}
			var object, detail string
			_, err = pgx.ForEachRow(rows, []any{&object, &detail}, func() error {
				c.breach(Breach{Invariant: rule.Name, Cluster: database.Name(), Object: object, Detail: detail})
				return nil
			})
			return err
		})
		if err != nil {
			return fmt.Errorf("check: %s on %s: %w", rule.Name, database.Name(), err)
		}
	}
	c.tell(Progress{Cluster: database.Name(), Part: part, Done: int64(len(rules)), Total: int64(len(rules))})
	return nil
}

func compareBreaches(a, b Breach) int {
	return cmp.Or(strings.Compare(a.Cluster, b.Cluster), strings.Compare(a.Invariant, b.Invariant),
		strings.Compare(a.Object, b.Object), strings.Compare(a.Detail, b.Detail))
}
