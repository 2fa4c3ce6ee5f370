package outbox

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is main's outbox and the destinations, in memory: streams with open steps, and how far each has got.
type world struct {
	mu       sync.Mutex
	open     []channel.Step
	due      map[channel.Stream]time.Time
	attempts map[channel.Stream]int
	applied  map[channel.Stream]int64
	order    []channel.StepKind
	down     map[channel.Destination]bool
	hang     map[channel.Destination]bool
}

func newWorld() *world {
	return &world{
		due: map[channel.Stream]time.Time{}, attempts: map[channel.Stream]int{}, applied: map[channel.Stream]int64{},
		down: map[channel.Destination]bool{}, hang: map[channel.Destination]bool{},
	}
}

// errDown is what a cluster out of reach says.
var errDown = channel.Unavailable(errors.New("down"))

// deliver is a destination: it takes only the next step of each stream.
func (w *world) deliver(ctx context.Context, step channel.Step) error {
	w.mu.Lock()
	hangs := w.hang[step.Stream.Destination]
	w.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch reached := w.applied[step.Stream]; {
	case w.down[step.Stream.Destination]:
		return errDown
	case step.Number <= reached:
		return nil
	case step.Number > reached+1:
		return channel.ErrStepGap
	}
	w.applied[step.Stream] = step.Number
	w.order = append(w.order, step.Kind)
	return nil
}

func (w *world) OpenSteps(_ context.Context, subject [16]byte) ([]channel.Step, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []channel.Step
	for _, step := range w.open {
		if step.Stream.Subject == subject {
			found = append(found, step)
		}
	}
	return found, nil
}

func (w *world) ClaimDue(_ context.Context, limit int, lease time.Duration) ([]Claim, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var claims []Claim
	seen := map[channel.Stream]bool{}
	for _, step := range w.open {
		stream := step.Stream
		if seen[stream] || len(claims) == limit || time.Now().Before(w.due[stream]) || w.waits(step) {
			seen[stream] = true
			continue
		}
		seen[stream] = true
		w.due[stream] = time.Now().Add(lease)
		w.attempts[stream]++
		claims = append(claims, Claim{Step: step, Attempts: w.attempts[stream]})
	}
	return claims, nil
}

func (w *world) waits(step channel.Step) bool {
	return slices.ContainsFunc(w.open, func(other channel.Step) bool { return needs(step, other) })
}

func (w *world) Complete(_ context.Context, steps []channel.Step) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = slices.DeleteFunc(w.open, func(open channel.Step) bool {
		return slices.ContainsFunc(steps, func(done channel.Step) bool {
			return done.Stream == open.Stream && open.Number <= done.Number
		})
	})
	for _, step := range steps {
		w.attempts[step.Stream] = 0
	}
	return nil
}

func (w *world) Defer(_ context.Context, stream channel.Stream, pause time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due[stream] = time.Now().Add(pause)
	return nil
}

// append is what a deciding transaction does.
func (w *world) append(steps ...channel.Step) []channel.Step {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, step := range steps {
		w.open = append(w.open, step)
		w.due[step.Stream] = time.Now().Add(Lease)
	}
	return steps
}

func (w *world) openCount() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.open)
}

func (w *world) set(m map[channel.Destination]bool, d channel.Destination, value bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m[d] = value
}

var (
	theChannel = ids.NewChannel(time.UnixMilli(1), 7)
	home       = channel.Destination{Channel: theChannel}
	target     = channel.Destination{Group: ids.NewGroup()}
)

func step(to channel.Destination, number int64, kind channel.StepKind, needs int64) channel.Step {
	return channel.Step{
		Stream: channel.Stream{Subject: theChannel.Bytes(), Destination: to}, Number: number, Needs: needs, Op: ids.NewOp(), Kind: kind,
	}
}

// run runs a relay over the world inside a bubble of fake time; test gets it, and the relay ends with it.
func run(t *testing.T, test func(t *testing.T, w *world, r *Relay)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		r := NewRelay(w, w.deliver, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { r.Run(ctx) })
		test(t, w, r)
		stop()
		running.Wait()
	})
}

// drive delivers steps as a request does.
func drive(t *testing.T, r *Relay, steps []channel.Step, required ...channel.Destination) error {
	return finish(t, r.Drive(t.Context(), steps), required...)
}

