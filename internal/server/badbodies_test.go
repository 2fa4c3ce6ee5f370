package server_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
)

// testMalformedBodies sends bodies that are no request. Whose fault that is, the answer tells; what was in them, nobody.
func testMalformedBodies(t *testing.T, g *ground, d *databases) {
	const secret = "secret-of-a-body"
	for name, body := range map[string]string{
		"empty": "", "cut": `{"query": "{ group(handle: \"` + secret, "no JSON": secret, "an array": `[{"query": "{ __typename }", "operationName": "` + secret + `"}]`,
		"a text": `"` + secret + `"`, "a number as document": `{"query": 5, "operationName": "` + secret + `"}`, "variables in a list": `{"query": "{ __typename }", "variables": ["` + secret + `"]}`,
		"variables in a text": `{"query": "{ __typename }", "variables": "` + secret + `"}`, "NUL": "\x00" + secret,
		"no UTF-8": `{"query": "{ __typename }", "variables": {"key": "` + secret + "\xff" + `"}}`,
	} {
		answer := g.s.For(t).PostBody(g.as("ana@acme"), []byte(body))
		if len(answer.Errors) != 1 || answer.Errors[0].Code() != "BAD_USER_INPUT" || answer.Status/100 != 4 {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Body)
		}
		if strings.Contains(answer.Body, secret) {
			t.Errorf("%s: the answer repeats it: %s", name, answer.Body)
		}
		d.unchanged(t)
	}
	if strings.Contains(g.s.Logs.String(), secret) {
		t.Error("what was in a body is in the log")
	}
}

// testLargeBodies sends bodies over 1 MiB, with and without a length, and last of all some that are just as large.
func testLargeBodies(t *testing.T, g *ground, d *databases) {
	mutation := func(name string) string {
		return `{"query": "mutation { createSharedChannel(input: {target: {handle: \"globex\"}, name: \"` + name + `\"}) { errors { code } } }", "padding": "`
	}
	for name, size := range map[string]int{"10 MB": 10_000_000, "1 MiB and 1": 1<<20 + 1} {
		for _, chunked := range []bool{false, true} {
			for _, who := range []string{"ana@acme", ""} {
				body := mutation("too large")
				body += strings.Repeat("x", size-len(body)-2) + `"}`
				if status, text := g.send(t, who, body, chunked); status != http.StatusRequestEntityTooLarge || text == "" {
					t.Errorf("%s, chunked %v, as %q: %d %s", name, chunked, who, status, text)
				}
				d.unchanged(t)
			}
		}
	}
	for _, chunked := range []bool{false, true} {
		body := mutation("as large as may be " + fmt.Sprint(chunked))
		body += strings.Repeat("x", 1<<20-len(body)-2) + `"}`
		if status, text := g.send(t, "ana@acme", body, chunked); status != http.StatusOK || !strings.Contains(text, `"errors":[]`) {
			t.Errorf("1 MiB, chunked %v: %d %s", chunked, status, text)
		}
	}
	d.begin()
}

