package server_test

import (
	"fmt"
	"strings"
	"testing"

	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
)

// foresee notes what the conversation will be known by, so that all of it can be asked for before it is there: the channel's
// log begins with the links of both groups, and then has Message. A second channel is pending; nothing and nobody are ids of
// no channel and of no group.
func (w *world) foresee(t *testing.T, channel, pending string, nothing ids.Channel, nobody ids.Group) {
	t.Helper()
	parsed, err := ids.Parse(channel)
	if err != nil {
		t.Fatal(err)
	}
	here, acme := parsed.Channel, w.s.group("acme").ID
	public := func(number int64) string { return ids.Message{Channel: here, Number: number}.String() }
	private := func(number int64) string { return ids.Message{Channel: here, Owner: acme, Number: number}.String() }
	page := func(kind ids.ListKind, reader ids.Group) string {
		cursor := ids.PageCursor{Kind: kind, Reader: reader, Channel: here, Position: 1}
		if kind == ids.ListReplies {
			cursor.Root = ids.Message{Channel: here, Number: 3}
		}
		return cursor.String()
	}
	data := w.s.For(t).Must(w.users["ana"], messagesDocument, object{"id": channel})
	log, err := ids.ParseLogCursor(servertest.Get[string](t, data, "node", "messages", "logCursor"))
	if err != nil {
		t.Fatal(err)
	}
	w.log, w.nothing = log, nothing
	for name, value := range map[string]any{
		"Message": public(3), "Reply": public(5), "DeletedMessage": public(7), "PrivateMessage": private(1),
		"messagesOfAcme": page(ids.ListMessages, acme), "repliesOfAcme": page(ids.ListReplies, acme), "talkStartOfAcme": w.talkStart("acme"),
		"postUnknown": object{"channelId": nothing.String(), "body": "unheard"}, "editUnknown": object{"messageId": public(1), "body": "unheard"},
		"postPending": object{"channelId": pending, "body": "unheard"},
	} {
		w.known[name] = value
	}
	const never = 1_000_000 // no log gets that far
	for name, value := range map[string]any{
		"Message": public(never), "Reply": public(never), "DeletedMessage": public(never), "PrivateMessage": private(never),
		"messagesOfAcme": page(ids.ListMessages, nobody), "repliesOfAcme": page(ids.ListReplies, nobody),
		"talkStartOfAcme": ids.LogCursor{Kind: ids.LogChannel, Log: nothing.Log(), Reader: nobody, History: ids.NewHistory()}.String(),
		"post":            object{"channelId": nothing.String(), "body": "unheard"}, "postPending": object{"channelId": nothing.String(), "body": "unheard"},
		"postReply": object{"channelId": channel, "body": "unheard", "replyToId": public(never)},
		"mark":      object{"channelId": nothing.String(), "upToMessageId": public(never)}, "markPrivate": object{"channelId": channel, "upToMessageId": public(never)},
	} {
		w.unknown[name] = value
	}
	for _, name := range []string{"edit", "editOfAna", "editPrivate"} {
		w.unknown[name] = object{"messageId": public(never), "body": "unheard"}
	}
	for _, name := range []string{"delete", "deleteOfAna", "deletePrivate"} {
		w.unknown[name] = object{"messageId": public(never)}
	}
	for _, name := range []string{"react", "reactPrivate", "unreact", "unreactPrivate"} {
		w.unknown[name] = object{"messageId": public(never), "emoji": "👍"}
	}
}

// talkStart is the cursor before the first event of the channel's log, as a group would have it.
func (w *world) talkStart(group string) string {
	start := w.log
	start.Position = 0
	if group != "" {
		start.Reader = w.s.group(group).ID
	}
	return start.String()
}

// startOfNothing is talkStart of a channel that there is not.
func (w *world) startOfNothing(group string) string {
	start := ids.LogCursor{Kind: ids.LogChannel, Log: w.nothing.Log(), History: w.log.History}
	if group != "" {
		start.Reader = w.s.group(group).ID
	}
	return start.String()
}