// settle delivers what is open as a repeated request does.
func settle(t *testing.T, r *Relay, required ...channel.Destination) error {
	steps, err := r.Settle(t.Context(), theChannel.Bytes())
	if err != nil {
		return err
	}
	return finish(t, steps, required...)
}

func finish(t *testing.T, steps channel.Underway, required ...channel.Destination) error {
	err := steps.Wait(t.Context(), required...)
	if err == nil {
		steps.Linger(t.Context())
	}
	return err
}

func TestDriveDeliversWhatNeedsTheChannelAfterIt(t *testing.T) {
	run(t, func(t *testing.T, w *world, r *Relay) {
		steps := w.append(step(target, 1, channel.StepReceiveChannel, 1), step(home, 1, channel.StepLinkGroup, 0))
		if err := drive(t, r, steps, home, target); err != nil {
			t.Fatal(err)
		}
		if want := []channel.StepKind{channel.StepLinkGroup, channel.StepReceiveChannel}; !slices.Equal(w.order, want) {
			t.Errorf("order %v, want %v", w.order, want)
		}
		time.Sleep(2 * linger) // fake time
		synctest.Wait()
		if n := w.openCount(); n != 0 {
			t.Errorf("%d steps are not noted", n)
		}
	})
}

func TestDriveFailsOnlyForWhatIsRequired(t *testing.T) {
	run(t, func(t *testing.T, w *world, r *Relay) {
		w.set(w.down, target, true)
		steps := w.append(step(home, 1, channel.StepCreateChannel, 0), step(target, 1, channel.StepReceiveInvitation, 0))
		if err := drive(t, r, steps, home); err != nil {
			t.Fatalf("the target was not required: %v", err)
		}
		var fault *channel.Fault
		if err := drive(t, r, steps, home, target); !errors.As(err, &fault) || !fault.Retryable {
			t.Fatalf("a required destination is down: %v", err)
		}
		w.set(w.down, target, false)
		time.Sleep(Lease + maxBackOff + pollInterval) // fake time: the relay's turn
		synctest.Wait()
		if w.applied[steps[1].Stream] != 1 || w.openCount() != 0 {
			t.Errorf("the relay has not finished: %v, %d open", w.applied, w.openCount())
		}
	})
}

func TestDriveDoesNotWaitLongForWhatIsNotRequired(t *testing.T) {
	run(t, func(t *testing.T, w *world, r *Relay) {
		w.set(w.hang, target, true)
		steps := w.append(step(home, 1, channel.StepCreateChannel, 0), step(target, 1, channel.StepReceiveInvitation, 0))
		began := time.Now()
		if err := drive(t, r, steps, home); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != grace {
			t.Errorf("the answer took %v, want %v", took, grace)
		}
	})
}

func TestDriveClosesGaps(t *testing.T) {
	run(t, func(t *testing.T, w *world, r *Relay) {
		w.append(step(home, 1, channel.StepCreateChannel, 0)) // its request died
		second := w.append(step(home, 2, channel.StepLinkGroup, 0))
		if err := drive(t, r, second, home); err != nil {
			t.Fatal(err)
		}
		if want := []channel.StepKind{channel.StepCreateChannel, channel.StepLinkGroup}; !slices.Equal(w.order, want) {
			t.Errorf("order %v, want %v", w.order, want)
		}
	})
}

// What an earlier step needs is open for a while behind its effect too, until that is noted: that holds up no request.
func TestDriveDeliversWhatAnEarlierStepNeeds(t *testing.T) {
	for name, applied := range map[string]int64{"has not taken effect": 0, "is not noted": 1} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, w *world, r *Relay) {
				link := step(home, 1, channel.StepLinkGroup, 0)
				w.append(link, step(target, 1, channel.StepReceiveChannel, 1), step(home, 2, channel.StepTellInvitation, 0)) // others' requests
				change := w.append(step(target, 2, channel.StepChangeInvitation, 0))
				w.applied[link.Stream] = applied
				if err := drive(t, r, change, target); err != nil {
					t.Fatal(err)
				}
				want := []channel.StepKind{channel.StepLinkGroup, channel.StepReceiveChannel, channel.StepChangeInvitation}[applied:]
				if !slices.Equal(w.order, want) {
					t.Errorf("order %v, want %v", w.order, want)
				}
			})
		})
	}
}

