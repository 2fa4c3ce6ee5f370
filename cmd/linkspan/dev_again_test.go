//go:build long

package main_test

import (
	"encoding/json"
	"fmt"
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
	follow := startFollower(t, first, "listening for invitations to globex")
	ana := first.token("ana@acme")
	channel := linkedChannel(t, first, ana)
	talk := startFollower(t, first, "listening to “acme-launch” as globex", "--channel", channel)
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
	talk.isLeft()

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
	const body = "Are you back?"
	posted := second.query(ana, fmt.Sprintf(`mutation { postMessage(input: {channelId: %q, body: %q}) { errors { message } } }`, channel, body))
	if !strings.Contains(posted, `"errors":[]`) {
		t.Fatal(posted)
	}
	talk.hearsMessage(second, body)
	second.end(os.Interrupt)
	follow.isLeft()
	follow.ends()
	talk.isLeft()
	talk.ends()
	waitForNoPostgres(t, data)
}

// linkedChannel is the id of the channel that the demo data has linked.
func linkedChannel(t *testing.T, d *dev, token string) string {
	t.Helper()
	var listed struct {
		Data struct {
			Viewer struct {
				SharedChannels struct{ Nodes []struct{ ID, Name string } }
			}
		}
	}
	answer := d.query(token, `{ viewer { sharedChannels { nodes { id name } } } }`)
	if err := json.Unmarshal([]byte(answer), &listed); err != nil {
		t.Fatal(err)
	}
	for _, channel := range listed.Data.Viewer.SharedChannels.Nodes {
		if channel.Name == "launch" {
			return channel.ID
		}
	}
	t.Fatalf("no channel is linked: %s", answer)
	return ""
}
