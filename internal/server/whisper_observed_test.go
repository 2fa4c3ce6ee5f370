package server_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
)

// arguments are fields that need some, and what to ask them. A field that needs some and is missing here fails TestWhispers.
var arguments = map[string][]string{
	"Query.group":                {`group(handle: $handle)`},
	"Query.canShare":             {`canShare(target: {handle: $handle})`},
	"Query.node":                 nil, // asked for every id
	"Query.nodes":                nil,
	"Subscription.channelEvents": {`channelEvents(channelId: $id, after: $talk)`},
	"SharedChannel.search":       {`search(text: "marker")`, `search(text: "good")`},
}

// observation is what a user got, by what it asked.
type observation struct {
	asked    []string
	answered map[string]string // as the server wrote it
	compared map[string]string // without what differs between any two channels
}

// compare has the observers, and a third group, ask everything of both twins.
func (w *twin) compare(t *testing.T, quiet *twin) {
	markers := append(slices.Clone(w.whispered), "marker one", "marker two", "marker three", "marker four", "marker five", "marker six",
		"marker seven", "marker eight", "🦊", "🐙")
	if len(w.whispered) < 12 {
		t.Fatalf("there were %d whispers", len(w.whispered))
	}
	for _, user := range []string{"gus", "hal", "ivy"} {
		heard, unspoilt := w.observe(t, user), quiet.observe(t, user)
		if len(heard.asked) < 120 || len(unspoilt.asked) < 120 {
			t.Fatalf("%s asked only %d and %d things", user, len(heard.asked), len(unspoilt.asked))
		}
		for _, asked := range append(slices.Clone(heard.asked), unspoilt.asked...) { // of pages and frames there may be more on one side
			if heard.compared[asked] != unspoilt.compared[asked] {
				t.Errorf("%s sees that there are whispers: %s\n%s", user, asked, difference(heard.compared[asked], unspoilt.compared[asked]))
			}
			for _, marker := range markers {
				if strings.Contains(heard.answered[asked], marker) && !strings.Contains(asked, marker) {
					t.Errorf("%s gets %q: %s\n%s", user, marker, asked, short(heard.answered[asked]))
				}
			}
		}
		// What there is in the whisperers' log, and what was never there.
		for _, asked := range heard.asked {
			if made, ok := strings.CutPrefix(asked, "whisper 1: "); ok && heard.compared[asked] != heard.compared["whisper 1000000: "+made] {
				t.Errorf("%s sees which whispers there are: %s\n%s", user, made, difference(heard.compared[asked], heard.compared["whisper 1000000: "+made]))
			}
			if made, ok := strings.CutPrefix(asked, "whisper 1: "); ok && heard.compared[asked] != heard.compared["nothing: "+made] {
				t.Errorf("%s sees that there may be whispers: %s\n%s", user, made, difference(heard.compared[asked], heard.compared["nothing: "+made]))
			}
		}
	}
}

// difference shows where two texts part.
func difference(one, other string) string {
	lines, others := strings.Split(one, "\n"), strings.Split(other, "\n")
	for i, line := range lines {
		if i >= len(others) || line != others[i] {
			from := max(0, i-6)
			return "with:    " + strings.Join(lines[from:min(len(lines), i+6)], "\n") + "\nwithout: " + strings.Join(others[min(from, len(others)):min(len(others), i+6)], "\n")
		}
	}
	return "with:    " + one + "\nwithout: " + other
}

// observe asks all that a user can ask, and counts the statements that an answer takes, since that takes time.
func (w *twin) observe(t *testing.T, user string) *observation {
	t.Helper()
	w.s.For(t).Audited()
	o := &observation{answered: map[string]string{}, compared: map[string]string{}}
	token := w.token(t, user)
	keep := func(asked, answer string) {
		t.Helper()
		for _, code := range []string{"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "LIMIT_EXCEEDED"} {
			if strings.Contains(answer, code) {
				t.Fatalf("nothing was asked: %s got %s", asked, answer)
			}
		}
		if _, twice := o.answered[asked]; twice {
			t.Fatalf("asked twice: %s", asked)
		}
		o.asked = append(o.asked, asked)
		o.answered[asked], o.compared[asked] = answer, w.comparable(t, answer)
	}
	ask := func(name, document string, variables object) servertest.Answer {
		t.Helper()
		before := w.s.Statements.Sent()
		answer := w.s.For(t).Post(token, document, variables)
		keep(name, answer.Body)
		if len(w.s.Config.Shards) == 1 { // among several clusters the twins' groups are placed by chance
			keep(name+": statements", fmt.Sprintf(`{"sent": %d}`, w.s.Statements.Sent()-before))
		}
		return answer
	}
	w.askFields(t, ask)
	w.askPages(t, ask)
	w.askIDs(t, ask)
	w.followLogs(t, token, user, keep)
	slices.Sort(o.asked)
	return o
}

