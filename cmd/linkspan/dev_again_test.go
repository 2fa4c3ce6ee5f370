//go:build long

package main_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// A listener that the server left hears from the next one what came meanwhile.
func TestDevKeepsItsDataAndLeavesNoProcess(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	first := startDev(t, data)
	follow := startFollower(t, first)
	ana := first.token("ana@acme")
	created := first.query(ana, `mutation { createSharedChannel(input: {target: {handle: "initech"}, name: "survivor"}) { sharedChannel { id name } errors { message } } }`)
	if !strings.Contains(created, "survivor") {
		t.Fatal(created)
	}

	_, refusal, code := output(t, first.env, "dev")
	if code != 1 || strings.Count(refusal, "\n") != 1 || !strings.Contains(refusal, data) {
		t.Errorf("a second start on the same data: exit %d, %q", code, refusal)
	}

	first.end(syscall.SIGKILL)
	waitForNoPostgres(t, data)
	follow.isLeft() // before the first event

	second := startDev(t, data)
	if list := second.query(ana, `{ viewer { sharedChannels { nodes { name state } } } }`); !strings.Contains(list, `"survivor","state":"PENDING"`) {
		t.Errorf("after kill -9: %s", list)
	}
	if demo := second.query(ana, `{ viewer { sharedChannels { nodes { name } } receivedInvitations { totalCount } } }`); strings.Count(demo, `"launch"`) != 1 || !strings.Contains(demo, `"totalCount":1`) {
		t.Errorf("the demo data was made again, or not at all: %s", demo)
	}
	created = second.query(ana, `mutation { createSharedChannel(input: {target: {handle: "globex"}, name: "unheard"}) { errors { message } } }`)
	if !strings.Contains(created, `"errors":[]`) {
		t.Fatal(created)
	}
	follow.hears(second, "unheard")
	second.end(os.Interrupt)
	follow.isLeft()
	follow.ends()
	waitForNoPostgres(t, data)
}
