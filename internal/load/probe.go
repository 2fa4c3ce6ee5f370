package load

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// probePause is how long nobody further reads a probe until another is sent.
	probePause = time.Second
	// probeTimeout is for all of them.
	probeTimeout = time.Minute
)

// probe sends messages that do not count until every subscriber has read one: not every server says when a subscription has
// begun, and one that many have just begun with may have no time for a post. The error is that of the first subscriber that
// ended, if one did.
func (l *ledger) probe(ctx context.Context, c *calls, listening *readers) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	k, err := c.dial(ctx, 1)
	if err != nil {
		return err
	}
	defer k.net.Close()
	for number := 0; ; number++ {
		refused := k.send(mark{time.Now().UnixNano(), 0, number})
		if bad := (*badAnswer)(nil); refused != nil && !errors.As(refused, &bad) {
			return fmt.Errorf("load: a post: %w", refused)
		}
		probed := l.probed.Load()
		for quiet := time.Now(); time.Since(quiet) < probePause; {
			now := l.probed.Load()
			if now != probed {
				probed, quiet = now, time.Now()
			}
			if int(now) == len(l.accounts) {
				return nil
			}
			if failed := listening.failed.Load(); failed != nil {
				return *failed
			}
			if wait(ctx, time.Millisecond) != nil {
				err := fmt.Errorf("load: %d of %d subscribers read nothing of what was posted for %v", len(l.accounts)-int(now), len(l.accounts), probeTimeout)
				return errors.Join(err, refused)
			}
		}
	}
}
