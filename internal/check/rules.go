package check

import (
	"cmp"
	"context"
	"strings"

	"github.com/uptrace/bun"

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

// finding is a row of a rule's query.
type finding struct {
	Object string `bun:"object"`
	Detail string `bun:"detail"`
}

// Invariants returns all that Run judges.
func Invariants() []Invariant {
	var all []Invariant
	for _, rules := range [][]rule{mainRules, auditRules, shardRules, conversationRules, frozenRules, outdatedRules} {
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
		// Past the prepared statements, for a plan that was made when the tables were small is a bad one now; and the limit is
		// kept from the plan, for it expects breaches, and to find enough of them soon.
		var found []finding
		err := database.Read(ctx, func(ctx context.Context, db bun.IDB) error {
			found = nil
			return db.NewRaw(`WITH found (object, detail) AS MATERIALIZED (`+rule.query+`)
				SELECT object, detail FROM found LIMIT ?`, maxBreachesOfARule+1).Scan(ctx, &found)
		})
		for _, f := range found {
			c.breach(Breach{Invariant: rule.Name, Cluster: database.Name(), Object: f.Object, Detail: f.Detail})
		}
		if err != nil {
			return failed(database.Name(), rule.Name, err)
		}
	}
	c.tell(Progress{Cluster: database.Name(), Part: part, Done: int64(len(rules)), Total: int64(len(rules))})
	return nil
}

func compareBreaches(a, b Breach) int {
	return cmp.Or(strings.Compare(a.Cluster, b.Cluster), strings.Compare(a.Invariant, b.Invariant),
		strings.Compare(a.Object, b.Object), strings.Compare(a.Detail, b.Detail))
}
