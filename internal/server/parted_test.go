package server_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/check"
	"linkspan/internal/ids"
	"linkspan/internal/server"
	"linkspan/internal/server/servertest"
)

// step has a step change a channel's shard, and returns what is to be told of it. It is none of main's, so that a test may say when it comes.
func (s *place) step(t testing.TB, id ids.Channel, plan func(tx channel.ShardTx)) []channel.Appended {
	t.Helper()
	appended, err := s.Store.Apply(t.Context(), channel.Step{
		Stream: channel.Stream{Subject: ids.NewGroup().Bytes(), Destination: channel.Destination{Channel: id}}, Number: 1, Op: ids.NewOp(),
	}, plan)
	if err != nil || len(appended) == 0 {
		t.Fatalf("%d events, %v", len(appended), err)
	}
	return appended
}

// tell tells of what was appended, as the outbox does.
func (s *place) tell(appended []channel.Appended) {
	for _, a := range appended {
		s.Service.Hints.Publish(a)
	}
}

// side is a group's side of a channel as the group sees it.
func (s *place) side(t testing.TB, id ids.Channel, group ids.Group) *channel.ChannelSide {
	t.Helper()
	found, unread := s.Store.Channels(t.Context(), channel.Reader{User: ids.User{Group: group}}, []ids.Channel{id})
	if found[id] == nil {
		t.Fatalf("no side: %v", unread[id])
	}
	return found[id].Own
}

// part ends a group's part in a channel.
func (s *place) part(t testing.TB, id, group string, by *channel.User) {
	t.Helper()
	s.tell(s.partSilently(t, id, group, by))
}

// partSilently is part as another process does it whose hint is lost.
func (s *place) partSilently(t testing.TB, id, group string, by *channel.User) []channel.Appended {
	t.Helper()
	of, in, now := s.group(group), parsed(t, id).Channel, time.Now()
	side := s.side(t, in, of.ID)
	return s.step(t, in, func(tx channel.ShardTx) {
		tx.UnlinkSide(of, channel.Link{
			Channel: in, Group: of.ID, State: channel.LinkLeft, Version: side.Version + 1, LinkedAt: side.LinkedAt, UnlinkedAt: &now,
		}, by)
	})
}

// comeBack has a group take part again.
func (s *place) comeBack(t testing.TB, id, group, sub string) {
	t.Helper()
	of, in, now := s.group(group), parsed(t, id).Channel, time.Now()
	side := s.side(t, in, of.ID)
	by := channel.User{ID: ids.UserOf(of.ID, sub), Group: of, Name: sub}
	s.tell(s.step(t, in, func(tx channel.ShardTx) {
		tx.LinkSide(&channel.Invitation{ChannelID: in, ToGroup: of, Resolver: &by}, channel.Link{
			Channel: in, Group: of.ID, State: channel.LinkLinked, Version: side.Version + 1, Name: "again", LinkedAt: &now,
		})
	}))
}

// TestParted has a group part from a channel in which others go on, in all ways that there are, and compares all that its users can get
// with a twin where the others do nothing.
func TestParted(t *testing.T) {
	shapes(t, servertest.Options{}, func(t *testing.T, s *place) {
		stays, parts := "acme", "globex"
		if len(s.Config.Shards) == 1 { // each side in its turn
			stays, parts = parts, stays
		}
		busy, still := newTwin(t, s, stays, parts), newTwin(t, s, stays, parts)
		for _, w := range []*twin{busy, still} {
			w.play(t, false)
			w.s.part(t, w.channel, parts, &channel.User{ID: ids.UserOf(w.groups[stays], "ann"), Group: w.s.group(stays), Name: "ann"})
			w.parted = true
		}
		known := busy.all(t, "gus")
		busy.goOn(t)
		if now := busy.all(t, "gus"); now != known {
			t.Errorf("what the group knew is not as it was: %s", difference(now, known))
		}
		busy.compareParted(t, still)
		busy.refused(t)
		busy.takeBack(t)
		busy.again(t)
		busy.sound(t)
	})
}

