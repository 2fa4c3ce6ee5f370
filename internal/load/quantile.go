package load

import (
	"slices"
	"time"
)

// quantileMS is the q-quantile of delays in milliseconds, 0 of none. It sorts them.
func quantileMS(delays []time.Duration, q float64) float64 {
	if len(delays) == 0 {
		return 0
	}
	slices.Sort(delays)
	return float64(delays[int(q*float64(len(delays)-1))]) / float64(time.Millisecond)
}
