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

// talked is a channel of acme and globex in which both have spoken, and others.
type talked struct {
	*ground
	channel, second, pending, closed, left, foreign string // left: acme takes part no longer
	message, reply, deleted                         string // by ana, by gil, by ana
	ofBen                                           string // who is a member
	own, theirs                                     string // whispers of acme, by ben, and of globex, by gil
	elsewhere, behind                               string // in second, in left
	madeUp                                          map[string]string
}

func newTalked(t *testing.T, s *place) *talked {
	t.Helper()
	g := &talked{ground: &ground{T: t, s: s, as: s.as}}
	s.group("umbrella")
	link := func(name string) string {
		t.Helper()
		channel, invitation := offer(t, s, g.as("ana@acme"), "globex", name)
		succeed(t, s, g.as("gil@globex"), acceptDocument, object{"invitationId": invitation})
		return channel
	}
	say := func(as, channel string, input object) string {
		t.Helper()
		payload := succeed(t, s, g.as(as), postDocument, with(object{"channelId": channel, "body": "words"}, input))
		return servertest.Get[string](t, payload, "message", "id")
	}
	g.channel, g.second, g.left = link("launch"), link("second"), link("left")
	g.pending, _ = offer(t, s, g.as("ana@acme"), "globex", "pending")
	closed, declined := offer(t, s, g.as("ana@acme"), "globex", "closed")
	succeed(t, s, g.as("gil@globex"), declineDocument, object{"invitationId": declined})
	g.closed = closed
	g.foreign, _ = offer(t, s, g.as("ivy@initech"), "umbrella", "theirs")
	g.message = say("ana@acme", g.channel, nil)
	g.reply = say("gil@globex", g.channel, object{"replyToId": g.message})
	g.deleted = say("ana@acme", g.channel, nil)
	succeed(t, s, g.as("ana@acme"), deleteDocument, object{"messageId": g.deleted})
	g.ofBen = say("ben@acme member", g.channel, nil)
	g.own = say("ben@acme member", g.channel, object{"audience": "OWN_GROUP"})
	g.theirs = say("gil@globex", g.channel, object{"audience": "OWN_GROUP"})
	g.elsewhere, g.behind = say("ana@acme", g.second, nil), say("ana@acme", g.left, object{"idempotencyKey": "behind"})
	made := func(channel, owner string, number int64) string {
		return ids.Message{Channel: parsed(t, channel).Channel, Owner: s.group(owner).ID, Number: number}.String()
	}
	g.madeUp = map[string]string{ // as acme has none
		"the other side's whisper": made(g.channel, "globex", 1), "a whisper that the other side may have": made(g.channel, "globex", 2),
		"a whisper of a group outside": made(g.channel, "initech", 1), "a whisper of one's own that is not there": made(g.channel, "acme", 1_000_000),
		"a whisper in a foreign channel": made(g.foreign, "acme", 1), "the last message there can be": ids.Message{Channel: parsed(t, g.channel).Channel, Number: math.MaxInt64}.String(),
	}
	return g
}

// TestBadTalk sends what must be refused in a conversation, one after the other, and compares all tables of all databases.
func TestBadTalk(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{}), "")
	g, d := newTalked(t, s), open(t, s)
	d.part(g.left, "acme")
	d.begin()
	for _, cases := range [][]bad{badMessageIDs(g), badBodies(g), badReplies(g), badEdits(g), badDeletes(g), badReactions(g), badChannels(g), badReads(g), badTalkKeys(g), badPlaces(g), badMadeUps(g), badLiterals(g)} {
		for _, b := range cases {
			t.Run(b.name, func(t *testing.T) {
				if got := g.try(t, b); got != b.want {
					t.Errorf("got %q, want %q", got, b.want)
				}
				d.unchanged(t)
			})
		}
	}
	t.Run("invalid UTF-8", func(t *testing.T) {
		body := `{"query":"mutation($b: String!) { postMessage(input: {channelId: \"` + g.channel + `\", body: $b}) { message { id } } }","variables":{"b":"` + "a\xffb" + `"}}`
		if answer := s.For(t).PostBody(g.as("ana@acme"), []byte(body)); len(answer.Errors) == 0 || faultCode(t, answer) != "BAD_USER_INPUT" {
			t.Errorf("answered %s", answer.Body)
		}
		d.unchanged(t)
	})
	t.Run("cursors of channelEvents", func(t *testing.T) {
		testBadTalkCursors(t, g)
		d.unchanged(t)
	})
}

