package metrics

import (
	"context"
	"time"
)

// WatchAudits adds how old the oldest decision or refusal is that is in no audit yet; look returns 0 where there is none. Where main can't be
// asked, it has no value.
func (m *Metrics) WatchAudits(look func(ctx context.Context) (time.Duration, error)) {
	m.register(&lookCollector[time.Duration]{
		look:   look,
		failed: described("audit_looks_failed_total", "Looks at what is in no audit yet, for the one above, that failed."),
		values: []lookedAt[time.Duration]{{
			described("audit_oldest_unwritten_age_seconds", "Age of the oldest decision or refusal that is in no audit yet; 0: there is none. No value: main can't be asked."),
			time.Duration.Seconds,
		}},
	})
}
