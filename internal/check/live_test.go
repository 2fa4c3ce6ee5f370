package check_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"linkspan/internal/channel"
	"linkspan/internal/check"
	"linkspan/internal/server/servertest"
	"linkspan/shardrouter"
)

const channelsOfAWriter = 30

// While the installation is in use nothing that is on its way counts as a breach.
func TestLiveInstallation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var working sync.WaitGroup
	for i, pair := range [][2]string{{"acme", "globex"}, {"globex", "initech"}, {"initech", "acme"}, {"globex", "acme"}} {
		working.Go(func() {
			ends := []func(context.Context, *channel.Invitation) error{w.acceptAndTalk, w.decline, w.revoke}
			for n := range channelsOfAWriter {
				in, err := w.create(t.Context(), pair[0], pair[1])
				if err == nil {
					err = ends[(i+n)%len(ends)](t.Context(), in)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		working.Wait()
	}()
	for run := 1; ; run++ {
		report := w.check()
		if !report.OK() {
			t.Errorf("run %d: %v", run, report.Breaches)
		}
		t.Logf("run %d: %d channels compared, %d destinations in flight", run, report.Channels, report.InFlight)
		select {
		case <-done:
		default:
			continue
		}
		break
	}
	w.Settled()
	report := w.check()
	if !report.OK() || report.InFlight != 0 || report.Channels != 4*channelsOfAWriter {
		t.Errorf("at rest: %+v", report)
	}
}

// undelivered is an outbox that leaves all to others.
type undelivered struct{}

func (undelivered) Drive(context.Context, []channel.Step) channel.Underway { return undelivered{} }

func (undelivered) Settle(context.Context, [16]byte) (channel.Underway, error) {
	return undelivered{}, nil
}
func (undelivered) Wait(context.Context, ...channel.Destination) error { return nil }
func (undelivered) Linger(context.Context)                             {}

// What main has decided and nobody has delivered is in flight: for a while nobody else takes it.
func TestInFlight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.live()
	left := *w.Service
	left.Outbox = undelivered{}
	name, n := "globex", 0
	servertest.Eventually(t, "steps are seen before others take them", func() bool { // on a busy machine the while may be over
		n++
		_, err := left.CreateSharedChannel(t.Context(), w.admins["acme"], channel.CreateSharedChannelInput{
			Name: fmt.Sprintf("on its way %d", n), Target: channel.GroupSelector{Handle: &name},
		})
		if err != nil {
			t.Fatal(err)
		}
		report := w.check()
		return report.OK() && report.InFlight == 2 && report.OldestInFlightSeconds > 0
	})
	w.Settled()
	if report := w.check(); !report.OK() || report.InFlight != 0 || report.OldestInFlightSeconds != 0 {
		t.Errorf("delivered: %+v", report)
	}
}

// A cluster out of reach is told as an error, and hides no breach of the others.
func TestClusterOutOfReach(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.live()
	if _, err := w.exec("main", `UPDATE linkspan_main.channel SET state = 'ACTIVE' WHERE state = 'PENDING'`); err != nil {
		t.Fatal(err)
	}
	config := w.Config
	config.Shards = append([]shardrouter.Shard(nil), config.Shards...)
	config.Shards[1].DSN = "host=" + t.TempDir() + " dbname=nowhere"
	router, err := shardrouter.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer router.Close()
	report, err := check.Run(t.Context(), router, nil)
	var unavailable *shardrouter.UnavailableError
	if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), config.Shards[1].Name) {
		t.Errorf("error %v", err)
	}
	if report == nil || report.OK() || report.Breaches[0].Invariant != "channel-state" {
		t.Errorf("report %+v", report)
	}
}

// Progress begins and ends each part, and one call comes at a time.
func TestProgress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.live()
	ended := make(map[string]bool)
	var last check.Progress
	if _, err := check.Run(t.Context(), w.Router, func(p check.Progress) {
		ended[p.Cluster+" "+p.Part] = p.Done == p.Total
		last = p
	}); err != nil {
		t.Fatal(err)
	}
	for part, done := range ended {
		if !done {
			t.Errorf("%s has not ended", part)
		}
	}
	if len(ended) != 1+2*3+2 || last.Part != "channels" {
		t.Errorf("%d parts, the last is %s: %v", len(ended), last.Part, ended)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := check.Run(stopped, w.Router, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped, and the error is %v", err)
	}
}
