package server_test

import (
	"testing"

	"linkspan/internal/ids"
	"linkspan/internal/server"
	"linkspan/internal/server/servertest"
)

// TestWhispers has one side of a channel talk among itself, in all ways that there are, and compares all that the other side
// can get with a twin: the same groups and channel, where everybody said the same for everyone and nobody whispered.
func TestWhispers(t *testing.T) {
	shapes(t, servertest.Options{}, func(t *testing.T, s *place) {
		whisperers, observers := "acme", "globex"
		if len(s.Config.Shards) == 1 { // each side in its turn
			whisperers, observers = observers, whisperers
		}
		loud, quiet := newTwin(t, s, whisperers, observers), newTwin(t, s, whisperers, observers)
		loud.play(t, true)
		quiet.play(t, false)
		loud.compare(t, quiet)
	})
}

// twin is a channel of acme and globex. One side's users ann, ben, cid and dan may whisper, the other side's gus (an admin)
// and hal observe.
type twin struct {
	s                     *place
	schema                schema
	whisperers, observers string
	groups                map[string]ids.Group
	channel, invitation   string
	events                *channelFollower  // gus's, from before anything was said
	said                  map[string]string // ids of messages for everyone, and of gus's own whisper
	whispered             []string          // ids of what the observers must not learn of
	parted                bool              // the observers' group takes part no longer
}

// channelFollower is a live subscription to a channel's events.
type channelFollower struct {
	socket *socket
	id     string
}

// liveDocument asks for what is the same however long after an event it is rendered.
const liveDocument = `subscription($id: ID!) { channelEvents(channelId: $id) { __typename cursor at actor { ... on User { id name group { handle } } }
	... on MessagePosted { message { id } } ... on MessageEdited { message { id } } ... on MessageDeleted { message { id } }
	... on ReactionChanged { emoji added message { id } } } }`

func newTwin(t *testing.T, s *place, whisperers, observers string) *twin {
	t.Helper()
	w := &twin{s: s.apart(t), whisperers: whisperers, observers: observers, said: map[string]string{}, groups: map[string]ids.Group{}}
	for _, name := range []string{"acme", "globex", "initech"} {
		w.groups[name] = w.s.group(name).ID
	}
	w.schema = introspect(t, w.s)
	admins := map[string]string{whisperers: "ann", observers: "gus"}
	w.channel, w.invitation = offer(t, w.s, w.token(t, admins["acme"]), "globex", "launch")
	succeed(t, w.s, w.token(t, admins["globex"]), acceptDocument, object{"invitationId": w.invitation})
	k := dial(t, w.s, bearing{payload: w.token(t, "gus")})
	w.events = &channelFollower{k, k.subscribe(liveDocument, object{"id": w.channel})}
	k.event(w.events.id) // the checkpoint: it is live
	return w
}

// token signs in a user of the twin's, under its usual name or another.
func (w *twin) token(t *testing.T, sub string, name ...string) string {
	t.Helper()
	claims := server.Claims{Group: w.whisperers + w.s.suffix, Role: "member", Name: sub}
	if sub == "gus" || sub == "hal" {
		claims.Group = w.observers + w.s.suffix
	}
	if sub == "ann" || sub == "gus" {
		claims.Role = "admin"
	}
	if sub == "ivy" {
		claims.Group = "initech" + w.s.suffix
	}
	for _, other := range name {
		claims.Name = other
	}
	claims.Subject = sub
	return servertest.Sign(t, claims)
}

// play has both sides talk. Whispers have "marker" in every text that they write anywhere.
func (w *twin) play(t *testing.T, aloud bool) {
	t.Helper()
	do := func(token, document string, input object) string {
		t.Helper()
		return servertest.Get[string](t, succeed(t, w.s, token, document, input), "message", "id")
	}
	say := func(as, name string, input object) {
		t.Helper()
		w.said[name] = do(w.token(t, as), postDocument, with(input, object{"channelId": w.channel}))
	}
	whisper := func(token, document string, input object) string {
		t.Helper()
		if !aloud {
			return ""
		}
		if document == postDocument {
			input = with(input, object{"channelId": w.channel, "audience": "OWN_GROUP"})
		}
		id := do(token, document, input)
		w.whispered = append(w.whispered, id)
		return id
	}
	ann, ben, cid := w.token(t, "ann"), w.token(t, "ben"), w.token(t, "cid")

	say("ann", "first", object{"body": "Good morning @gus"})
	root := whisper(ben, postDocument, object{"body": "marker one, @gus and @ann"})
	say("gus", "reply", object{"body": "Good morning @ann", "replyToId": w.said["first"]})
	whisper(ann, postDocument, object{"body": "marker two", "replyToId": root})
	whisper(ben, postDocument, object{"body": "marker three, of @gus", "replyToId": w.said["first"], "audience": "OWN_GROUP"})
	say("gus", "own", object{"body": "gus's own", "audience": "OWN_GROUP"})
	whisper(ben, editDocument, object{"messageId": root, "body": "marker one, edited, of @hal"})
	whisper(ann, reactDocument, object{"messageId": root, "emoji": "🦊"})
	whisper(cid, reactDocument, object{"messageId": root, "emoji": "🦊"})
	say("ann", "second", object{"body": "Do you know @ben, @cid and @dan?"})
	gone := whisper(cid, postDocument, object{"body": "marker four", "replyToId": w.said["first"]})
	whisper(cid, deleteDocument, object{"messageId": gone})
	if aloud {
		whisper(w.token(t, "ann", "ann-marker"), postDocument, object{"body": "marker five"})
		whisper(w.token(t, "ben", "ben-marker"), unreactDocument, object{"messageId": whisper(ben, reactDocument, object{"messageId": root, "emoji": "🐙"}), "emoji": "🐙"})
		for _, upTo := range []string{root, gone, w.said["second"]} {
			succeed(t, w.s, w.token(t, "dan"), readDocument, object{"channelId": w.channel, "upToMessageId": upTo})
		}
	}
	say("gus", "third", object{"body": "Who are @ben, @cid, @dan, @ann-marker and @ben-marker?"})
	do(w.token(t, "hal"), reactDocument, object{"messageId": w.said["first"], "emoji": "👍"})
	do(ann, reactDocument, object{"messageId": w.said["first"], "emoji": "👍"})
	do(w.token(t, "gus"), editDocument, object{"messageId": w.said["third"], "body": "Who are @ben, @cid, @dan, @ann-marker?"})
	say("ann", "deleted", object{"body": "a slip"})
	whisper(ann, postDocument, object{"body": "marker six", "replyToId": w.said["deleted"]})
	do(ann, deleteDocument, object{"messageId": w.said["deleted"]})
	succeed(t, w.s, w.token(t, "hal"), readDocument, object{"channelId": w.channel, "upToMessageId": w.said["reply"]})
	whisper(ben, postDocument, object{"body": "marker seven"})
	say("ann", "last", object{"body": "Goodbye"})
	whisper(ben, postDocument, object{"body": "marker eight"})
}

// private are ids in the whisperers' own log, whether there is such a message or not.
func (w *twin) private(t *testing.T, number int64) string {
	t.Helper()
	id, err := ids.Parse(w.channel)
	if err != nil {
		t.Fatal(err)
	}
	return ids.Message{Channel: id.Channel, Owner: w.groups[w.whisperers], Number: number}.String()
}
