package server_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"linkspan/internal/server/servertest"
)

// testNames gives channels all kinds of names and texts; each side must see them as they are kept.
func testNames(t *testing.T, s *place) {
	for what, name := range map[string]struct{ given, kept string }{
		"1 letter": {"a", "a"}, "80 letters": {strings.Repeat("b", 80), strings.Repeat("b", 80)},
		"80 emoji": {strings.Repeat("🚀", 80), strings.Repeat("🚀", 80)}, "80 after trim": {"  " + strings.Repeat("c", 80) + "\n", strings.Repeat("c", 80)},
		"80 after NFC": {strings.Repeat("e\u0301", 80), strings.Repeat("é", 80)}, "decomposed": {"cafe\u0301", "café"},
		"right to left": {"שלום עולם", "שלום עולם"}, "with a right-to-left mark": {"مرحبا\u200f!", "مرحبا\u200f!"},
		"joined emoji": {"👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"}, "flag": {"🇩🇪", "🇩🇪"}, "digit": {"7", "7"}, "punctuation": {"!?", "!?"},
		"fullwidth": {"ｌａｕｎｃｈ", "ｌａｕｎｃｈ"}, "inner spaces": {"a  b", "a  b"}, "quotes": {`'"; DROP TABLE groups; --`, `'"; DROP TABLE groups; --`},
		"backslash": {`a\b`, `a\b`}, "percent": {"100% _", "100% _"}, "question marks": {"? ?0 ?1 $1", "? ?0 ?1 $1"}, "markup": {"<b>&amp;", "<b>&amp;"},
		"Han": {"发布", "发布"}, "Devanagari with NFC exclusions": {"\u0958\u0959", "\u0915\u093c\u0916\u093c"}, "beyond the BMP": {"𐍈𝒜", "𐍈𝒜"},
		"null as a word": {"NULL", "NULL"}, "replacement character": {"a\ufffd", "a\ufffd"},
	} {
		note := "note: " + name.given
		payload := succeed(t, s, s.as("ana@acme"), createDocument, object{"target": s.to("globex"), "name": name.given, "topic": "", "note": note})
		id := servertest.Get[string](t, payload, "invitation", "id")
		if got := servertest.Get[string](t, payload, "sharedChannel", "name"); got != name.kept {
			t.Errorf("%s: the channel is called %q, want %q", what, got, name.kept)
		}
		if servertest.Get[object](t, payload, "sharedChannel")["topic"] != nil {
			t.Errorf("%s: an empty topic is %v", what, payload)
		}
		// Accepted without a name it has the initiator's, at both sides.
		accepted := succeed(t, s, s.as("gil@globex"), acceptDocument, object{"invitationId": id})
		if got := servertest.Get[string](t, accepted, "sharedChannel", "name"); got != name.kept || accepted["nameChangedFrom"] != nil {
			t.Errorf("%s: accepted it is called %q, changed from %v", what, got, accepted["nameChangedFrom"])
		}
		data := s.Must(s.as("hua@globex member"), `query($id: ID!) { node(id: $id) { ... on Invitation { proposedName note sharedChannel { sides { name } } } } }`, object{"id": id})
		for _, got := range []string{
			servertest.Get[string](t, data, "node", "proposedName"),
			servertest.Get[string](t, data, "node", "sharedChannel", "sides", 0, "name"),
			servertest.Get[string](t, data, "node", "sharedChannel", "sides", 1, "name"),
		} {
			if got != name.kept {
				t.Errorf("%s: the target sees %q, want %q", what, got, name.kept)
			}
		}
	}
}

// testLongTexts keeps texts of the greatest length whole.
func testLongTexts(t *testing.T, s *place) {
	for i, text := range []string{strings.Repeat("x", 560), strings.Repeat("🚀", 560), "two\nlines\tand a tab", " ", strings.Repeat("e\u0301", 560)} {
		payload := succeed(t, s, s.as("ana@acme"), createDocument, object{"target": s.to("globex"), "name": fmt.Sprint(i), "topic": text, "note": text})
		id := servertest.Get[string](t, payload, "invitation", "id")
		topic, note := servertest.Get[string](t, payload, "sharedChannel", "topic"), servertest.Get[string](t, payload, "invitation", "note")
		kept := strings.ReplaceAll(text, "e\u0301", "é")
		if topic != kept || note != kept {
			t.Errorf("%.20q was cut or changed: topic of %d, note of %d", text, utf8.RuneCountInString(topic), utf8.RuneCountInString(note))
		}
		declined := succeed(t, s, s.as("gil@globex"), declineDocument, object{"invitationId": id, "reason": text})
		if got := servertest.Get[string](t, declined, "invitation", "reason"); got != kept {
			t.Errorf("%.20q was cut or changed: reason of %d", text, utf8.RuneCountInString(got))
		}
	}
}

