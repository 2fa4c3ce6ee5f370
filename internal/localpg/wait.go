package localpg

import (
	"context"
	"time"
)

// pollInterval is how often a condition outside this process is looked at.
const pollInterval = 2 * time.Millisecond

// await looks at a condition until it holds, fails, or ctx ends. Once ctx has ended it is not looked at, so that what was
// cancelled never succeeds because its condition came to hold meanwhile.
func await(ctx context.Context, holds func() (bool, error)) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if ok, err := holds(); ok || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	return context.Cause(ctx)
}
