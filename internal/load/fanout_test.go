package load_test

import (
	"strings"
	"testing"
	"time"

	"linkspan/internal/load"
)

func TestFanOut(t *testing.T) {
	t.Parallel()
	for _, protocol := range []load.Protocol{load.GraphQL, load.Centrifuge} {
		t.Run(string(protocol), func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			subscribers := f.listeners(70)
			if protocol == load.Centrifuge {
				subscribers.Protocol, subscribers.Query = protocol, "c1"
				subscribers.URL = strings.Replace(subscribers.URL, "/graphql", "/centrifuge", 1)
			}
			result, err := load.FanOut(t.Context(), load.FanOutConfig{
				Post: f.call(), Subscribers: subscribers, Events: 3, Grace: 10 * time.Second, Processes: own(),
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := result.Check(); err != nil {
				t.Error(err)
			}
			if result.Subscribers != 70 || result.Events != 3 || result.LastP50 <= 0 || result.LastP99 < result.LastP50 ||
				result.DelayP50 <= 0 || result.OpenSeconds <= 0 {
				t.Errorf("got %+v", result)
			}
		})
	}
}

func TestFanOutFindsWhatIsLost(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.deliver = func(subscriber int, posted string) []string {
		if writer, number := numbered(posted); subscriber == 4 && writer == "1" && number == "1" {
			return nil
		}
		return []string{posted}
	}
	result, err := load.FanOut(t.Context(), load.FanOutConfig{
		Post: f.call(), Subscribers: f.listeners(5), Events: 3, Grace: 200 * time.Millisecond,
	})
	if err == nil || !strings.Contains(err.Error(), "1 of 5 subscribers had not got event 2") {
		t.Errorf("it says %v", err)
	}
	if result.Lost != 1 || result.Check() == nil {
		t.Errorf("got %+v", result)
	}
}

func TestFanOutFindsWhoEnds(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.deliver = func(subscriber int, posted string) []string {
		if writer, _ := numbered(posted); subscriber == 4 && writer == "1" {
			f.subscribers[4].socket.CloseNow()
			return nil
		}
		return []string{posted}
	}
	result, err := load.FanOut(t.Context(), load.FanOutConfig{
		Post: f.call(), Subscribers: f.listeners(5), Events: 1, Grace: 200 * time.Millisecond,
	})
	if err == nil || result.Ended != 1 {
		t.Errorf("it says %v, %+v", err, result)
	}
}

// TestFanOutWaitsUntilAllListen has a server that hands the first two posts to nobody.
func TestFanOutWaitsUntilAllListen(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.deliver = func(_ int, posted string) []string {
		if writer, number := numbered(posted); writer == "0" && number < "2" {
			return nil
		}
		return []string{posted}
	}
	result, err := load.FanOut(t.Context(), load.FanOutConfig{Post: f.call(), Subscribers: f.listeners(2), Events: 1, Grace: 10 * time.Second})
	if err != nil || result.Check() != nil {
		t.Errorf("it says %v, %+v", err, result)
	}
}