// talk has both groups say what the table asks for. Ben and Hua speak to their own groups alone.
func (w *world) talk(t *testing.T) {
	t.Helper()
	channel := w.known["SharedChannel"]
	say := func(user, document string, input object, want any) string {
		t.Helper()
		id := servertest.Get[string](t, succeed(t, w.s, w.users[user], document, input), "message", "id")
		if want != nil && id != want {
			t.Fatalf("%v has the id %s, and %v was foreseen", input, id, want)
		}
		return id
	}
	message, private := w.known["Message"], w.known["PrivateMessage"]
	say("ana", postDocument, object{"channelId": channel, "body": "acme-first-words"}, message)
	say("ben", postDocument, object{"channelId": channel, "body": "acme-private-first-words", "audience": "OWN_GROUP"}, private)
	say("hua", postDocument, object{"channelId": channel, "body": "globex-private-body", "audience": "OWN_GROUP"}, nil)
	say("ana", editDocument, object{"messageId": message, "body": "acme-public-body for @Gil-of-globex"}, message)
	say("ben", editDocument, object{"messageId": private, "body": "acme-private-body for @Ana-of-acme"}, private)
	say("gil", postDocument, object{"channelId": channel, "body": "globex-public-body", "replyToId": message}, w.known["Reply"])
	say("ana", postDocument, object{"channelId": channel, "body": "acme-private-reply", "replyToId": private}, nil)
	say("ana", reactDocument, object{"messageId": message, "emoji": "👍"}, message)
	say("ben", reactDocument, object{"messageId": private, "emoji": "🦊"}, private)
	deleted := say("ana", postDocument, object{"channelId": channel, "body": "deleted-body"}, w.known["DeletedMessage"])
	say("gil", reactDocument, object{"messageId": message, "emoji": "👍"}, message)
	say("gil", reactDocument, object{"messageId": deleted, "emoji": "🎉"}, deleted)
	say("ana", deleteDocument, object{"messageId": deleted}, deleted)
	say("ben", postDocument, object{"channelId": channel, "body": "acme-private-reply", "replyToId": message, "audience": "OWN_GROUP"}, nil)
	succeed(t, w.s, w.users["gil"], readDocument, object{"channelId": channel, "upToMessageId": message})
}

// said is the input of a mutation of the conversation, for the column; n is the number of the question. What succeeds is of
// messages that nobody else asks for: admins say them to everyone, members to their group, so that nobody outside learns of
// these members.
func (c *cell) said(name string, n int64) any {
	channel, group := c.w.known["SharedChannel"], groupOf[c.column]
	member := c.column == "member" || c.column == "asker"
	talks := member || c.column == "admin" || c.column == "owner"
	words := func(by string, private bool) object {
		if private {
			return object{"channelId": channel, "body": fmt.Sprintf("whispered-by-%s-%d", by, n), "audience": "OWN_GROUP"}
		}
		return object{"channelId": channel, "body": fmt.Sprintf("said-by-%s-%d", by, n)}
	}
	message := func(user, by string, private bool) any {
		return servertest.Get[string](c.t, succeed(c.t, c.w.s, c.w.users[user], postDocument, words(by, private)), "message", "id")
	}
	own := func() any {
		if !talks {
			return c.w.known["Message"]
		}
		return message(map[string]string{"member": "hua", "admin": "gil", "asker": "ben", "owner": "ana"}[c.column], group, member)
	}
	about := own
	switch {
	case !talks && strings.HasSuffix(name, "Private"):
		about = func() any { return c.w.known["PrivateMessage"] }
	case strings.HasSuffix(name, "Private"):
		about = func() any { return message("ben", "acme", true) }
	case talks && strings.HasSuffix(name, "OfAna"):
		about = func() any { return message("ana", "acme", false) }
	}
	switch name {
	case "post":
		return words(group, member)
	case "postReply":
		return with(words(group, true), object{"replyToId": c.w.known["PrivateMessage"]})
	case "edit", "editOfAna", "editPrivate":
		return object{"messageId": about(), "body": words(group, member)["body"]}
	case "delete", "deleteOfAna", "deletePrivate":
		return object{"messageId": about()}
	case "react", "reactPrivate", "unreact", "unreactPrivate":
		return object{"messageId": about(), "emoji": "👍"}
	case "mark", "markPrivate":
		return object{"channelId": channel, "upToMessageId": about()}
	}
	c.t.Fatalf("no variable $%s", name)
	return nil
}