// nodes are the ids that the observers know.
func (w *twin) nodes(t *testing.T) map[string]string {
	t.Helper()
	known := map[string]string{"channel": w.channel, "invitation": w.invitation, "shard": parsed(t, w.channel).Channel.Shard().String()}
	for name, id := range w.said {
		known["message "+name] = id
	}
	data := w.s.For(t).Must(w.token(t, "gus"), `{ viewer { id } }`, nil)
	known["viewer"] = servertest.Get[string](t, data, "viewer", "id")
	for _, group := range []string{w.whisperers, w.observers} {
		known["side "+group] = ids.Side{Channel: parsed(t, w.channel).Channel, Group: w.groups[group]}.String()
		known["group "+group] = w.groups[group].String()
	}
	for _, sub := range []string{"ann", "ben", "cid", "dan"} {
		known["user "+sub] = ids.UserOf(w.groups[w.whisperers], sub).String()
	}
	return known
}

// askFields asks every field that needs no arguments, of everything that has an id, and those that need some.
func (w *twin) askFields(t *testing.T, ask func(name, document string, variables object) servertest.Answer) {
	t.Helper()
	const depth = 4
	handle := object{"handle": w.whisperers + w.s.suffix}
	for name, typ := range w.schema.types {
		for _, field := range typ.Fields {
			if _, ok := arguments[name+"."+field.name]; field.needs && !ok && name != "Mutation" {
				t.Fatalf("%s.%s needs arguments: say in arguments which to ask", name, field.name)
			}
		}
	}
	ask("viewer", `{ viewer `+w.schema.selection("Viewer", depth)+` }`, nil)
	ask("group", `query($handle: String!) { `+arguments["Query.group"][0]+w.schema.selection("Group", depth)+` }`, handle)
	ask("can share", `query($handle: String!) { `+arguments["Query.canShare"][0]+w.schema.selection("SharingAnswer", depth)+` }`, handle)
	known := w.nodes(t)
	typed := map[ids.Kind]string{
		ids.KindChannel: "SharedChannel", ids.KindInvitation: "Invitation", ids.KindMessage: "Message", ids.KindViewer: "Viewer",
		ids.KindSide: "ChannelSide", ids.KindGroup: "Group", ids.KindUser: "User", ids.KindShard: "ChannelShard",
	}
	if len(typed) != len(w.schema.nodes) {
		t.Fatalf("the nodes are %v", w.schema.nodes)
	}
	for _, name := range sorted(known) {
		typ := typed[parsed(t, known[name]).Kind]
		document := `query($id: ID!) { node(id: $id) { __typename ... on ` + typ + w.schema.selection(typ, depth) + ` } }`
		ask("node "+name, document, object{"id": known[name]})
		ask("nodes "+name, `query($id: ID!) { nodes(ids: [$id]) { id } }`, object{"id": known[name]})
	}
	for _, field := range w.schema.types["SharedChannel"].Fields {
		for _, filled := range arguments["SharedChannel."+field.name] {
			ask(filled, `query($id: ID!) { node(id: $id) { ... on SharedChannel { `+filled+w.schema.selection(field.typ, depth)+` } } }`, object{"id": w.channel})
		}
	}
}

