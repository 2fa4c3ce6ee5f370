package server_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
)

// TestHiddenChannels has a group keep a channel to some of its users, has another user of it, who has talked there, ask all that there is about it, and
// compares with what the user gets for ids of a channel that never was: answers, and how many statements they take.
func TestHiddenChannels(t *testing.T) {
	shapes(t, servertest.Options{}, func(t *testing.T, s *place) {
		keepers := "globex"
		if len(s.Config.Shards) == 1 { // each side in its turn: one is where the channel is
			keepers = "acme"
		}
		h := newHidden(t, s, keepers)
		known := h.secrets(t)
		for _, ask := range []func(*testing.T, func(string, string, object) servertest.Answer){h.askFields, h.askPages, h.askIDs, h.askDeeds} {
			ask(t, h.compared(t, known))
		}
		if h.asked < 100 {
			t.Errorf("only %d things were asked", h.asked)
		}
		h.follow(t, known)
		h.lists(t)
	})
}

// hidden is a twin whose observers' group keeps the channel to admins: hal has talked there, and sees nothing of it any more.
type hidden struct {
	*twin
	hal   string // its token
	never ids.Channel
	asked int
}

func newHidden(t *testing.T, s *place, keepers string) *hidden {
	t.Helper()
	others := map[string]string{"globex": "acme", "acme": "globex"}[keepers]
	h := &hidden{twin: newTwin(t, s, others, keepers)}
	h.play(t, true)
	h.hal = h.token(t, "hal")
	say := func(body string) string {
		return servertest.Get[string](t, succeed(t, h.s, h.hal, postDocument, object{"channelId": h.channel, "body": body}), "message", "id")
	}
	h.said["hal's"] = say("hal was here @ann")
	h.never = ids.NewChannel(time.Now(), parsed(t, h.channel).Channel.Slot())
	h.askPages(t, func(_, document string, variables object) servertest.Answer { // which are kept in memory then
		return h.s.For(t).Post(h.hal, document, variables)
	})
	hides(t, h.s, h.token(t, "gus"), h.channel, "MEMBERS")
	return h
}

// secrets are what must be in no answer to hal.
func (h *hidden) secrets(t *testing.T) []string {
	known := []string{h.channel, parsed(t, h.channel).Channel.Shard().String(), "Good morning", "hal was here", "gus's own", "Goodbye"}
	for _, id := range h.said {
		known = append(known, id)
	}
	for _, group := range h.groups {
		known = append(known, ids.Side{Channel: parsed(t, h.channel).Channel, Group: group}.String())
	}
	for _, sub := range []string{"ben", "cid", "dan"} { // whom hal's group knows from there alone
		if h.whisperers == "acme" {
			known = append(known, ids.UserOf(h.groups[h.whisperers], sub).String())
		}
	}
	return known
}

// compared asks as hal, and asks for what never was, and compares.
func (h *hidden) compared(t *testing.T, secrets []string) func(name, document string, variables object) servertest.Answer {
	post := func(document string, variables object) (servertest.Answer, int64) {
		before := h.s.Statements.Sent()
		answer := h.s.For(t).Post(h.hal, document, variables)
		return answer, h.s.Statements.Sent() - before
	}
	return func(name, document string, variables object) servertest.Answer {
		t.Helper()
		h.asked++
		answer, statements := post(document, variables)
		for _, code := range []string{"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "LIMIT_EXCEEDED", "INTERNAL"} {
			if strings.Contains(answer.Body, code) {
				t.Fatalf("%s got %s", name, answer.Body)
			}
		}
		for _, secret := range secrets {
			if strings.Contains(answer.Body, secret) {
				t.Errorf("hal gets %q: %s\n%s", secret, name, short(answer.Body))
			}
		}
		instead, replaced := h.replace(variables)
		if !replaced {
			return answer
		}
		nothing, least := post(document, instead.(object))
		if anonymous(answer.Body) != anonymous(nothing.Body) || answer.Status != nothing.Status {
			t.Errorf("hal sees that there is something: %s\n%v\n%s", name, variables, difference(answer.Body, nothing.Body))
		}
		if len(h.s.Config.Shards) == 1 && statements != least {
			t.Errorf("hal waits for %d statements, and for what never was for %d: %s", statements, least, name)
		}
		return answer
	}
}

