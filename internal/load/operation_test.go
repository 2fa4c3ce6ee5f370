package load_test

import (
	"strings"
	"testing"

	"linkspan/internal/load"
)

func TestOperations(t *testing.T) {
	t.Parallel()
	operations, err := load.ReadOperations("../../clients/operations.graphql")
	if err != nil {
		t.Fatal(err)
	}
	query, err := operations.Query("PostMessage")
	if err != nil {
		t.Fatal(err)
	}
	for part, want := range map[string]int{
		"mutation PostMessage": 1, "mutation": 1, "fragment Msg ": 1, "fragment ActorRef ": 1, "fragment GroupRef ": 1, "fragment EventMsg ": 0, "#": 0,
	} {
		if got := strings.Count(query, part); got != want {
			t.Errorf("%q stands %d times, not %d, in %s", part, got, want, query)
		}
	}
	if _, err := operations.Query("Nope"); err == nil {
		t.Error("there is an operation Nope")
	}
	body, err := operations.Body("ChannelNode", map[string]any{"id": "{{channel}}"})
	if err != nil || !strings.HasPrefix(body, `{"operationName":"ChannelNode","query":"query ChannelNode`) || !strings.HasSuffix(body, `"variables":{"id":"{{channel}}"}}`) {
		t.Errorf("%v, %s", err, body)
	}
}
