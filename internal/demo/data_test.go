package demo_test

import (
	"testing"
	"time"

	"linkspan/internal/demo"
	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
)

// clusters returns where acme, globex and initech live after the demo data was made twice.
func clusters(t *testing.T, options servertest.Options) []string {
	t.Helper()
	options.NoGroups = true
	s := servertest.New(t, options)
	for range 2 {
		if err := demo.Seed(t.Context(), s.Service); err != nil {
			t.Fatal(err)
		}
	}
	var found []string
	for _, handle := range []string{"acme", "globex", "initech"} {
		group, err := s.Service.Group(t.Context(), handle)
		if err != nil || group == nil {
			t.Fatalf("%s: %v %v", handle, group, err)
		}
		slot := s.Service.Shards.SlotOf(group.ID)
		found = append(found, s.Service.Shards.ClusterOf(ids.NewChannel(time.Now(), slot)))
	}
	ana := servertest.Admin(t, "ana@acme")
	seen := s.Must(ana, `{ viewer { sharedChannels { nodes { name state } } receivedInvitations { totalCount } } }`, nil)
	nodes := servertest.Get[[]any](t, seen, "viewer", "sharedChannels", "nodes")
	if len(nodes) != 1 || servertest.Get[string](t, nodes[0], "state") != "ACTIVE" ||
		servertest.Get[float64](t, seen, "viewer", "receivedInvitations", "totalCount") != 1 {
		t.Errorf("the demo data to ana: %v", seen)
	}
	return found
}

func TestDemoGroupsLiveApart(t *testing.T) {
	t.Parallel()
	for range 3 { // by chance alone they would in two of nine cases
		found := clusters(t, servertest.Options{})
		if found[0] == found[1] || found[1] == found[2] || found[0] == found[2] {
			t.Errorf("acme, globex and initech live on %v", found)
		}
	}
}

func TestDemoDataNeedsOneClusterOnly(t *testing.T) {
	t.Parallel()
	if found := clusters(t, servertest.Options{Shards: -1}); found[0] != found[1] {
		t.Errorf("one cluster has two names: %v", found)
	}
}