// all is what a user reads of the messages for everyone, as JSON.
func (w *twin) all(t *testing.T, user string) string {
	t.Helper()
	return w.comparable(t, w.s.For(t).Post(w.token(t, user), messagesDocument, object{"id": w.channel, "first": 100}).Body)
}

// do has a user of the side that stays do something, and returns the message that it is about.
func (w *twin) do(t *testing.T, token, document string, input object) string {
	t.Helper()
	if document == postDocument {
		input = with(input, object{"channelId": w.channel})
	}
	return servertest.Get[string](t, succeed(t, w.s, token, document, input), "message", "id")
}

// goOn has the side that stays do all that can be done without taking back what the other side knew.
func (w *twin) goOn(t *testing.T) {
	t.Helper()
	ann, ben, cid, dan := w.token(t, "ann"), w.token(t, "ben"), w.token(t, "cid"), w.token(t, "dan")
	w.do(t, dan, postDocument, object{"body": "zebra: here I am, @ann"})
	for _, said := range []string{"first", "second", "last"} {
		w.do(t, ann, editDocument, object{"messageId": w.said[said], "body": "Good evening @dan, zebra of " + said})
		w.do(t, ben, reactDocument, object{"messageId": w.said[said], "emoji": "👍"})
		w.do(t, cid, reactDocument, object{"messageId": w.said[said], "emoji": "🦊"})
		w.do(t, ben, postDocument, object{"body": "zebra: a reply", "replyToId": w.said[said]})
	}
	w.do(t, ann, editDocument, object{"messageId": w.said["second"], "body": "Twice edited, zebra"})
	w.do(t, cid, unreactDocument, object{"messageId": w.said["last"], "emoji": "🦊"})
	w.do(t, ben, reactDocument, object{"messageId": w.said["reply"], "emoji": "🐙"})
	later := w.do(t, ann, postDocument, object{"body": "zebra: said later"})
	w.do(t, ann, deleteDocument, object{"messageId": later})
	w.do(t, ben, postDocument, object{"body": "zebra among us", "replyToId": w.said["first"], "audience": "OWN_GROUP"})
	w.do(t, w.token(t, "ann", "ann-zebra"), postDocument, object{"body": "zebra: under another name"})
	w.do(t, w.token(t, "ann", "ann-zebra-again"), editDocument, object{"messageId": w.said["first"], "body": "zebra: under a third name"})
	succeed(t, w.s, dan, readDocument, object{"channelId": w.channel, "upToMessageId": w.said["last"]})
	open(t, w.s).exec(`UPDATE linkspan_shard.channel SET topic = 'zebra: another topic', initiator_name = 'zebra' WHERE channel_id = $1`,
		parsed(t, w.channel).Channel.UUID())
	for range 14 { // the public log goes beyond all places that are asked for
		w.do(t, w.token(t, "ann", "ann-zebra-again"), postDocument, object{"body": "zebra: on and on"})
	}
}

// compareParted has the users of the side that parted, and a third group, ask everything of both twins.
func (w *twin) compareParted(t *testing.T, still *twin) {
	t.Helper()
	for _, user := range []string{"gus", "hal", "ivy"} {
		heard, unspoilt := w.observeParted(t, user), still.observeParted(t, user)
		if len(heard.asked) < 120 || len(heard.asked) != len(unspoilt.asked) {
			t.Fatalf("%s asked %d and %d things", user, len(heard.asked), len(unspoilt.asked))
		}
		for _, asked := range append(slices.Clone(heard.asked), unspoilt.asked...) {
			if heard.compared[asked] != unspoilt.compared[asked] {
				t.Errorf("%s sees that the others go on: %s\n%s", user, asked, difference(heard.compared[asked], unspoilt.compared[asked]))
			}
			if strings.Contains(heard.answered[asked], "zebra") && !strings.Contains(asked, "zebra") {
				t.Errorf("%s gets what was said later: %s\n%s", user, asked, short(heard.answered[asked]))
			}
		}
	}
}