// replace puts a channel that never was in the place of the one that is hidden.
func (h *hidden) replace(value any) (any, bool) {
	switch value := value.(type) {
	case object:
		plain, any := object{}, false
		for field, inner := range value {
			instead, replaced := h.replace(inner)
			plain[field], any = instead, any || replaced
		}
		return plain, any
	case string:
		instead := h.replaced(value)
		return instead, instead != value
	}
	return value, false
}

func (h *hidden) replaced(text string) string {
	if id, err := ids.Parse(text); err == nil {
		switch id.Kind {
		case ids.KindChannel:
			return h.never.String()
		case ids.KindShard:
			return h.never.Shard().String()
		case ids.KindSide:
			return ids.Side{Channel: h.never, Group: id.Side.Group}.String()
		case ids.KindMessage:
			id.Message.Channel = h.never
			return id.Message.String()
		}
	}
	if cursor, err := ids.ParseLogCursor(text); err == nil {
		cursor.Log = h.never.Log()
		return cursor.String()
	}
	for _, kind := range []ids.ListKind{ids.ListMessages, ids.ListReplies} {
		if cursor, err := ids.ParsePageCursor(text, kind, h.groups[h.observers]); err == nil {
			cursor.Channel = h.never
			if kind == ids.ListReplies {
				cursor.Root.Channel = h.never
			}
			return cursor.String()
		}
	}
	return text
}

// askDeeds does what is done about a channel, and about messages that there are.
func (h *hidden) askDeeds(t *testing.T, ask func(name, document string, variables object) servertest.Answer) {
	t.Helper()
	group, user := h.groups["initech"].String(), ids.UserOf(h.groups[h.observers], "hal").String()
	for deed, input := range map[string]object{
		"invite": {"target": h.s.to("initech")}, "leave": {}, "remove": {"groupId": group}, "let": {"groupId": group, "mayInvite": true},
		"offer": {"groupId": group}, "take": {},
	} {
		ask(deed, linkDeeds[deed], object{"input": with(object{"channelId": h.channel}, input)})
	}
	for deed, document := range map[string]string{"list": addMemberDocument, "unlist": removeMemberDocument} {
		ask(deed, document, object{"input": object{"channelId": h.channel, "userId": user}})
	}
	for name, document := range map[string]string{"post": postDocument, "update": sideDocument} {
		input := object{"channelId": h.channel, "body": "x"}
		if name == "update" {
			input = object{"channelId": h.channel, "name": "x", "expectedVersion": 1}
		}
		ask(name, document, object{"input": input})
	}
	for name, id := range h.said {
		ask(name+": edit", editDocument, object{"input": object{"messageId": id, "body": "x"}})
		ask(name+": delete", deleteDocument, object{"input": object{"messageId": id}})
		ask(name+": react", reactDocument, object{"input": object{"messageId": id, "emoji": "👍"}})
		ask(name+": unreact", unreactDocument, object{"input": object{"messageId": id, "emoji": "👍"}})
		ask(name+": mark", readDocument, object{"input": object{"channelId": h.channel, "upToMessageId": id}})
		ask(name+": reply", postDocument, object{"input": object{"channelId": h.channel, "body": "x", "replyToId": id}})
	}
}

