package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"linkspan/internal/server/servertest"
)

// TestKeptPagesAreEachReadersOwn has users open a channel again and again, where its page and what was written of it are kept, and compares to the letter
// with what they read by another way, where nothing is.
func TestKeptPagesAreEachReadersOwn(t *testing.T) {
	t.Parallel()
	a := newAudienceTest(t)
	readers := []string{"ana@acme", "ben@acme member", "cid@acme member", "gil@globex", "hua@globex member"}
	const message = `id body state audience author { ...A } authorName createdAt editedAt deletedAt deletedBy { ...A } replyCount mentions { ...A }`
	selections := []string{
		`edges { cursor node { ...M reactions { emoji count viewerReacted } replyTo { id } } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } logCursor`,
		`nodes { ...M replyTo { ...M reactions { emoji viewerReacted } } } logCursor`,
		`nodes { ...M replyTo { id replyTo { id } replies(last: 2) { nodes { id reactions { viewerReacted } } } } }`,
		`nodes { ...M replies(first: 2) { nodes { ...M reactions { viewerReacted } } } history { body at actor { ...A } } }`,
		`nodes { reactions { viewerReacted } } first: edges { cursor node { ...M } }`,
	}
	const fragments = ` fragment M on Message { ` + message + ` } fragment A on Actor { __typename id name ... on User { group { id handle name } } }`
	compare := func(what string) {
		t.Helper()
		for n, selection := range selections {
			page := `{ ... on SharedChannel { messages(last: 5) { ` + selection + ` } } } }` + fragments
			for _, who := range readers {
				read := func(field, at string) []byte {
					t.Helper()
					data := a.s.For(t).Must(a.s.as(who), fmt.Sprintf(`query Kept%s($id: ID!) { it: %s `, at, field)+page, object{"id": a.id})
					it := data["it"]
					if list, ok := it.([]any); ok {
						it = list[0]
					}
					text, err := json.Marshal(it)
					if err != nil {
						t.Fatal(err)
					}
					return text
				}
				want := read(`nodes(ids: [$id])`, "Not")
				for range 3 {
					if got := read(`node(id: $id)`, ""); !bytes.Equal(got, want) {
						t.Errorf("%s: selection %d is to %s\n%s\nand by another way\n%s", what, n, who, got, want)
					}
				}
			}
		}
	}
	compare("nothing said")
	if _, confirmed, _ := a.s.Store.Pages(); confirmed == 0 {
		t.Error("no page came from memory")
	}
	root := a.post("ana@acme", object{"body": "hello @Gil"})
	compare("said")
	texts := func(selection string) int {
		t.Helper()
		before, _, _ := a.s.Store.Pages()
		a.s.For(t).Must(a.s.as("ana@acme"), `query($id: ID!) { node(id: $id) { ... on SharedChannel { messages(last: 5) { nodes { `+selection+` } } } } }`, object{"id": a.id})
		after, _, _ := a.s.Store.Pages()
		return after - before
	}
	if kept := texts("body state"); kept == 0 {
		t.Error("what is written of a page is not kept")
	}
	if kept := texts("body history { body }"); kept != 0 {
		t.Errorf("%d bytes are kept of what was made for one", kept)
	}
	reply := a.post("gil@globex", object{"body": "hi", "replyToId": root})
	a.post("gil@globex", object{"body": "among us", "replyToId": root, "audience": "OWN_GROUP"})
	compare("replied")
	for _, who := range []string{"ben@acme member", "gil@globex"} {
		succeed(t, a.s, a.s.as(who), reactDocument, object{"messageId": root, "emoji": "👍"})
		compare(who + " reacted to what is replied to")
	}
	for range 5 { // so that the page has replies alone
		a.post("hua@globex member", object{"body": "again", "replyToId": root})
	}
	compare("replied again")
	succeed(t, a.s, a.s.as("ana@acme"), reactDocument, object{"messageId": root, "emoji": "🎉"})
	compare("reacted to what is on no page")
	succeed(t, a.s, a.s.as("gil@globex"), deleteDocument, object{"messageId": reply})
	succeed(t, a.s, a.s.as("ana@acme"), deleteDocument, object{"messageId": root})
	compare("deleted")
	hides(t, a.s, a.s.as("ana@acme"), a.id, "MEMBERS")
	readers = readers[3:] // to the others of acme there is no such channel
	compare("kept to some")
	for _, who := range []string{"ben@acme member", "cid@acme member"} {
		data := a.s.For(t).Must(a.s.as(who), `query($id: ID!) { node(id: $id) { ... on SharedChannel { messages(last: 5) { nodes { id } } } } }`, object{"id": a.id})
		if data["node"] != nil {
			t.Errorf("%s reads %v of a channel that is kept to others", who, data["node"])
		}
	}
	servertest.Get[object](t, a.s.For(t).Must(a.s.as("ana@acme"), `query($id: ID!) { node(id: $id) { ... on SharedChannel { messages(last: 5) { logCursor } } } }`, object{"id": a.id}), "node")
}
