package localpg

import (
	"context"
	"path/filepath"
)

// Untied is the configuration for clusters that outlive their program when it is killed, as on systems without Pdeathsig.
func Untied(cfg Config) Config {
	cfg.untied = true
	return cfg
}

// Await looks at a condition until it holds.
var Await = await

// ProcessesIn lists the PostgreSQL processes that use a data directory of a root.
func ProcessesIn(ctx context.Context, root string) ([]int, error) {
	dirs, err := filepath.Glob(filepath.Join(root, majorPrefix+"*", "*"))
	if err != nil {
		return nil, err
	}
	found, err := findOrphans(ctx, dirs)
	if err != nil {
		return nil, err
	}
	pids := make([]int, len(found))
	for i, o := range found {
		pids[i] = o.pid
	}
	release(found)
	return pids, nil
}