// askPages pages through the messages and the replies one by one, both ways, and asks for pages at places made up.
func (w *twin) askPages(t *testing.T, ask func(name, document string, variables object) servertest.Answer) {
	t.Helper()
	const page = `{ edges { cursor node { id replyCount } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } logCursor }`
	for list, id := range map[string]string{"messages": w.channel, "replies": w.said["first"]} {
		for _, way := range []string{"first: 1, after", "last: 1, before"} {
			document := `query($id: ID!, $at: String) { node(id: $id) { ... on SharedChannel { list: messages(` + way + `: $at) ` + page + ` } } }`
			if list == "replies" {
				document = `query($id: ID!, $at: String) { node(id: $id) { ... on Message { list: replies(` + way + `: $at) ` + page + ` } } }`
			}
			var at any
			for i := 0; ; i++ {
				answer := ask(fmt.Sprintf("%s %s page %d", list, way, i), document, object{"id": id, "at": at})
				edges, _ := find(answer.Data, "edges")
				if rows, _ := edges.([]any); len(rows) == 0 {
					break
				} else {
					at = rows[0].(object)["cursor"]
				}
			}
			kind := map[string]ids.ListKind{"messages": ids.ListMessages, "replies": ids.ListReplies}[list]
			for public := int64(1); public < 14; public += 3 {
				for private := range int64(2) {
					cursor := ids.PageCursor{Kind: kind, Reader: w.groups[w.observers], Channel: parsed(t, w.channel).Channel, Position: public, Private: private}
					if list == "replies" {
						cursor.Root = parsed(t, id).Message
					}
					ask(fmt.Sprintf("%s %s made up %d %d", list, way, public, private), document, object{"id": id, "at": cursor.String()})
				}
			}
		}
	}
}

// askIDs does what can be done with the id of a message, with ids of whispers, of some that there are not, and of nothing.
func (w *twin) askIDs(t *testing.T, ask func(name, document string, variables object) servertest.Answer) {
	t.Helper()
	const never = 1_000_000
	of := map[string]string{"nothing": ids.Message{Channel: parsed(t, w.channel).Channel, Number: never}.String()}
	for _, number := range []int64{1, 2, 3, 9, never} {
		of[fmt.Sprintf("whisper %d", number)] = w.private(t, number)
	}
	fragment := ` { ... on Message { id body replyCount replies { logCursor } history { body } } }`
	for _, name := range sorted(of) {
		id := of[name]
		ask(name+": node", `query($id: ID!) { node(id: $id) `+fragment+` }`, object{"id": id})
		ask(name+": nodes", `query($id: ID!) { nodes(ids: [$id, $id]) `+fragment+` }`, object{"id": id})
		for what, input := range map[string]object{
			"reply": {"channelId": w.channel, "body": "psst", "replyToId": id}, "private reply": {"channelId": w.channel, "body": "psst", "replyToId": id, "audience": "OWN_GROUP"},
			"public reply": {"channelId": w.channel, "body": "psst", "replyToId": id, "audience": "EVERYONE"},
			"keyed reply":  {"channelId": w.channel, "body": "psst", "replyToId": id, "idempotencyKey": "psst"},
		} {
			ask(name+": "+what, postDocument, object{"input": input})
		}
		ask(name+": edit", editDocument, object{"input": object{"messageId": id, "body": "psst"}})
		ask(name+": delete", deleteDocument, object{"input": object{"messageId": id}})
		ask(name+": react", reactDocument, object{"input": object{"messageId": id, "emoji": "👍"}})
		ask(name+": unreact", unreactDocument, object{"input": object{"messageId": id, "emoji": "👍"}})
		ask(name+": read", readDocument, object{"input": object{"channelId": w.channel, "upToMessageId": id}})
	}
}