func badMessageIDs(g *talked) (list []bad) {
	for name, id := range malformed(g.message, g.channel) {
		list = append(list,
			bad{name: "edit id " + name, as: "ana@acme", mutation: editDocument, input: object{"messageId": id, "body": "x"}, want: "BAD_USER_INPUT"},
			bad{name: "delete id " + name, as: "ana@acme", mutation: deleteDocument, input: object{"messageId": id}, want: "BAD_USER_INPUT"},
			bad{name: "react id " + name, as: "ana@acme", mutation: reactDocument, input: object{"messageId": id, "emoji": "👍"}, want: "BAD_USER_INPUT"},
			bad{name: "mark id " + name, as: "ana@acme", mutation: readDocument, input: object{"channelId": g.channel, "upToMessageId": id}, want: "BAD_USER_INPUT"})
		if id != nil {
			list = append(list, bad{name: "reply id " + name, as: "ana@acme", mutation: postDocument, input: object{"channelId": g.channel, "body": "x", "replyToId": id}, want: "BAD_USER_INPUT"})
		}
	}
	for name, id := range malformed(g.channel, g.message) {
		list = append(list, bad{name: "post channel " + name, as: "ana@acme", mutation: postDocument, input: object{"channelId": id, "body": "x"}, want: "BAD_USER_INPUT"})
	}
	return list
}

func badBodies(g *talked) (list []bad) {
	for name, b := range map[string]struct {
		body any
		want string
	}{
		"of 0 bytes": {"", "INVALID_INPUT input.body"}, "of 40,001 bytes": {strings.Repeat("x", 40_001), "INVALID_INPUT input.body"},
		"of 40,002 bytes in 13,334 letters": {strings.Repeat("€", 13_334), "INVALID_INPUT input.body"},
		"of 40,001 bytes in emoji":          {strings.Repeat("🚀", 10_000) + "x", "INVALID_INPUT input.body"},
		"with NUL":                          {"a\x00b", "BAD_USER_INPUT"}, "that is null": {nil, "BAD_USER_INPUT"}, "that is a number": {7, "BAD_USER_INPUT"},
	} {
		list = append(list,
			bad{name: "post body " + name, as: "ana@acme", mutation: postDocument, input: object{"channelId": g.channel, "body": b.body}, want: b.want},
			bad{name: "whisper body " + name, as: "ana@acme", mutation: postDocument, input: object{"channelId": g.channel, "body": b.body, "audience": "OWN_GROUP"}, want: b.want},
			bad{name: "edit body " + name, as: "ana@acme", mutation: editDocument, input: object{"messageId": g.message, "body": b.body}, want: b.want})
	}
	return append(list, bad{name: "post to no such audience", as: "ana@acme", mutation: postDocument,
		input: object{"channelId": g.channel, "body": "x", "audience": "NOBODY"}, want: "BAD_USER_INPUT"})
}

func badReplies(g *talked) (list []bad) {
	never := ids.Message{Channel: parsed(g.T, g.channel).Channel, Number: 1_000_000}.String()
	for name, b := range map[string]struct{ to, want string }{
		"to a reply": {g.reply, "INVALID_INPUT input.replyToId"}, "to another channel's": {g.elsewhere, "MESSAGE_NOT_FOUND input.replyToId"},
		"to a deleted one": {g.deleted, "MESSAGE_NOT_FOUND input.replyToId"}, "to the other side's whisper": {g.theirs, "MESSAGE_NOT_FOUND input.replyToId"},
		"to nothing": {never, "MESSAGE_NOT_FOUND input.replyToId"}, "to what is no message": {ids.Message{Channel: parsed(g.T, g.channel).Channel, Number: 1}.String(), "MESSAGE_NOT_FOUND input.replyToId"},
	} {
		for _, audience := range []any{nil, "EVERYONE", "OWN_GROUP"} {
			list = append(list, bad{name: fmt.Sprintf("reply for %v %s", audience, name), as: "ana@acme", mutation: postDocument, want: b.want,
				input: object{"channelId": g.channel, "body": "x", "replyToId": b.to, "audience": audience}})
		}
	}
	return append(list, bad{name: "reply for everyone to one's own whisper", as: "ana@acme", mutation: postDocument, want: "INVALID_INPUT input.audience",
		input: object{"channelId": g.channel, "body": "x", "replyToId": g.own, "audience": "EVERYONE"}})
}