// observeParted is observe with more searches, and what only a side that parted is refused.
func (w *twin) observeParted(t *testing.T, user string) *observation {
	t.Helper()
	o := w.observe(t, user)
	token := w.token(t, user)
	keep := func(asked, answer string) {
		o.asked = append(o.asked, asked)
		o.answered[asked], o.compared[asked] = answer, w.comparable(t, answer)
	}
	for _, text := range []string{"morning", "zebra", "evening", "know or goodbye", "-morning", "edited", "slip", "own"} {
		for _, order := range []string{"NEWEST", "RANK"} {
			for _, way := range []string{"first: 2", "last: 2", "first: 100"} {
				document := `query($id: ID!, $text: String!) { node(id: $id) { ... on SharedChannel { search(text: $text, order: ` + order + `, ` + way + `) {
					edges { cursor node { ...Msg } } pageInfo { hasNextPage hasPreviousPage } logCursor } } } } ` + msgFields
				keep("search "+text+" "+order+" "+way, w.s.For(t).Post(token, document, object{"id": w.channel, "text": text}).Body)
			}
		}
	}
	for _, said := range sorted(w.said) {
		id := w.said[said]
		for what, ask := range map[string]struct {
			document string
			input    object
		}{
			"edit":     {editDocument, object{"messageId": id, "body": "psst"}},
			"delete":   {deleteDocument, object{"messageId": id}},
			"react":    {reactDocument, object{"messageId": id, "emoji": "👍"}},
			"unreact":  {unreactDocument, object{"messageId": id, "emoji": "👍"}},
			"reply to": {postDocument, object{"channelId": w.channel, "body": "psst @ann", "replyToId": id}},
			"read":     {readDocument, object{"channelId": w.channel, "upToMessageId": id}},
		} {
			keep(what+" "+said, w.s.For(t).Post(token, ask.document, object{"input": ask.input}).Body)
		}
	}
	return o
}

// refused looks at how the channel stands for a side that parted, and that it can't write there, whatever it names.
func (w *twin) refused(t *testing.T) {
	t.Helper()
	gus := w.token(t, "gus")
	data := w.s.For(t).Must(gus, `query($id: ID!) { node(id: $id) { ... on SharedChannel { state unreadCount initiator { name }
		viewerSide { group { handle } } sides { group { handle } } } } }`, object{"id": w.channel})
	c := servertest.Get[object](t, data, "node")
	sides := servertest.Get[[]any](t, c, "sides")
	if c["state"] != "DISCONNECTED" || c["unreadCount"] != float64(0) || len(sides) != 1 ||
		servertest.Get[string](t, sides[0], "group", "handle") != w.observers+w.s.suffix {
		t.Errorf("the channel is %v", c)
	}
	for _, id := range []string{w.said["own"], w.said["first"], w.private(t, 1), ids.Message{Channel: parsed(t, w.channel).Channel, Number: 1_000_000}.String()} {
		for document, input := range map[string]object{
			editDocument: {"messageId": id, "body": "psst"}, deleteDocument: {"messageId": id},
			reactDocument: {"messageId": id, "emoji": "👍"}, unreactDocument: {"messageId": id, "emoji": "👍"},
		} {
			if got := refusal(t, mutate(t, w.s, gus, document, input)); got != "CHANNEL_NOT_ACTIVE input.messageId" {
				t.Errorf("of %s: %s", id, got)
			}
		}
		for document, input := range map[string]object{
			readDocument: {"channelId": w.channel, "upToMessageId": id}, postDocument: {"channelId": w.channel, "body": "psst", "replyToId": id},
		} {
			if got := refusal(t, mutate(t, w.s, gus, document, input)); got != "CHANNEL_NOT_ACTIVE input.channelId" {
				t.Errorf("of %s: %s", id, got)
			}
		}
	}
}

// message is a message as a user sees it.
func (w *twin) message(t *testing.T, user, id string) object {
	t.Helper()
	data := w.s.For(t).Must(w.token(t, user), `query($id: ID!) { node(id: $id) { ... on Message { ...Msg deletedBy { ... on User { name } } history { body } } } } `+msgFields, object{"id": id})
	return servertest.Get[object](t, data, "node")
}

