package live

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// reportSpread adds the median and the 99th percentile to a benchmark's result.
func reportSpread(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	micros := func(share int) float64 { return float64(took[len(took)*share/100]) / float64(time.Microsecond) }
	b.ReportMetric(micros(50), "p50-µs")
	b.ReportMetric(micros(99), "p99-µs")
}

// BenchmarkPublishToWake is the way of one event from Publish, through a hint and a read of the log,
// to the subscriber.
func BenchmarkPublishToWake(b *testing.B) {
	m := newMemory()
	hints := alone(b)
	h, _ := start(b, Config{Reader: m, Hints: hints, Poll: time.Hour})
	key := m.newLog(0)
	s := follow(b, h, key, nil)
	next(b, s)
	eventually(b, hints, listen(b, hints))
	woken := make(chan time.Time)
	go func() {
		defer close(woken)
		for range b.N {
			if _, err := s.Next(b.Context()); err != nil {
				return
			}
			woken <- time.Now()
		}
	}()
	took := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for range b.N {
		number := m.append(key, 1)
		begin := time.Now()
		hints.Publish(key, number)
		took = append(took, (<-woken).Sub(begin))
	}
	b.StopTimer()
	reportSpread(b, took)
}

// BenchmarkOneEventToTenThousand is the time until the last of 10,000 subscribers of one log has its next event.
func BenchmarkOneEventToTenThousand(b *testing.B) {
	const subscribers = 10_000
	m := newMemory()
	hints := alone(b)
	h, _ := start(b, Config{Reader: m, Hints: hints, Poll: time.Hour})
	key := m.newLog(0)
	var have, ended sync.WaitGroup
	have.Add(subscribers)
	for range subscribers {
		ended.Go(func() {
			s, err := h.Follow(b.Context(), key, nil)
			if err != nil {
				b.Error(err)
				return
			}
			defer s.Close()
			for range b.N + 1 { // the checkpoint first
				if _, err := s.Next(b.Context()); err != nil {
					b.Error(err)
					return
				}
				have.Done()
			}
		})
	}
	have.Wait()
	eventually(b, hints, listen(b, hints))
	before, _ := m.counts()
	took := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for range b.N {
		have.Add(subscribers)
		number := m.append(key, 1)
		begin := time.Now()
		hints.Publish(key, number)
		have.Wait()
		took = append(took, time.Since(begin))
	}
	b.StopTimer()
	reportSpread(b, took)
	after, _ := m.counts()
	b.ReportMetric(float64(after-before)/float64(b.N), "reads/op")
	ended.Wait()
}

// BenchmarkPublish is what a hint costs whoever writes.
func BenchmarkPublish(b *testing.B) {
	hints := alone(b)
	key := newKey()
	number := int64(0)
	for b.Loop() {
		number++
		hints.Publish(key, number)
	}
}