func badEdits(g *talked) (list []bad) {
	for _, b := range []struct{ name, as, message, want string }{
		{"by another of the group", "bob@acme member", g.message, "NOT_ALLOWED input.messageId"},
		{"by the group's admin", "ana@acme", g.ofBen, "NOT_ALLOWED input.messageId"},
		{"by the other side's admin", "gil@globex", g.message, "NOT_ALLOWED input.messageId"},
		{"of a whisper by the group's admin", "ana@acme", g.own, "NOT_ALLOWED input.messageId"},
		{"of a whisper by the other side", "gil@globex", g.own, "MESSAGE_NOT_FOUND input.messageId"},
		{"by a third group", "ivy@initech", g.message, "MESSAGE_NOT_FOUND input.messageId"},
		{"by an operator", "operator", g.message, "MESSAGE_NOT_FOUND input.messageId"},
		{"by nobody", "", g.message, "UNAUTHENTICATED"},
		{"after it was deleted", "ana@acme", g.deleted, "MESSAGE_NOT_FOUND input.messageId"},
		{"after the group left", "ana@acme", g.behind, "CHANNEL_NOT_ACTIVE input.messageId"},
	} {
		list = append(list, bad{name: "edit " + b.name, as: b.as, mutation: editDocument, input: object{"messageId": b.message, "body": "x"}, want: b.want})
	}
	return list
}

func badDeletes(g *talked) (list []bad) {
	for _, b := range []struct{ name, as, message, want string }{
		{"by a member", "bob@acme member", g.message, "NOT_ALLOWED input.messageId"},
		{"of a whisper by another member", "bob@acme member", g.own, "NOT_ALLOWED input.messageId"},
		{"by the other side's admin", "gil@globex", g.message, "NOT_ALLOWED input.messageId"},
		{"again, by the other side's admin", "gil@globex", g.deleted, "NOT_ALLOWED input.messageId"},
		{"of a whisper by the other side", "gil@globex", g.own, "MESSAGE_NOT_FOUND input.messageId"},
		{"by a third group", "ivy@initech", g.message, "MESSAGE_NOT_FOUND input.messageId"},
		{"by an operator", "operator", g.message, "MESSAGE_NOT_FOUND input.messageId"},
		{"after the group left", "ana@acme", g.behind, "CHANNEL_NOT_ACTIVE input.messageId"},
	} {
		list = append(list, bad{name: "delete " + b.name, as: b.as, mutation: deleteDocument, input: object{"messageId": b.message}, want: b.want})
	}
	return list
}

func badReactions(g *talked) (list []bad) {
	for action, document := range map[string]string{"react": reactDocument, "unreact": unreactDocument} {
		for name, emoji := range map[string]string{
			"of nothing": "", "of a letter": "a", "of a space": " ", "of two emoji": "👍👍", "of an emoji and a letter": "👍a", "of an emoji and a space": "👍 ",
			"of a word": ":thumbsup:", "of a digit": "1", "of a joiner": "\u200d", "of a selector": "\ufe0f", "of a skin tone behind a letter": "a🏽",
			"of 900,000 bytes": strings.Repeat("👍", 225_000), "of 900,000 joined": strings.Repeat("👩\u200d", 128_000),
		} {
			list = append(list, bad{name: action + " " + name, as: "ana@acme", mutation: document, input: object{"messageId": g.message, "emoji": emoji}, want: "INVALID_INPUT input.emoji"})
		}
		list = append(list, bad{name: action + " of NUL", as: "ana@acme", mutation: document, input: object{"messageId": g.message, "emoji": "👍\x00"}, want: "BAD_USER_INPUT"})
		for _, b := range []struct{ name, as, message, want string }{
			{"to a deleted message", "gil@globex", g.deleted, "MESSAGE_NOT_FOUND input.messageId"},
			{"to the other side's whisper", "gil@globex", g.own, "MESSAGE_NOT_FOUND input.messageId"},
			{"by a third group", "ivy@initech", g.message, "MESSAGE_NOT_FOUND input.messageId"},
			{"by an operator", "operator", g.message, "MESSAGE_NOT_FOUND input.messageId"},
			{"after the group left", "ana@acme", g.behind, "CHANNEL_NOT_ACTIVE input.messageId"},
		} {
			list = append(list, bad{name: action + " " + b.name, as: b.as, mutation: document, input: object{"messageId": b.message, "emoji": "👍"}, want: b.want})
		}
	}
	return list
}

