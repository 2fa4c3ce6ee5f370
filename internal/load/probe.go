package load

import (
	"context"
	"fmt"
	"time"
)

const (
	probePause   = 250 * time.Millisecond
	probeTimeout = 20 * time.Second
)

// probe sends messages that do not count until every subscriber has read one: not every server says when a subscription has
// begun. The error is that of the first subscriber that ended, if one did.
func (l *ledger) probe(ctx context.Context, c *calls, listening *readers) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	k, err := c.dial(ctx, 1)
	if err != nil {
		return err
	}
	defer k.net.Close()
	for number := 0; ; number++ {
		if err := k.send(mark{time.Now().UnixNano(), 0, number}); err != nil {
			return fmt.Errorf("load: a post: %w", err)
		}
		for next := time.Now().Add(probePause); time.Now().Before(next); {
			if int(l.probed.Load()) == len(l.accounts) {
				return nil
			}
			if failed := listening.failed.Load(); failed != nil {
				return *failed
			}
			if wait(ctx, time.Millisecond) != nil {
				return fmt.Errorf("load: %d of %d subscribers read nothing of what was posted for %v",
					len(l.accounts)-int(l.probed.Load()), len(l.accounts), probeTimeout)
			}
		}
	}
}
