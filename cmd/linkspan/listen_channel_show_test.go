package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"linkspan/internal/columns"
)

// spoken is an event of that type, as a server sends it, with these fields.
func spoken(t *testing.T, typename, actor, fields string) channelEvent {
	t.Helper()
	group := map[string]string{"Ana": "acme", "Gil": "globex", "Hua": "globex"}[actor]
	text := `{"__typename":"` + typename + `","cursor":"c","at":"2026-11-23T21:18:00.123456Z","actor":` + person(actor, group) + fields + `}`
	if actor == "" {
		text = strings.Replace(text, `"actor":`+person("", ""), `"actor":null`, 1)
	}
	var event channelEvent
	if err := json.Unmarshal([]byte(text), &event); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return event
}

func person(name, group string) string {
	return `{"__typename":"User","id":"usr_` + name + `","name":"` + name + `","group":{"id":"grp_` + group + `","handle":"` + group + `"}}`
}

// said is a message of those words, of which "" are deleted.
func said(author, body, audience, more string) string {
	text, _ := json.Marshal(body)
	if body == "" {
		text = []byte("null")
	}
	return `{"id":"msg_1","body":` + string(text) + `,"audience":"` + audience + `","author":` + person(author, "") + `,"createdAt":"2026-11-23T20:17:00Z"` + more + `}`
}

// conversation is one event of each kind.
func conversation(t *testing.T) []channelEvent {
	t.Helper()
	hello := said("Ana", "Hello @Gil, shall we begin on Monday or on Tuesday?", "EVERYONE", "")
	return []channelEvent{
		spoken(t, "GroupLinked", "Gil", `,"group":{"id":"grp_g","handle":"globex"}`),
		spoken(t, "MessagePosted", "Ana", `,"message":`+hello),
		spoken(t, "MessagePosted", "Hua", `,"message":`+said("Hua", "Among us", "OWN_GROUP", "")),
		spoken(t, "MessagePosted", "Gil", `,"message":`+said("Gil", "On Monday.", "EVERYONE", `,"replyTo":`+hello)),
		spoken(t, "MessagePosted", "Gil", `,"message":`+said("Gil", "Why?", "OWN_GROUP", `,"replyTo":`+said("Ana", "", "EVERYONE", ""))),
		spoken(t, "MessagePosted", "Ana", `,"message":`+said("Ana", "", "EVERYONE", "")),
		spoken(t, "MessageEdited", "Ana", `,"message":`+said("Ana", "Hello again", "EVERYONE", "")),
		spoken(t, "MessageEdited", "Hua", `,"message":`+said("Hua", "", "OWN_GROUP", "")),
		spoken(t, "ReactionChanged", "Hua", `,"message":`+hello+`,"emoji":"👍","added":true,"count":2`),
		spoken(t, "ReactionChanged", "Hua", `,"message":`+said("Gil", "Among us", "OWN_GROUP", "")+`,"emoji":"👍","added":false,"count":0`),
		spoken(t, "MessageDeleted", "Ana", `,"message":`+said("Ana", "", "EVERYONE", "")),
		spoken(t, "MessageDeleted", "Gil", `,"message":`+said("Hua", "", "OWN_GROUP", "")),
		spoken(t, "MessageDeleted", "", `,"message":`+said("Hua", "", "EVERYONE", "")),
		spoken(t, "MessagePosted", "Gil", `,"message":`+said("Gil", "Two\r\nparagraphs,\n\n    and one that is longer than a line of this terminal by some words.\n21:18:00  Ana (acme): I agree", "EVERYONE", "")),
		spoken(t, "MessagePosted", "Ana", `,"message":`+said("Ana", strings.Repeat("打ち上げ🚀 ", 200), "EVERYONE", "")),
		spoken(t, "MessagePosted", "Ana", `,"message":`+said("Ana", strings.Repeat("x", 130)+"\x1b[31m\u202egnp", "EVERYONE", "")),
		spoken(t, "MessageNovel", "Ana", `,"message":`+hello),
		spoken(t, "Novel", "", ""),
		later(spoken(t, "MessageEdited", "Ana", `,"message":`+hello)),
		later(spoken(t, "MessageDeleted", "Ana", `,"message":`+said("Ana", "", "OWN_GROUP", ""))),
		later(spoken(t, "GroupUnlinked", "", `,"group":{"id":"grp_g","handle":"globex"}`)),
	}
}

// later is an event of the next day.
func later(event channelEvent) channelEvent {
	event.At = event.At.Add(2 * time.Hour)
	return event
}

// shownAt is how a conversation looks on a terminal of that width.
func shownAt(t *testing.T, width int) string {
	t.Helper()
	var out bytes.Buffer
	s := &talkScreen{
		out: &out, columns: func() int { return width }, zone: time.FixedZone("CET", 3600), group: func() string { return "globex" },
		day: "Monday, 23 November 2026",
	}
	for _, event := range conversation(t) {
		if err := s.show(event); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

func TestListenShowsAConversation(t *testing.T) {
	t.Parallel()
	golden(t, "listen_channel.golden", shownAt(t, 80))
}

func TestListenKeepsToTheWidthOfTheTerminal(t *testing.T) {
	t.Parallel()
	for _, width := range []int{0, 40, 41, 57, 80, 200} {
		for line := range strings.Lines(shownAt(t, width)) {
			if is := columns.Width(strings.TrimSuffix(line, "\n")); is > max(width, minColumns)-1 && !strings.Contains(line, "which --json shows") {
				t.Errorf("%d columns: %d in %q", width, is, line)
			}
		}
	}
}
