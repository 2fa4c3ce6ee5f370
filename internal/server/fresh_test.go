package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"linkspan/internal/server/servertest"
)

// freshDocument shows all that a message has and that does not depend on the one user who reads. Under another name it is another
// audience's, who has nothing made for it.
const freshDocument = `subscription %s($id: ID!, $from: LogCursor) { channelEvents(channelId: $id, after: $from) { __typename cursor at actor { ...A }
	... on MessagePosted { message { id body state audience author { ...A } authorName createdAt editedAt deletedAt deletedBy { ...A }
		replyTo { id body author { ...A } } replyCount replies { nodes { id } } mentions { ...A } reactions { emoji count }
		history { body at actor { ...A } } } } } }
	fragment A on Actor { __typename id name ... on User { group { id handle name } } }`

// TestFreshMessagesLookAsTheyAreRead shows subscribers what was just posted here to the letter as whoever
// comes a moment later reads it: on both sides, whatever was posted, and by whom.
func TestFreshMessagesLookAsTheyAreRead(t *testing.T) {
	t.Parallel()
	a := newAudienceTest(t)
	type reader struct {
		who  string
		next func() servertest.Answer
	}
	var readers []*reader
	for _, who := range []string{"ana@acme", "gil@globex"} {
		readers = append(readers, &reader{who, a.follow(who, fmt.Sprintf(freshDocument, "Fresh"), nil)})
	}
	begins := map[string]any{}
	for _, r := range readers {
		begins[r.who] = servertest.Get[string](t, a.s.For(t).Must(a.s.as(r.who), messagesDocument, object{"id": a.id}), "node", "messages", "logCursor")
	}
	late := 0
	compare := func(who string, input object) (id string) { // posts
		t.Helper()
		id = a.post(who, input)
		got := map[string]servertest.Answer{}
		for _, r := range readers {
			if input["audience"] == "OWN_GROUP" && strings.Split(who, "@")[1] != strings.Split(r.who, "@")[1] {
				continue
			}
			got[r.who] = r.next()
		}
		for as, fresh := range got {
			late++
			read := a.follow(as, fmt.Sprintf(freshDocument, fmt.Sprint("Late", late)), begins[as])()
			if !strings.Contains(fresh.Body, id) || !bytes.Equal(eventOf(t, fresh), eventOf(t, read)) {
				t.Errorf("of %v by %s, %s gets\n%s\nand reads\n%s", input, who, as, eventOf(t, fresh), eventOf(t, read))
			}
			begins[as] = servertest.Get[string](t, fresh.Data, "channelEvents", "cursor")
		}
		return id
	}
	first := compare("ana@acme", object{"body": "hello"})
	mine := compare("ana@acme", object{"body": "among us", "audience": "OWN_GROUP"})
	for _, test := range []struct {
		who   string
		input object
	}{
		{"gil@globex", object{"body": "who is known only now, \u0001 and <&>"}},
		{"gil@globex", object{"body": "for ourselves", "audience": "OWN_GROUP"}},
		{"gil@globex", object{"body": "a reply", "replyToId": first}},
		{"gil@globex", object{"body": "a reply among us", "replyToId": first, "audience": "OWN_GROUP"}},
		{"ana@acme", object{"body": "a reply to what is among us", "replyToId": mine, "audience": "OWN_GROUP"}},
		{"ana@acme", object{"body": "for @Gil and @Ana"}},
		{"ana@acme", object{"body": "for @Gil among us", "audience": "OWN_GROUP"}},
		{"hua@globex member", object{"body": strings.Repeat("long ", 7000)}},
	} {
		compare(test.who, test.input)
	}
}

// TestFreshMessagesAreNotRead shows all who follow what is posted here without reading it.
func TestFreshMessagesAreNotRead(t *testing.T) {
	t.Parallel()
	a := newAudienceTest(t)
	var readers []func() servertest.Answer
	for _, who := range []string{"ana@acme", "hua@acme member", "gil@globex", "gus@globex member"} {
		for _, document := range []string{sharedEventsDocument, ownEventsDocument} {
			readers = append(readers, a.follow(who, document, nil))
		}
	}
	servertest.Eventually(t, "nobody reads a message", func() bool { // within a second of its post
		before := a.counted.Sent()
		said := a.say("ana@acme", "not to be read")
		for _, next := range readers {
			if got := next().Body; !strings.Contains(got, said) {
				t.Fatalf("got %s, want message %s", got, said)
			}
		}
		return a.counted.Sent() == before
	})
}

// eventOf is an event as it was sent.
func eventOf(t *testing.T, answer servertest.Answer) []byte {
	t.Helper()
	var sent struct{ Data json.RawMessage }
	if err := json.Unmarshal([]byte(answer.Body), &sent); err != nil {
		t.Fatalf("%v: %s", err, answer.Body)
	}
	return sent.Data
}
