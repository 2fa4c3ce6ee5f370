package load_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkspan/internal/load"
)

func endToEnd(t *testing.T, f *fake, perSecond float64) (load.EndToEndResult, error) {
	t.Helper()
	return load.EndToEnd(t.Context(), load.EndToEndConfig{
		Post: f.call(), Connections: 2, PerSecond: perSecond, Subscribers: f.listeners(3),
		WarmUp: 50 * time.Millisecond, For: 300 * time.Millisecond, Grace: 50 * time.Millisecond, Processes: own(),
	})
}

func TestEndToEnd(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	result, err := endToEnd(t, f, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := result.Check(); err != nil {
		t.Error(err)
	}
	if result.Posts == 0 || result.Deliveries != 3*result.Posts || result.PostP50 <= 0 || result.DelayP99 < result.DelayP50 || result.DelayP50 <= 0 ||
		result.PerSecond <= 0 || result.Seconds < 0.2 {
		t.Errorf("got %+v", result)
	}
	if pongs := f.counted(func() int { return f.pongs }); pongs != 6 {
		t.Errorf("%d pongs came, of two for each of three subscribers", pongs)
	}
}

// TestEndToEndAtARate posts 100 a second for 0.35 s: the number is that of the turns that there are in this time.
func TestEndToEndAtARate(t *testing.T) {
	t.Parallel()
	result, err := endToEnd(t, newFake(t), 100)
	if err != nil {
		t.Fatal(err)
	}
	if err := result.Check(); err != nil || result.Posts == 0 || result.Posts > 35 {
		t.Errorf("%v, %+v", err, result)
	}
}

// TestEndToEndFindsWhatIsWrong has the server lose, double and confuse the messages of one of three subscribers.
func TestEndToEndFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	held, swapped := "", false
	for name, c := range map[string]struct {
		deliver func(posted, writer, number string) []string
		want    load.Faults
		says    string
	}{
		"lost": {func(posted, writer, number string) []string {
			if writer == "2" && number == "1" {
				return nil
			}
			return []string{posted}
		}, load.Faults{Lost: 1}, "1 messages did not arrive"},
		"doubled": {func(posted, writer, number string) []string {
			if writer == "2" && number == "1" {
				return []string{posted, posted}
			}
			return []string{posted}
		}, load.Faults{Doubled: 1}, "1 messages arrived more than once"},
		"unordered": {func(posted, writer, number string) []string {
			switch {
			case writer == "2" && number == "1":
				held = posted
				return nil
			case writer == "2" && number == "2":
				return []string{posted, held}
			}
			return []string{posted}
		}, load.Faults{Unordered: 1, Disagreeing: 1}, "1 messages arrived behind later ones"},
		"disagreeing": {func(posted, writer, number string) []string {
			if swapped {
				return []string{posted}
			}
			before := held
			held = posted
			if before == "" {
				return nil
			}
			if of, _ := numbered(before); of == writer { // each writer's own order stays
				return []string{before}
			}
			swapped = true
			return []string{posted, before}
		}, load.Faults{Disagreeing: 1}, "1 subscribers read in another order than most"},
	} {
		t.Run(name, func(t *testing.T) {
			held, swapped = "", false
			f := newFake(t)
			f.deliver = func(subscriber int, posted string) []string {
				writer, number := numbered(posted)
				if subscriber != 1 || writer == "0" {
					return []string{posted}
				}
				return c.deliver(posted, writer, number)
			}
			result, err := endToEnd(t, f, 40)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, result.Faults); diff != "" {
				t.Error(diff)
			}
			if err := result.Check(); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %v", err)
			}
		})
	}
}

func TestEndToEndTellsWhatIsRefused(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	refused := f.listeners(1)
	refused.Variables = map[string]any{"channel": "c2"}
	_, err := load.EndToEnd(t.Context(), load.EndToEndConfig{Post: f.call(), Connections: 1, Subscribers: refused, For: time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "No such channel") {
		t.Errorf("it says %v", err)
	}
}

func TestEndToEndSignsIn(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	call, subscribers := f.call(), f.listeners(4)
	call.Tokens, subscribers.Tokens = []string{"p1", "p2"}, []string{"s1", "s2", "s3"}
	_, err := load.EndToEnd(t.Context(), load.EndToEndConfig{
		Post: call, Connections: 2, Subscribers: subscribers, For: 100 * time.Millisecond, PerSecond: 100, Grace: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if diff := cmp.Diff([]string{"Bearer p1", "Bearer p2", "Bearer s1", "Bearer s2", "Bearer s3"}, sorted(f.bearers)); diff != "" {
		t.Error(diff)
	}
	if f.bearers["Bearer s1"] != 2 {
		t.Errorf("the fourth subscriber does not bear the first token: %v", f.bearers)
	}
}
