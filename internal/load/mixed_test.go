package load_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkspan/internal/load"
)

// deeds makes messages in channels, and answers what is done to them.
func (f *fake) deeds(w http.ResponseWriter, r *http.Request) {
	var deed struct{ What, Message, Channel, Body string }
	if err := json.NewDecoder(r.Body).Decode(&deed); err != nil {
		f.t.Error(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case deed.What == "post":
		f.posted++
		f.tell(r.Context(), deed.Body)
		fmt.Fprintf(w, `{"message":{"id":"%s-%d"}}`, deed.Channel, f.posted)
		return
	case f.ended[deed.Message] || !strings.HasPrefix(deed.Message, deed.Channel+"-"):
		f.dead = append(f.dead, deed.What+" "+deed.Message+" in "+deed.Channel)
	case deed.What == "delete":
		if f.ended == nil {
			f.ended = make(map[string]bool)
		}
		f.ended[deed.Message] = true
	}
	io.WriteString(w, `{"done":true}`)
}

func (f *fake) metrics(w http.ResponseWriter, _ *http.Request) {
	for _, name := range []string{
		"go_memstats_heap_inuse_bytes", "go_goroutines", "linkspan_connections_open", "linkspan_pool_acquired_connections", "linkspan_pool_idle_connections",
	} {
		fmt.Fprintf(w, "# TYPE %s gauge\n%s{of=\"one\"} 1\n%s{of=\"another\"} 2\n", name, name, name)
	}
}

func (f *fake) mixed() load.MixedConfig {
	f.leaving = true
	deed := func(what string) string {
		return `{"what":"` + what + `","channel":"{{channel}}","message":"{{message}}"}`
	}
	visitors := f.listeners(4)
	visitors.Variables = map[string]any{"channel": "{{channel}}"}
	return load.MixedConfig{
		URL: f.url + "/deeds", Channels: []string{"c1"}, Tokens: []string{"a", "b"}, Connections: 2, PerSecond: 100,
		Deeds: []load.Deed{
			{Name: "post", Weight: 2, Body: `{"what":"post","channel":"{{channel}}","body":"{{mark}} hello"}`, Want: `"message"`, Makes: true},
			{Name: "react", Weight: 1, Body: deed("react"), Want: `"done":true`},
			{Name: "delete", Weight: 1, Body: deed("delete"), Want: `"done":true`, Ends: true},
		},
		Visitors: visitors, Slow: 4, Stay: 200 * time.Millisecond, For: 2 * time.Second, Every: 100 * time.Millisecond,
		Meters: load.Meters{Server: os.Getpid(), Metrics: f.url + "/metrics"},
	}
}

// TestMixed does all deeds, to messages that are there, has visitors come and go, and looks at the server.
func TestMixed(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	config := f.mixed()
	told := 0
	config.Told = func(load.Sample) { told++ }
	result, err := load.Mixed(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if result.Errors > 0 || result.Lost > 0 || result.Visits < 4 || result.Deliveries == 0 || min(result.Deeds["post"], result.Deeds["react"], result.Deeds["delete"]) == 0 {
		t.Errorf("got %+v", result)
	}
	if len(f.dead) > 0 {
		t.Errorf("done to messages that are not there: %v", f.dead)
	}
	if len(result.Samples) < 6 || told != len(result.Samples) || len(result.Verdicts) != 5 {
		t.Fatalf("%d samples, %d told, %v", len(result.Samples), told, result.Verdicts)
	}
	if s := result.Samples[0]; s.Heap != 3 || s.Connections != 6 || s.Sockets != 3 || s.Goroutines != 3 || s.Resident < 1<<20 || s.LiveRows != 0 {
		t.Errorf("the first sample is %+v", s)
	}
	if table := result.Table(); len(table) != 1+len(result.Samples) || !slices.Contains(table[0], "RSS MB") {
		t.Errorf("the table is %v", table)
	}
}

// TestDeedTable has the most frequent deeds first, and each once.
func TestDeedTable(t *testing.T) {
	t.Parallel()
	result := load.MixedResult{Deeds: map[string]int{"search": 6, "post": 1200, "react": 30, "edit": 30, "mark read": 7}}
	want := [][]string{{"deed", "done"}, {"post", "1200"}, {"edit", "30"}, {"react", "30"}, {"mark read", "7"}, {"search", "6"}}
	if diff := cmp.Diff(want, result.DeedTable()); diff != "" {
		t.Error(diff)
	}
}

// TestMixedBrokenOff keeps what was found until then.
func TestMixedBrokenOff(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	config := newFake(t).mixed()
	config.For = time.Hour
	config.Told = func(load.Sample) { cancel() }
	result, err := load.Mixed(ctx, config)
	if !errors.Is(err, context.Canceled) || len(result.Samples) == 0 || result.Seconds > 60 || len(result.Verdicts) > 0 {
		t.Errorf("%v, %+v", err, result)
	}
}

// TestMixedFindsWhatIsWrong has bad answers, subscribers whom the server refuses, and metrics that are not there.
func TestMixedFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(config *load.MixedConfig)
		says   string
	}{
		"answers":     {func(config *load.MixedConfig) { config.Deeds[0].Want = "nothing of the kind" }, "got no good answer; the first: post: status 200"},
		"subscribers": {func(config *load.MixedConfig) { config.Visitors.Variables["channel"] = "c2" }, "subscribers ended before their time; the first: the subscription ended"},
		"metrics": {func(config *load.MixedConfig) {
			config.Meters.Metrics = strings.Replace(config.Meters.Metrics, "metrics", "none", 1)
		}, "answers with status 404"},
		"deeds":    {func(config *load.MixedConfig) { config.Deeds[0].Makes = false }, "the first deed must make a message"},
		"channels": {func(config *load.MixedConfig) { config.Channels = nil }, "no channel is given"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := newFake(t).mixed()
			config.For = 500 * time.Millisecond
			c.change(&config)
			result, err := load.Mixed(t.Context(), config)
			if err = errors.Join(err, result.Check()); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %v", err)
			}
		})
	}
}