// followLogs reads every subscription from the beginning, channelEvents from every position, and what came live.
func (w *twin) followLogs(t *testing.T, token, user string, keep func(asked, answer string)) {
	t.Helper()
	data := w.s.For(t).Must(w.token(t, "gus"), messagesDocument, object{"id": w.channel})
	talk, err := ids.ParseLogCursor(servertest.Get[string](t, data, "node", "messages", "logCursor"))
	if err != nil {
		t.Fatal(err)
	}
	head := talk.Position
	if user == "ivy" {
		talk.Reader = w.groups["initech"]
	}
	k := dial(t, w.s, bearing{payload: token})
	follow := func(name, field string, typ string, variables object, enough int) {
		t.Helper()
		document := `subscription(` + declare(field) + `) { ` + field + w.schema.selection(typ, 3) + ` }`
		id, ends := k.subscribe(document, variables), w.parted && strings.HasPrefix(field, "channelEvents")
		for i := 0; enough == 0 || i < enough; i++ {
			answer, done := k.answer(id)
			if done {
				keep(fmt.Sprintf("%s ends before frame %d", name, i), `{}`)
				return
			}
			keep(fmt.Sprintf("%s frame %d", name, i), answer.Body)
			if len(answer.Errors) > 0 || !ends && strings.HasSuffix(kindOf(answer), "Checkpoint") {
				break
			}
		}
		k.complete(id)
	}
	for _, field := range w.schema.types["Subscription"].Fields {
		if field.name == "channelActivity" {
			continue // state, no log: there is nothing to continue behind. TestChannelActivity has whispers
		}
		possible, enough := w.schema.types[field.typ].Possible, 1
		if slices.ContainsFunc(possible, func(name string) bool { return strings.HasSuffix(name, "Checkpoint") }) {
			enough = 0
		} else if user == "ivy" || w.observers == "acme" && field.name == "invitationReceived" {
			continue // nothing comes, and no checkpoint says so
		}
		if !field.needs {
			follow(field.name, field.name+`(after: $start)`, field.typ, object{"start": start(t, w.s, token)}, enough)
		}
	}
	for _, position := range []int64{0, 3, 4, 7, head - 1, head, head + 1, head + 5, head + 20} {
		talk.Position = position
		follow(fmt.Sprintf("events behind %d", position), arguments["Subscription.channelEvents"][0], "ChannelEvent", object{"id": w.channel, "talk": talk.String()}, 0)
	}
	if user == "gus" {
		for i := 0; ; i++ {
			answer, done := w.events.socket.answer(w.events.id)
			if done {
				break
			}
			keep(fmt.Sprintf("live frame %d", i), answer.Body)
			if !w.parted && strings.Contains(answer.Body, w.said["last"]) {
				break
			}
		}
	}
}

// declare writes the variables of a field.
func declare(field string) string {
	var declared []string
	for name, typ := range map[string]string{"$id": "ID!", "$talk": "LogCursor", "$start": "LogCursor"} {
		if strings.Contains(field, name) {
			declared = append(declared, name+": "+typ)
		}
	}
	return strings.Join(declared, ", ")
}

// comparable writes an answer without what differs between any two channels: ids but for the numbers of messages, what is
// around the place in a cursor, times, handles.
func (w *twin) comparable(t *testing.T, body string) string {
	t.Helper()
	var answer any
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	written, err := json.MarshalIndent(w.without("", answer), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(written)
}

func (w *twin) without(field string, value any) any {
	switch value := value.(type) {
	case object:
		plain := object{}
		for field, inner := range value {
			plain[field] = w.without(field, inner)
		}
		return plain
	case []any:
		plain := make([]any, len(value))
		for i, inner := range value {
			plain[i] = w.without(field, inner)
		}
		return plain
	case string:
		return w.withoutText(field, value)
	case float64:
		if strings.HasSuffix(field, "slot") {
			return "a slot"
		}
	}
	return value
}

func (w *twin) withoutText(field, text string) string {
	if id, err := ids.Parse(text); err == nil {
		switch id.Kind {
		case ids.KindMessage:
			return fmt.Sprintf("message %d of %v", id.Message.Number, !id.Message.Owner.IsZero())
		case ids.KindGroup:
			for name, group := range w.groups {
				if group == id.Group {
					return "group " + name
				}
			}
		}
		return string(id.Kind)
	}
	if cursor, err := ids.ParseLogCursor(text); err == nil {
		return fmt.Sprintf("cursor %d at %d", cursor.Kind, cursor.Position)
	}
	for _, kind := range []ids.ListKind{ids.ListMessages, ids.ListReplies, ids.ListFound} {
		for _, reader := range []string{w.observers, "initech"} {
			if cursor, err := ids.ParsePageCursor(text, kind, w.groups[reader]); err == nil {
				return fmt.Sprintf("place %d %d", cursor.Position, cursor.Private)
			}
		}
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil && !at.IsZero() {
		return "a time"
	}
	switch name := field[strings.LastIndexByte(field, '_')+1:]; {
	case name == "requestId", name == "cluster", name == "hash", name == "partnerHash", name == "record":
		return name
	case strings.HasSuffix(strings.ToLower(name), "cursor"):
		return fmt.Sprintf("a cursor of %d", len(text))
	}
	return strings.TrimSuffix(text, w.s.suffix) // handles, and names of groups
}

// parsed reads an id.
func parsed(t testing.TB, text string) ids.ID {
	t.Helper()
	id, err := ids.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// sorted returns the keys of a map in order.
func sorted(of map[string]string) (keys []string) {
	for key := range of {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