// takeBack has the side that stays take back what the side that parted knew: that shows.
func (w *twin) takeBack(t *testing.T) {
	t.Helper()
	ann := w.token(t, "ann", "ann-zebra-again")
	counts := func() (counts []float64) {
		for _, reaction := range servertest.Get[[]any](t, w.message(t, "gus", w.said["first"]), "reactions") {
			counts = append(counts, reaction.(object)["count"].(float64))
		}
		return counts
	}
	if got := counts(); !slices.Equal(got, []float64{2}) { // hal's and ann's
		t.Fatalf("the reactions are %v", got)
	}
	w.do(t, ann, unreactDocument, object{"messageId": w.said["first"], "emoji": "👍"})
	w.do(t, ann, reactDocument, object{"messageId": w.said["first"], "emoji": "👍"})
	if got := counts(); !slices.Equal(got, []float64{1}) {
		t.Errorf("one was taken back, and added again: %v", got)
	}
	w.do(t, ann, deleteDocument, object{"messageId": w.said["first"]})
	first := w.message(t, "gus", w.said["first"])
	if first["state"] != "DELETED" || first["body"] != nil || len(first["history"].([]any)) > 0 || len(first["reactions"].([]any)) > 0 ||
		len(first["mentions"].([]any)) > 0 || first["deletedAt"] == nil || first["editedAt"] != nil ||
		servertest.Get[string](t, first, "deletedBy", "name") != "ann" {
		t.Errorf("deleted, and %v", first)
	}
	claims := server.Claims{Group: w.whisperers + w.s.suffix, Role: "admin", Name: "eve"}
	claims.Subject = "eve"
	w.do(t, servertest.Sign(t, claims), deleteDocument, object{"messageId": w.said["second"]})
	if second := w.message(t, "gus", w.said["second"]); second["state"] != "DELETED" || second["deletedBy"] != nil {
		t.Errorf("deleted by who came later: %v", second)
	}
	for _, text := range []string{"morning", "know"} {
		data := w.s.For(t).Must(w.token(t, "gus"), `query($id: ID!, $text: String!) { node(id: $id) { ... on SharedChannel { search(text: $text) { nodes { id } } } } }`,
			object{"id": w.channel, "text": text})
		if found := servertest.Get[[]any](t, data, "node", "search", "nodes"); text == "know" && len(found) > 0 || text == "morning" && len(found) != 1 {
			t.Errorf("%q finds %v", text, found)
		}
	}
}

// again has the group take part again: all that came meanwhile is there, behind the cursors of before.
func (w *twin) again(t *testing.T) {
	t.Helper()
	data := w.s.For(t).Must(w.token(t, "gus"), messagesDocument, object{"id": w.channel})
	ended := servertest.Get[string](t, data, "node", "messages", "logCursor")
	w.s.comeBack(t, w.channel, w.observers, "gus")
	ann, gus := w.all(t, "ann"), w.all(t, "gus")
	for _, said := range []string{"zebra of last", "zebra: on and on"} {
		if !strings.Contains(gus, said) || !strings.Contains(ann, said) {
			t.Errorf("it takes part again, and %q is not to be seen", said)
		}
	}
	k := dial(t, w.s, bearing{payload: w.token(t, "gus")})
	id, first, events := k.subscribe(channelEventsDocument, object{"channelId": w.channel, "after": ended}), "", 0
	for {
		event := k.event(id)
		if event["__typename"] == "ChannelCheckpoint" {
			break
		}
		if events++; events == 1 {
			first = event["__typename"].(string)
		}
	}
	if first != "MessagePosted" || events < 30 {
		t.Errorf("behind the end come %d events, the first is a %s", events, first)
	}
	w.do(t, w.token(t, "gus"), postDocument, object{"body": "back again"})
}

// sound runs the check: nothing is wrong but that main knows of no parting.
func (w *twin) sound(t *testing.T) {
	t.Helper()
	report, err := check.Run(t.Context(), w.s.Router, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range report.Breaches {
		if !slices.Contains([]string{"channel-side", "channel-shard", "step-reached"}, b.Invariant) {
			t.Errorf("%+v", b)
		}
	}
}
