package store_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/store"
)

// Those who ask while a look is going on share the next one, which begins behind them all.
func TestSightsAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, sightsAreShared)
}

func sightsAreShared(t *testing.T) {
	var s store.Sights
	var looks atomic.Int64
	began, goOn := make(chan struct{}), make(chan struct{})
	see := func(context.Context) (channel.Sight, error) {
		n := looks.Add(1)
		began <- struct{}{}
		<-goOn
		return channel.Sight{At: channel.LogHead{Number: n}}, nil
	}
	side, other := ids.Side{Channel: ids.NewChannel(time.Now(), 1)}, ids.Side{Channel: ids.NewChannel(time.Now(), 2)}
	var asking sync.WaitGroup
	ask := func(ctx context.Context, side ids.Side, number int64, want error) {
		asking.Go(func() {
			if seen, err := s.Join(ctx, side, see); seen.At.Number != number || !errors.Is(err, want) {
				t.Errorf("the look %d, %v, not %d, %v", seen.At.Number, err, number, want)
			}
		})
	}
	ask(t.Context(), side, 1, nil)
	<-began
	left, leave := context.WithCancel(t.Context())
	ask(left, side, 0, context.Canceled)
	leave()
	for range 100 {
		ask(t.Context(), side, 2, nil)
	}
	synctest.Wait()
	goOn <- struct{}{}
	<-began
	ask(t.Context(), other, 3, nil) // waits for nobody
	<-began
	goOn <- struct{}{}
	goOn <- struct{}{}
	asking.Wait()
	if n := looks.Load(); n != 3 {
		t.Errorf("%d looks", n)
	}
	failed := errors.New("no")
	if _, err := s.Join(t.Context(), side, func(context.Context) (channel.Sight, error) { return channel.Sight{}, failed }); !errors.Is(err, failed) {
		t.Error(err)
	}
	if _, err := s.Join(t.Context(), side, func(context.Context) (channel.Sight, error) { panic("no") }); err == nil {
		t.Error("a look that panicked is none")
	}
}
