package channel

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"linkspan/internal/ids"
)

// deliveries is a subscription that has some deliveries.
type deliveries struct {
	left                   []Delivery
	known, needed, members int64
}

func (d *deliveries) Next(context.Context) (Delivery, error) {
	next := d.left[0]
	d.left = d.left[1:]
	return next, nil
}
func (d *deliveries) Notify(f func()) { f() }
func (d *deliveries) Close()          {}

func (d *deliveries) AtHand() bool { return true }

func (d *deliveries) Due() bool { return true }

func (d *deliveries) Remind(f func()) { f() }

func (d *deliveries) Skip(int64, time.Time) {}

func (d *deliveries) Standing() LogStanding {
	return LogStanding{Known: d.known, Needed: d.needed, Members: d.members}
}

// shown is an event as it was rendered at a time.
type shown struct {
	number int64
	at     time.Time
}

func (s shown) Position() ids.LogCursor { return ids.LogCursor{Position: s.number} }

// A client that is slow gets each event once, and none as it was more than a second ago.
func TestSlowClientsGetWhatIsNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var rendered [][]int64
		delivery := Delivery{Events: []LogEvent{{Number: 4}, {Number: 5}, {Number: 6}, {Number: 7}}, Position: LogHead{Number: 7}, Checkpoint: true}
		feed := &Feed[shown]{sub: &deliveries{left: []Delivery{delivery}}, render: func(_ context.Context, d Delivery, _ LogStanding) (events []shown, at time.Time, err error) {
			var numbers []int64
			for _, event := range d.Events {
				if numbers = append(numbers, event.Number); event.Number != 5 { // which is not to be seen
					events = append(events, shown{event.Number, time.Now()})
				}
			}
			rendered = append(rendered, numbers)
			return append(events, shown{d.Position.Number, time.Now()}), time.Now(), nil
		}}
		feed.Notify(func() {})
		var got []int64
		for _, pause := range []time.Duration{0, staleAfter / 2, staleAfter, staleAfter} {
			time.Sleep(pause)
			event, ok, err := feed.Next(t.Context())
			if !ok || err != nil {
				t.Fatalf("no event: %v", err)
			}
			if age := time.Since(event.at); age >= staleAfter {
				t.Errorf("event %d is shown as it was %v ago", event.number, age)
			}
			got = append(got, event.number)
		}
		if want := []int64{4, 6, 7, 7}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if want := [][]int64{{4, 5, 6, 7}, {7}, {}}; !slices.EqualFunc(rendered, want, slices.Equal) {
			t.Errorf("rendered %v, want %v", rendered, want)
		}
		if event, ok, err := feed.Next(t.Context()); ok || err != nil {
			t.Errorf("behind the last there is %v, %v", event, err)
		}
	})
}
