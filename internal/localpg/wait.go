package localpg

import (
	"context"
	"time"
)

// pollInterval is how often a condition outside this process is looked at.
const pollInterval = 2 * time.Millisecond

// await looks at a condition until it holds, fails, or ctx ends.
func await(ctx context.Context, holds func() (bool, error)) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		if ok, err := holds(); ok || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