func badChannels(g *talked) (list []bad) {
	nothing := ids.NewChannel(time.Now(), parsed(g.T, g.channel).Channel.Slot()).String()
	for _, b := range []struct{ name, as, channel, want string }{
		{"a pending channel", "ana@acme", g.pending, "CHANNEL_NOT_ACTIVE input.channelId"},
		{"a pending channel as who is asked", "gil@globex", g.pending, "CHANNEL_NOT_FOUND input.channelId"},
		{"a closed channel", "ana@acme", g.closed, "CHANNEL_NOT_ACTIVE input.channelId"},
		{"a closed channel as who was asked", "gil@globex", g.closed, "CHANNEL_NOT_FOUND input.channelId"},
		{"a channel that the group left", "ana@acme", g.left, "CHANNEL_NOT_ACTIVE input.channelId"},
		{"a foreign channel", "ana@acme", g.foreign, "CHANNEL_NOT_FOUND input.channelId"},
		{"no channel", "ana@acme", nothing, "CHANNEL_NOT_FOUND input.channelId"},
		{"a channel as a third group", "ivy@initech", g.channel, "CHANNEL_NOT_FOUND input.channelId"},
		{"a channel as an operator", "operator", g.channel, "CHANNEL_NOT_FOUND input.channelId"},
		{"a channel as nobody", "", g.channel, "UNAUTHENTICATED"},
	} {
		for _, audience := range []string{"EVERYONE", "OWN_GROUP"} {
			list = append(list,
				bad{name: "post for " + audience + " to " + b.name, as: b.as, mutation: postDocument, want: b.want,
					input: object{"channelId": b.channel, "body": "x @Gil", "audience": audience}},
				bad{name: "reply for " + audience + " in " + b.name, as: b.as, mutation: postDocument, want: b.want,
					input: object{"channelId": b.channel, "body": "x", "audience": audience, "replyToId": g.elsewhere}})
		}
	}
	return list
}

func badReads(g *talked) (list []bad) {
	for _, b := range []struct{ name, as, channel, message, want string }{
		{"another channel's message", "ana@acme", g.channel, g.elsewhere, "MESSAGE_NOT_FOUND input.upToMessageId"},
		{"the other side's whisper", "ana@acme", g.channel, g.theirs, "MESSAGE_NOT_FOUND input.upToMessageId"},
		{"a channel that the group left", "ana@acme", g.left, g.behind, "CHANNEL_NOT_ACTIVE input.channelId"},
		{"a pending channel", "ana@acme", g.pending, g.message, "MESSAGE_NOT_FOUND input.upToMessageId"},
		{"a foreign channel", "ana@acme", g.foreign, g.message, "CHANNEL_NOT_FOUND input.channelId"},
		{"as a third group", "ivy@initech", g.channel, g.message, "CHANNEL_NOT_FOUND input.channelId"},
		{"as an operator", "operator", g.channel, g.message, "CHANNEL_NOT_FOUND input.channelId"},
		{"as nobody", "", g.channel, g.message, "UNAUTHENTICATED"},
	} {
		list = append(list, bad{name: "mark " + b.name, as: b.as, mutation: readDocument, input: object{"channelId": b.channel, "upToMessageId": b.message}, want: b.want})
	}
	return list
}

func badTalkKeys(g *talked) (list []bad) {
	for name, b := range map[string]struct {
		document string
		input    object
	}{
		"post": {postDocument, object{"channelId": g.channel, "body": "x"}}, "edit": {editDocument, object{"messageId": g.message, "body": "x"}},
		"delete": {deleteDocument, object{"messageId": g.message}}, "react": {reactDocument, object{"messageId": g.message, "emoji": "👍"}},
		"unreact": {unreactDocument, object{"messageId": g.message, "emoji": "👍"}}, "mark": {readDocument, object{"channelId": g.channel, "upToMessageId": g.message}},
	} {
		list = append(list, bad{name: name + " key with NUL", as: "ana@acme", mutation: b.document,
			input: with(b.input, object{"idempotencyKey": "k\x00"}), want: "BAD_USER_INPUT"})
		for length, key := range map[string]string{"0": "", "201": strings.Repeat("k", 201), "201 emoji": strings.Repeat("🔑", 201)} {
			list = append(list, bad{name: name + " key of " + length, as: "ana@acme", mutation: b.document,
				input: with(b.input, object{"idempotencyKey": key}), want: "INVALID_INPUT input.idempotencyKey"})
		}
	}
	return list
}

