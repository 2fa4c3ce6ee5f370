package channel

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"
)

// TestGateShutsOut has something happen that may have taken a channel from a subscriber: it is judged before it gets what was there before, and who does not
// see the channel any more gets nothing.
func TestGateShutsOut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sight Sight
		err   error
		want  Outlook // of who may share, once it is judged
	}{
		"who sees it":                         {Sight{At: LogHead{Number: 9}}, nil, Clear},
		"who is one of those who see it":      {Sight{LogHead{Number: 9}, true}, nil, Alone},
		"who sees it no longer":               {Sight{}, ErrNotFound, Apart},
		"who can't be judged, by no patience": {Sight{}, errors.New("broken"), Apart},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			judged := 0
			g := &gate{judged: 4, sees: func(context.Context) (Sight, error) {
				judged++
				return test.sight, test.err
			}}
			sub := &deliveries{left: []Delivery{{Events: []LogEvent{{Number: 5}}, Position: LogHead{Number: 5}}}, known: 5, needed: 5}
			feed := &Feed[shown]{sub: sub, gate: g, render: func(_ context.Context, d Delivery, _ LogStanding) ([]shown, time.Time, error) {
				return []shown{{d.Events[0].Number, time.Now()}}, time.Now(), nil
			}}
			feed.Notify(func() {})
			if ahead, outlook := feed.Ahead(t.Context(), true); outlook != Clear || ahead.Number != 5 || judged != 0 {
				t.Fatalf("before that, event %d is ahead (%v), and it was judged %d times", ahead.Number, outlook, judged)
			}
			sub.members = 6
			if _, outlook := feed.Ahead(t.Context(), false); outlook != Behind || judged != 0 {
				t.Errorf("who can't wait sees %v, and was judged %d times", outlook, judged)
			}
			if _, outlook := feed.Ahead(t.Context(), true); outlook != test.want || judged != 1 {
				t.Errorf("it sees %v, want %v; it was judged %d times", outlook, test.want, judged)
			}
			event, ok, err := feed.Next(t.Context())
			switch {
			case test.err == nil && (!ok || err != nil || event.number != 5):
				t.Errorf("it gets %v, %v, %v", event, ok, err)
			case errors.Is(test.err, ErrNotFound) && (ok || !errors.Is(err, io.EOF)):
				t.Errorf("it gets %v, %v, %v, want its end", event, ok, err)
			case test.err != nil && (ok || err == nil):
				t.Errorf("it gets %v, %v, %v", event, ok, err)
			}
			if judged != 1 {
				t.Errorf("it was judged %d times", judged)
			}
		})
	}
}