// send posts a body, in chunks or with its length.
func (g *ground) send(t *testing.T, who, body string, chunked bool) (status int, text string) {
	t.Helper()
	var reader io.Reader = strings.NewReader(body)
	if chunked {
		reader = struct{ io.Reader }{reader} // hides its length
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.s.URL+"/graphql", reader)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if who != "" {
		request.Header.Set("Authorization", "Bearer "+g.as(who))
	}
	client := http.Client{Timeout: patience}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

// testBadLogCursors gives subscriptions cursors that they can't follow.
func testBadLogCursors(t *testing.T, s *place, d *databases) {
	data := s.Must(s.as("ana@acme"), `{ viewer { inboxCursor } }`, nil)
	text := servertest.Get[string](t, data, "viewer", "inboxCursor")
	cursor, err := ids.ParseLogCursor(text)
	if err != nil {
		t.Fatal(err)
	}
	change := func(fn func(c *ids.LogCursor)) string {
		changed := cursor
		fn(&changed)
		return changed.String()
	}
	globex := s.group("globex").ID
	k := dial(t, s, bearing{payload: s.as("ana@acme")})
	for name, b := range map[string]struct {
		after any
		want  string
	}{
		"of another group":        {change(func(c *ids.LogCursor) { c.Log, c.Reader = globex.InboxLog(), globex }), "BAD_USER_INPUT"},
		"of another group's log":  {change(func(c *ids.LogCursor) { c.Log = globex.InboxLog() }), "BAD_USER_INPUT"},
		"of another reader":       {change(func(c *ids.LogCursor) { c.Reader = globex }), "BAD_USER_INPUT"},
		"of another kind of log":  {change(func(c *ids.LogCursor) { c.Kind = 2 }), "BAD_USER_INPUT"},
		"garbled":                 {flipped(text), "BAD_USER_INPUT"},
		"cut":                     {text[:20], "BAD_USER_INPUT"},
		"empty":                   {"", "BAD_USER_INPUT"},
		"a word":                  {"yesterday", "BAD_USER_INPUT"},
		"a number":                {7, "BAD_USER_INPUT"},
		"huge":                    {strings.Repeat("A", 100_000), "BAD_USER_INPUT"},
		"with NUL":                {text[:10] + "\x00", "BAD_USER_INPUT"},
		"a page's":                {ids.PageCursor{Kind: ids.ListSharedChannels, Reader: cursor.Reader, Position: 1}.String(), "BAD_USER_INPUT"},
		"one beyond the head":     {change(func(c *ids.LogCursor) { c.Position++ }), "CURSOR_EXPIRED"},
		"far beyond the head":     {change(func(c *ids.LogCursor) { c.Position = 1<<63 - 1 }), "CURSOR_EXPIRED"},
		"of another history":      {change(func(c *ids.LogCursor) { c.History = ids.NewHistory() }), "CURSOR_EXPIRED"},
		"of no history":           {change(func(c *ids.LogCursor) { c.History = ids.History{} }), "CURSOR_EXPIRED"},
		"of an older history's 0": {change(func(c *ids.LogCursor) { c.History, c.Position = ids.NewHistory(), 0 }), "CURSOR_EXPIRED"},
	} {
		for _, field := range []string{"inbox", "invitationReceived", "sharedChannelLinked"} {
			id := k.subscribe(`subscription($after: LogCursor) { `+field+`(after: $after) { cursor } }`, object{"after": b.after})
			answer, done := k.answer(id)
			if done || len(answer.Errors) == 0 || answer.Data[field] != nil {
				t.Fatalf("%s after a cursor %s: %s", field, name, answer.Body)
			}
			if got := faultCode(t, answer); got != b.want {
				t.Errorf("%s after a cursor %s is %s, want %s", field, name, got, b.want)
			}
		}
		d.unchanged(t)
	}
	// A history that a restore ended: the cursor was good until it was.
	id := k.subscribe(`subscription($after: LogCursor) { inbox(after: $after) { __typename } }`, object{"after": text})
	if event := k.event(id); event["__typename"] != "InboxCheckpoint" {
		t.Fatalf("first comes %v", event)
	}
	k.complete(id)
	d.exec(`UPDATE linkspan_shard.inbox_log SET history = gen_random_uuid() WHERE group_id = $1`, s.group("acme").ID.UUID())
	id = k.subscribe(`subscription($after: LogCursor) { inbox(after: $after) { __typename } }`, object{"after": text})
	if answer, _ := k.answer(id); len(answer.Errors) == 0 || answer.Errors[0].Code() != "CURSOR_EXPIRED" {
		t.Errorf("after a restore: %s", answer.Body)
	}
}

// testBlankNames tries names in which there is nothing to see though Unicode counts them as letters and symbols.
func testBlankNames(t *testing.T, s *place) {
	for what, name := range map[string]string{
		"Hangul filler": "\u3164", "Hangul choseong and jungseong fillers": "\u115f\u1160", "halfwidth Hangul filler": "\uffa0", "blank Braille pattern": "\u2800",
	} {
		payload := mutate(t, s, s.as("ana@acme"), createDocument, object{"target": s.to("globex"), "name": name})
		if got := refusal(t, payload); got != "INVALID_INPUT input.name" {
			t.Errorf("%s: got %q, want INVALID_INPUT", what, got)
		}
	}
}

// testPageCursorOfAnotherChannel takes a cursor from one channel's invitations to another's.
func testPageCursorOfAnotherChannel(t *testing.T, s *place) {
	one, _ := offer(t, s, s.as("ana@acme"), "globex", "one")
	other, _ := offer(t, s, s.as("ana@acme"), "globex", "other")
	document := `query($id: ID!, $after: String) { node(id: $id) { ... on SharedChannel { invitations(after: $after) { edges { cursor } } } } }`
	data := s.Must(s.as("ana@acme"), document, object{"id": one})
	cursor := servertest.Get[string](t, data, "node", "invitations", "edges", 0, "cursor")
	answer := s.Post(s.as("ana@acme"), document, object{"id": other, "after": cursor})
	if len(answer.Errors) == 0 || answer.Errors[0].Code() != "BAD_USER_INPUT" {
		t.Errorf("got %s", answer.Body)
	}
}

// testStatesInOtherLetters gives states in variables as no literal could be written.
func testStatesInOtherLetters(t *testing.T, s *place) {
	offer(t, s, s.as("ana@acme"), "globex", "one")
	for _, state := range []any{"pending", "Pending", " PENDING", "PENDING\n", "", 0, true} {
		answer := s.Post(s.as("ana@acme"), `query($states: [InvitationState!]) { viewer { sentInvitations(states: $states) { totalCount } } }`, object{"states": []any{state}})
		if len(answer.Errors) == 0 || answer.Errors[0].Code() != "BAD_USER_INPUT" {
			t.Errorf("state %q: %s", state, answer.Body)
		}
	}
}

// testUnknownGroup looks groups up by handles that no group has; they are not refused, they are not there.
func testUnknownGroup(t *testing.T, s *place) {
	for _, handle := range []string{"nobody", "", "ACME", " acme", "acme\n", "%", "_", "acm_", "a' OR 'a'='a", strings.Repeat("a", 100_000), "acme🚀"} {
		data := s.Must(s.as("ivy@initech"), `query($handle: String!) { group(handle: $handle) { id } }`, object{"handle": handle})
		if data["group"] != nil {
			t.Errorf("group %.20q is %v", handle, data["group"])
		}
	}
	data := s.Must(s.as("ivy@initech"), `query($handle: String!) { group(handle: $handle) { handle name } }`, s.to("acme"))
	if got := servertest.Get[string](t, data, "group", "handle"); got != "acme"+s.suffix {
		t.Errorf("%v", data)
	}
}