// follow begins at every position of the channel's log, and reads the inbox from its beginning.
func (h *hidden) follow(t *testing.T, secrets []string) {
	t.Helper()
	data := h.s.For(t).Must(h.token(t, "gus"), messagesDocument, object{"id": h.channel})
	talk, err := ids.ParseLogCursor(servertest.Get[string](t, data, "node", "messages", "logCursor"))
	if err != nil {
		t.Fatal(err)
	}
	k := dial(t, h.s, bearing{payload: h.hal})
	first := func(document string, variables object) (string, bool) {
		answer, done := k.answer(k.subscribe(document, variables))
		return anonymous(answer.Body), done
	}
	head := talk.Position
	for _, position := range []int64{-1, 0, 1, head - 1, head, head + 1, head + 100, math.MaxInt64} {
		variables := object{"id": h.channel, "from": nil}
		if talk.Position = position; position >= 0 {
			variables["from"] = talk.String()
		}
		never, _ := h.replace(variables)
		for _, document := range []string{sharedEventsDocument, ownEventsDocument} {
			got, done := first(document, variables)
			want, ends := first(document, never.(object))
			if got != want || done != ends || !strings.Contains(got, "NOT_FOUND") {
				t.Errorf("behind %d hal gets %s, and of what never was %s", position, got, want)
			}
		}
	}
	inbox := `subscription($start: LogCursor) { inbox(after: $start)` + h.schema.selection("InboxEvent", 3) + ` }`
	id := k.subscribe(inbox, object{"start": start(t, h.s, h.hal)})
	for linked := 0; ; {
		answer, done := k.answer(id)
		if done || len(answer.Errors) > 0 {
			t.Fatalf("the inbox ends with %s", answer.Body)
		}
		for _, secret := range secrets {
			if strings.Contains(answer.Body, secret) {
				t.Errorf("hal's inbox has %q: %s", secret, short(answer.Body))
			}
		}
		if kindOf(answer) == "SharedChannelLinked" {
			linked++
		}
		if strings.HasSuffix(kindOf(answer), "Checkpoint") {
			if linked == 0 {
				t.Error("hal's inbox does not say that the invitation was accepted")
			}
			return
		}
	}
}

// lists pages through the channels of hal's group, of which the one in the middle is hidden, as if it were not there.
func (h *hidden) lists(t *testing.T) {
	t.Helper()
	var ends []string
	share := func(name string) {
		channel, invitation := offer(t, h.s, h.token(t, map[string]string{"globex": "gus", "acme": "ann"}[h.observers]), "initech", name)
		succeed(t, h.s, h.s.as("ivy@initech"), acceptDocument, object{"invitationId": invitation})
		ends = append(ends, channel)
	}
	if h.observers == "acme" {
		share = func(name string) {
			channel, invitation := offer(t, h.s, h.token(t, "gus"), "initech", name)
			succeed(t, h.s, h.s.as("ivy@initech"), acceptDocument, object{"invitationId": invitation})
			ends = append(ends, channel)
		}
	}
	share("above it")
	middle := ends[0]
	hides(t, h.s, h.token(t, "gus"), middle, "MEMBERS")
	share("above both")
	open(t, h.s).settle()
	pages := func(token, way string) (all []string, more []bool) {
		var at any
		for {
			data := h.s.For(t).Must(token, `query($at: String) { viewer { sharedChannels(`+way+`: $at) { edges { cursor node { id } } nodes { id }
				pageInfo { hasNextPage hasPreviousPage } } } }`, object{"at": at})
			page := servertest.Get[object](t, data, "viewer", "sharedChannels")
			edges, info := page["edges"].([]any), page["pageInfo"].(object)
			if len(edges) == 0 {
				return all, more
			}
			at = edges[0].(object)["cursor"]
			node, _ := edges[0].(object)["node"].(object)
			all = append(all, fmt.Sprint(node["id"]))
			onward := info["hasNextPage"].(bool)
			if strings.HasPrefix(way, "last") {
				onward = info["hasPreviousPage"].(bool)
			}
			more = append(more, onward)
		}
	}
	for _, way := range []string{"first: 1, after", "last: 1, before"} {
		if got, more := pages(h.hal, way); len(got) != 1 || got[0] != ends[1] || more[0] {
			t.Errorf("%s: hal's list has %v, more %v, want %s alone", way, got, more, ends[1])
		}
		if got, _ := pages(h.token(t, "gus"), way); len(got) != 3 {
			t.Errorf("%s: an admin's list has %v", way, got)
		}
	}
	succeed(t, h.s, h.token(t, "gus"), addMemberDocument, object{"channelId": middle, "userId": ids.UserOf(h.groups[h.observers], "hal").String()})
	if got, more := pages(h.hal, "first: 1, after"); len(got) != 2 || got[1] != middle || !more[0] || more[1] {
		t.Errorf("once hal is listed its list has %v, more %v, want %s too", got, more, middle)
	}
}