// testNameTwiceAtOnce creates channels of one name at once, also in other spellings.
func testNameTwiceAtOnce(t *testing.T, s *place) {
	ana, ben := s.as("ana@acme"), s.as("ben@acme member")
	spellings := []string{"Café Straße", "CAFÉ STRASSE", "cafe\u0301 straße", "  café strasse "}
	payloads := atOnce(8, func(i int) object {
		token := ana
		if i%2 == 1 {
			token = ben
		}
		return post(s, token, createDocument, object{"target": s.to("globex"), "name": spellings[i%4]})
	})
	happened := 0
	for _, payload := range payloads {
		switch got := refusal(t, payload); got {
		case "":
			happened++
		case "NAME_TAKEN input.name":
			suggestion := servertest.Get[string](t, payload, "errors", 0, "suggestion")
			if !strings.HasSuffix(suggestion, " 2") {
				t.Errorf("the suggestion is %q", suggestion)
			}
		default:
			t.Errorf("got %q", got)
		}
	}
	if happened != 1 {
		t.Errorf("%d channels of one name", happened)
	}
	if listed := channelsOf(t, s, ana); listed != 1 {
		t.Errorf("%d channels are in the list", listed)
	}
	heardOf(t, s, 1)
}

// testSuggestions creates channels under the names that are suggested for taken ones.
func testSuggestions(t *testing.T, s *place) {
	for _, name := range []string{"launch", strings.Repeat("n", 80), strings.Repeat("🚀", 79) + "x", "ends with a space " + strings.Repeat("x", 60) + " y", "plan 2"} {
		next := name
		for n := 2; n <= 4; n++ {
			offer(t, s, s.as("ana@acme"), "globex", next)
			payload := mutate(t, s, s.as("ana@acme"), createDocument, object{"target": s.to("globex"), "name": strings.ToUpper(name)})
			if got := refusal(t, payload); got != "NAME_TAKEN input.name" {
				t.Fatalf("%q: got %q", name, got)
			}
			next = servertest.Get[string](t, payload, "errors", 0, "suggestion")
			if length := utf8.RuneCountInString(next); length > 80 || length == 0 || !strings.HasSuffix(next, fmt.Sprintf(" %d", n)) {
				t.Errorf("%q is suggested for %q: %d code points", next, name, length)
			}
		}
	}
}

// testAcceptTakenName accepts under names that the group has already: others are chosen, and the answer says so.
func testAcceptTakenName(t *testing.T, s *place) {
	long := strings.Repeat("n", 80)
	for i, c := range []struct {
		proposed string
		asked    any // nil: as proposed
		called   string
		from     any
	}{
		{"launch", nil, "launch", nil},
		{"LAUNCH", nil, "LAUNCH 2", "LAUNCH"},
		{"Launch!", "launch", "launch 3", "launch"},
		{"other", "launch 2", "launch 2 2", "launch 2"},
		{"last", "  launch 9 ", "launch 9", nil},
		{long, nil, long, nil},
		{"short", long, long[:78] + " 2", long},
	} {
		from := []string{"ana@acme", "ivy@initech"}[i%2]
		_, invitation := offer(t, s, s.as(from), "globex", c.proposed)
		input := object{"invitationId": invitation}
		if c.asked != nil {
			input["name"] = c.asked
		}
		payload := succeed(t, s, s.as("gil@globex"), acceptDocument, input)
		if got := servertest.Get[string](t, payload, "sharedChannel", "name"); got != c.called || payload["nameChangedFrom"] != c.from {
			t.Errorf("%d: called %q from %v, want %q from %v", i, got, payload["nameChangedFrom"], c.called, c.from)
		}
		// A repetition does not rename.
		again := succeed(t, s, s.as("gil@globex"), acceptDocument, object{"invitationId": invitation, "name": "renamed"})
		if got := servertest.Get[string](t, again, "sharedChannel", "name"); got != c.called {
			t.Errorf("%d: a repetition calls it %q", i, got)
		}
	}
	// At once: each gets a name of its own.
	gil := s.as("gil@globex")
	invitations := make([]string, 6)
	for i := range invitations {
		_, invitations[i] = offer(t, s, s.as("ana@acme"), "globex", fmt.Sprintf("race %d", i))
	}
	names := map[string]bool{}
	for _, payload := range atOnce(len(invitations), func(i int) object {
		return post(s, gil, acceptDocument, object{"invitationId": invitations[i], "name": "RACE"})
	}) {
		if code := refusal(t, payload); code != "" {
			t.Fatalf("refused: %s", code)
		}
		names[strings.ToLower(servertest.Get[string](t, payload, "sharedChannel", "name"))] = true
	}
	if len(names) != len(invitations) {
		t.Errorf("%d channels have the names %v", len(invitations), names)
	}
}