// badMadeUps do all that can be done with ids of messages that the group may not see, or that there are not.
func badMadeUps(g *talked) (list []bad) {
	const want = "MESSAGE_NOT_FOUND input."
	for name, id := range g.madeUp {
		of := " of " + name
		list = append(list,
			bad{name: "edit" + of, as: "ana@acme", mutation: editDocument, input: object{"messageId": id, "body": "x @Gil"}, want: want + "messageId"},
			bad{name: "delete" + of, as: "ana@acme", mutation: deleteDocument, input: object{"messageId": id}, want: want + "messageId"},
			bad{name: "react" + of, as: "ana@acme", mutation: reactDocument, input: object{"messageId": id, "emoji": "👍"}, want: want + "messageId"},
			bad{name: "unreact" + of, as: "ana@acme", mutation: unreactDocument, input: object{"messageId": id, "emoji": "👍"}, want: want + "messageId"},
			bad{name: "mark" + of, as: "ana@acme", mutation: readDocument, input: object{"channelId": g.channel, "upToMessageId": id}, want: want + "upToMessageId"},
			bad{name: "keyed mark" + of, as: "ana@acme", mutation: readDocument, want: want + "upToMessageId",
				input: object{"channelId": g.channel, "upToMessageId": id, "idempotencyKey": "k"}},
			bad{name: "keyed delete" + of, as: "ana@acme", mutation: deleteDocument, input: object{"messageId": id, "idempotencyKey": "k"}, want: want + "messageId"})
		for _, audience := range []any{nil, "OWN_GROUP"} {
			list = append(list, bad{name: fmt.Sprintf("reply for %v%s", audience, of), as: "ana@acme", mutation: postDocument, want: want + "replyToId",
				input: object{"channelId": g.channel, "body": "x", "replyToId": id, "audience": audience}})
		}
	}
	return list
}

// badLiterals are texts that can't be, written into the document.
func badLiterals(g *talked) (list []bad) {
	for name, text := range map[string]string{
		"NUL": `"a\u0000b"`, "NUL in braces": `"a\u{0}b"`, "half a pair": `"a\ud83db"`, "the other half": `"\udc4d"`, "halves the wrong way round": `"\udc4d\ud83d"`,
		"NUL in a block": "\"\"\"a\x00b\"\"\"", "NUL as it is": "\"a\x00b\"",
	} {
		want := "BAD_USER_INPUT"
		if strings.Contains(text, "\x00") {
			want = "GRAPHQL_PARSE_FAILED"
		}
		for field, call := range map[string]string{
			"post": `postMessage(input: {channelId: "` + g.channel + `", body: ` + text + `}) { errors { code } }`,
			"edit": `editMessage(input: {messageId: "` + g.message + `", body: ` + text + `}) { errors { code } }`,
			"key":  `postMessage(input: {channelId: "` + g.channel + `", body: "x", idempotencyKey: ` + text + `}) { errors { code } }`,
		} {
			list = append(list, bad{name: field + " literal with " + name, as: "ana@acme", document: `mutation { it: ` + call + ` }`, want: want})
		}
	}
	return list
}