func TestNobodyHearsOfAChannelThatIsNotThere(t *testing.T) {
	run(t, func(t *testing.T, w *world, r *Relay) {
		w.set(w.down, home, true)
		w.append(step(home, 1, channel.StepLinkGroup, 0), step(target, 1, channel.StepReceiveChannel, 1))
		change := w.append(step(target, 2, channel.StepChangeInvitation, 0))
		var fault *channel.Fault
		if err := drive(t, r, change, target); !errors.As(err, &fault) {
			t.Fatalf("step 2 waits for step 1, which waits for the channel: %v", err)
		}
		time.Sleep(5 * time.Second) // fake time: many turns of the relay
		synctest.Wait()
		if len(w.order) != 0 {
			t.Fatalf("delivered %v while the channel's cluster is down", w.order)
		}
		w.set(w.down, home, false)
		time.Sleep(3 * (Lease + maxBackOff))
		synctest.Wait()
		want := []channel.StepKind{channel.StepLinkGroup, channel.StepReceiveChannel, channel.StepChangeInvitation}
		if !slices.Equal(w.order, want) || w.openCount() != 0 {
			t.Errorf("order %v, want %v; %d open", w.order, want, w.openCount())
		}
	})
}

func TestSettleKeepsBackWhatNeedsTheChannelBehindOtherSteps(t *testing.T) {
	run(t, func(t *testing.T, w *world, r *Relay) {
		w.set(w.down, home, true)
		w.append(step(home, 1, channel.StepLinkGroup, 0),
			step(target, 1, channel.StepReceiveInvitation, 0), step(target, 2, channel.StepReceiveChannel, 1))
		if err := settle(t, r, home); err == nil {
			t.Error("the channel's cluster is down and Settle found nothing wrong")
		}
		time.Sleep(grace) // fake time
		synctest.Wait()
		if slices.Contains(w.order, channel.StepReceiveChannel) {
			t.Errorf("delivered %v while the channel is not there", w.order)
		}
	})
}

func TestSettleDeliversWhatIsOpen(t *testing.T) {
	run(t, func(t *testing.T, w *world, r *Relay) {
		w.append(step(home, 1, channel.StepCreateChannel, 0), step(target, 1, channel.StepReceiveInvitation, 0))
		if err := settle(t, r, home, target); err != nil {
			t.Fatal(err)
		}
		if len(w.order) != 2 {
			t.Errorf("delivered %v", w.order)
		}
		time.Sleep(2 * linger) // fake time
		synctest.Wait()
		if err := settle(t, r, home); err != nil || len(w.order) != 2 {
			t.Errorf("settled again: %v %v", w.order, err)
		}
	})
}

func TestDriveGoesOnWhenItsCallerIsGone(t *testing.T) {
	run(t, func(t *testing.T, w *world, r *Relay) {
		steps := w.append(step(home, 1, channel.StepCreateChannel, 0))
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_ = r.Drive(gone, steps).Wait(gone, home)
		time.Sleep(2 * linger) // fake time
		synctest.Wait()
		if w.applied[steps[0].Stream] != 1 || w.openCount() != 0 {
			t.Errorf("applied %v, %d open", w.applied, w.openCount())
		}
	})
}

// A cluster that hangs keeps what is due elsewhere neither from being taken nor from going on.
func TestWhatHangsDelaysNothingElse(t *testing.T) {
	run(t, func(t *testing.T, w *world, r *Relay) {
		w.set(w.hang, target, true)
		w.append(step(target, 1, channel.StepReceiveInvitation, 0),
			step(home, 1, channel.StepCreateChannel, 0), step(home, 2, channel.StepCloseChannel, 0))
		time.Sleep(Lease + pollInterval + deliverTimeout/2) // fake time: the relay's turn, and not yet its end
		synctest.Wait()
		if want := []channel.StepKind{channel.StepCreateChannel, channel.StepCloseChannel}; !slices.Equal(w.order, want) {
			t.Errorf("delivered %v, want %v", w.order, want)
		}
	})
}

func TestBackOffGrowsAndIsBounded(t *testing.T) {
	t.Parallel()
	last := time.Duration(0)
	for attempts := range 20 {
		pause := backOff(attempts)
		if pause < last || pause > maxBackOff {
			t.Errorf("after %d attempts %v, before %v", attempts, pause, last)
		}
		last = pause
	}
	if last != maxBackOff {
		t.Errorf("the longest pause is %v", last)
	}
}
