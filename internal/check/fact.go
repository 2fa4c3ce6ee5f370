package check

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/uptrace/bun"
)

// kind is what a fact is of, and the invariant that a difference breaks.
type kind struct {
	invariant Invariant
	object    string // how a breach names it, with the key
}

// facts are what there is at one destination, by kind and key: each object's fields as JSON, which main's statements and
// the shards' make alike.
type facts map[*kind]map[string]string

func (f facts) add(k *kind, key, fields string) {
	if f[k] == nil {
		f[k] = make(map[string]string)
	}
	f[k][key] = fields
}

// compare tells each difference between what main wants and what a shard has.
func compare(want, got facts, tell func(k *kind, key, detail string)) error {
	for _, k := range kinds {
		for _, key := range slices.Sorted(maps.Keys(want[k])) {
			have, ok := got[k][key]
			if !ok {
				tell(k, key, "main has it, and it is not here")
				continue
			}
			detail, err := difference(want[k][key], have)
			if err != nil {
				return err
			}
			if detail != "" {
				tell(k, key, detail)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(got[k])) {
			if _, ok := want[k][key]; !ok {
				tell(k, key, "it is here, and should not be")
			}
		}
	}
	return nil
}

// difference names the fields that differ, with both values; "" if none does.
func difference(want, got string) (string, error) {
	if want == got {
		return "", nil
	}
	var wanted, have map[string]any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		return "", fmt.Errorf("check: %w", err)
	}
	if err := json.Unmarshal([]byte(got), &have); err != nil {
		return "", fmt.Errorf("check: %w", err)
	}
	var differ []string
	for _, field := range slices.Sorted(maps.Keys(wanted)) {
		if wanted[field] == have[field] {
			continue
		}
		if private[field] {
			differ = append(differ, field+" differs")
		} else {
			differ = append(differ, fmt.Sprintf("%s is %v here, %v in main", field, shown(have[field]), shown(wanted[field])))
		}
	}
	return strings.Join(differ, "; "), nil
}

// private are the fields that users write: no report and no log repeats them.
var private = map[string]bool{"name": true, "topic": true, "note": true, "reason": true, "sender_name": true, "resolver_name": true, "proposed_name": true}

func shown(value any) any {
	if value == nil {
		return "nothing"
	}
	return value
}

// query runs a query of a snapshot. bun writes the arguments into the text.
func query[T any](ctx context.Context, tx bun.Tx, text string, args ...any) (rows []T, err error) {
	err = tx.NewRaw(text, args...).Scan(ctx, &rows)
	return rows, err
}