// badPlaces are pages of messages and of replies behind cursors of something else.
func badPlaces(g *talked) (list []bad) {
	cursor := func(as, document string, id any) string {
		g.Helper()
		data := g.s.For(g).Must(g.as(as), document, object{"id": id})
		for _, root := range data {
			return servertest.Get[string](g, root, "list", "edges", 0, "cursor")
		}
		return ""
	}
	const edges = ` { edges { cursor } } `
	messages, replies := `query($id: ID!) { node(id: $id) { ... on SharedChannel { list: messages`+edges+`} } }`, `query($id: ID!) { node(id: $id) { ... on Message { list: replies`+edges+`} } }`
	acme := g.s.group("acme").ID
	foreign := map[string]string{
		"another channel's": cursor("ana@acme", messages, g.second), "the other side's": cursor("gil@globex", messages, g.channel),
		"a channel's": cursor("ana@acme", `{ viewer { list: sharedChannels`+edges+`} }`, nil), "empty": "", "garbled": "garbled", "an id": g.message,
		"a position in the log": ids.LogCursor{Kind: ids.LogChannel, Log: parsed(g.T, g.channel).Channel.Log(), Reader: acme, Position: 1}.String(),
		"flipped":               flipped(cursor("ana@acme", messages, g.channel)),
	}
	for _, l := range []struct{ name, field, id, other string }{
		{"messages", `... on SharedChannel { list: messages`, g.channel, cursor("ana@acme", replies, g.message)},
		{"replies", `... on Message { list: replies`, g.message, cursor("ana@acme", messages, g.channel)},
	} {
		ask := func(what, arguments string, at any) {
			list = append(list, bad{name: l.name + " " + what, as: "ana@acme", want: "BAD_USER_INPUT", variables: object{"id": l.id, "at": at},
				document: `query($id: ID!, $at: String) { node(id: $id) { ` + l.field + `(` + arguments + `) { edges { cursor } } } } }`})
		}
		for what, at := range foreign {
			ask("after "+what, "after: $at", at)
			ask("before "+what, "last: 1, before: $at", at)
		}
		ask("after another list's", "after: $at", l.other)
		for _, arguments := range []string{"first: -1", "first: 101", "last: -1", "last: 101", "first: 1, last: 1"} {
			ask(arguments, arguments+", after: $at", nil)
		}
	}
	return append(list, bad{name: "replies after another thread's", as: "ana@acme", want: "BAD_USER_INPUT",
		variables: object{"id": g.ofBen, "at": cursor("ana@acme", replies, g.message)},
		document:  `query($id: ID!, $at: String) { node(id: $id) { ... on Message { replies(after: $at)` + edges + `} } }`})
}

// testBadTalkCursors subscribes behind cursors that are not of this log, this reader, or this history.
func testBadTalkCursors(t *testing.T, g *talked) {
	data := g.s.For(t).Must(g.as("ana@acme"), messagesDocument, object{"id": g.channel})
	good, err := ids.ParseLogCursor(servertest.Get[string](t, data, "node", "messages", "logCursor"))
	if err != nil {
		t.Fatal(err)
	}
	change := func(change func(*ids.LogCursor)) string {
		cursor := good
		change(&cursor)
		return cursor.String()
	}
	acme, globex := g.s.group("acme").ID, g.s.group("globex").ID
	inbox := start(t, g.s, g.as("ana@acme"))
	k := dial(t, g.s, bearing{payload: g.as("ana@acme")})
	for name, b := range map[string]struct{ cursor, want string }{
		"of the other side":    {change(func(c *ids.LogCursor) { c.Reader = globex }), "BAD_USER_INPUT"},
		"of another channel":   {change(func(c *ids.LogCursor) { c.Log = parsed(t, g.second).Channel.Log() }), "BAD_USER_INPUT"},
		"of the inbox":         {inbox, "BAD_USER_INPUT"},
		"of an inbox's kind":   {change(func(c *ids.LogCursor) { c.Kind = ids.LogInbox }), "BAD_USER_INPUT"},
		"of a page":            {servertest.Get[string](t, data, "node", "messages", "edges", 0, "cursor"), "BAD_USER_INPUT"},
		"empty":                {"", "BAD_USER_INPUT"},
		"flipped":              {flipped(good.String()), "BAD_USER_INPUT"},
		"beyond the end":       {change(func(c *ids.LogCursor) { c.Position++ }), "CURSOR_EXPIRED"},
		"of another history":   {change(func(c *ids.LogCursor) { c.History = ids.NewHistory() }), "CURSOR_EXPIRED"},
		"of another's history": {change(func(c *ids.LogCursor) { c.Log, c.Reader = acme.InboxLog(), acme }), "BAD_USER_INPUT"},
	} {
		answer, done := k.answer(k.subscribe(channelEventsDocument, object{"channelId": g.channel, "after": b.cursor}))
		if done || len(answer.Errors) == 0 || faultCode(t, answer) != b.want {
			t.Errorf("a cursor %s got %v %s, want %s", name, done, answer.Body, b.want)
		}
	}
	answer, done := k.answer(k.subscribe(channelEventsDocument, object{"channelId": g.foreign}))
	if done || len(answer.Errors) == 0 || faultCode(t, answer) != "NOT_FOUND" {
		t.Errorf("a foreign channel got %v %s", done, answer.Body)
	}
	answer, _ = k.answer(k.subscribe(`subscription($after: LogCursor) { inbox(after: $after) { cursor } }`, object{"after": good.String()}))
	if len(answer.Errors) == 0 || faultCode(t, answer) != "BAD_USER_INPUT" {
		t.Errorf("the inbox takes a channel's cursor: %s", answer.Body)
	}
}
