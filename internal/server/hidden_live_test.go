package server_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
)

const halOf = "hal@globex member"

// kept is a channel that globex may keep to some of its members.
type kept struct {
	*talk
	t *testing.T
}

func newKept(t *testing.T, s *place) *kept {
	t.Helper()
	k := &kept{newTalk(t, s, "launch"), t}
	for _, who := range []string{huaAsMember, halOf} {
		k.say(who, "I am known now")
	}
	return k
}

// keep has globex keep the channel to members, or show it to everyone.
func (k *kept) keep(visibility string) { hides(k.t, k.s, k.s.as(gilOf), k.id, visibility) }

func (k *kept) change(document, sub string) {
	k.t.Helper()
	succeed(k.t, k.s, k.s.as(gilOf), document, object{"channelId": k.id, "userId": k.user(sub).String()})
}

func (k *kept) user(sub string) ids.User { return ids.UserOf(k.s.group("globex").ID, sub) }

// keptDocument asks for nothing that depends on one user: who asks it shares with others.
const keptDocument = `subscription Kept($id: ID!) { channelEvents(channelId: $id) { __typename cursor
	... on MessagePosted { message { id body replies { nodes { id } } } }
	... on ChannelChanged { group { handle } sharedChannel { id name messages(last: 1) { nodes { body } } viewerSide { visibility members { nodes { id } } } } } } }`

// follows subscribes as somebody; next is the kind of the next event, or that the server completed it.
func (k *kept) follows(who string) (next func() string) {
	k.t.Helper()
	socket := dial(k.t, k.s, bearing{payload: k.s.as(who)})
	id := socket.subscribe(keptDocument, object{"id": k.id})
	return func() string {
		k.t.Helper()
		answer, done := socket.answer(id)
		if done {
			return "complete"
		}
		if len(answer.Errors) > 0 {
			return answer.Body
		}
		return kindOf(answer)
	}
}

// expect fails the test unless somebody gets these next.
func (k *kept) expect(who string, next func() string, want ...string) {
	k.t.Helper()
	for _, want := range want {
		if got := next(); got != want {
			k.t.Errorf("%s gets %s, want %s", who, got, want)
		}
	}
}

// TestSightEnds has users of one audience lose a channel while they listen: their subscriptions are completed without another event, those of
// the rest go on, and the other group hears no more than that a side changed.
func TestSightEnds(t *testing.T) {
	shapes(t, servertest.Options{}, func(t *testing.T, s *place) {
		k := newKept(t, s)
		k.change(addMemberDocument, "hal")
		hua, hal, gil, ana := k.follows(huaAsMember), k.follows(halOf), k.follows(gilOf), k.follows(anaOf)
		for who, next := range map[string]func() string{"Hua": hua, "Hal": hal, "Gil": gil, "Ana": ana} {
			k.expect(who, next, "ChannelCheckpoint")
		}
		k.say(anaOf, "to all")
		for who, next := range map[string]func() string{"Hua": hua, "Hal": hal, "Gil": gil, "Ana": ana} {
			k.expect(who, next, "MessagePosted")
		}
		k.keep("MEMBERS")
		k.say(anaOf, "to some")
		k.expect("Hua", hua, "complete")
		const changed, twice = "ChannelChanged", 2 // who sees it, and that the side changed
		for who, next := range map[string]func() string{"Hal": hal, "Gil": gil} {
			for range twice {
				k.expect(who, next, changed)
			}
			k.expect(who, next, "MessagePosted")
		}
		k.expect("Ana", ana, changed, "MessagePosted")

		k.change(addMemberDocument, "hua")
		hua = k.follows(huaAsMember)
		k.expect("Hua, who comes back,", hua, "ChannelCheckpoint")
		cursor := servertest.Get[string](t, s.For(t).Must(s.as(huaAsMember), messagesDocument, object{"id": k.id}), "node", "messages", "logCursor")
		k.say(halOf, "among us")
		k.expect("Hua, who comes back,", hua, "MessagePosted")
		k.change(removeMemberDocument, "hua")
		k.say(anaOf, "to some")
		k.expect("Hua, who is removed,", hua, "complete")
		for who, next := range map[string]func() string{"Hal": hal, "Gil": gil} {
			k.expect(who, next, changed, "MessagePosted", changed, "MessagePosted")
		}
		k.expect("Ana", ana, "MessagePosted", "MessagePosted") // nothing of who came and went
		for _, from := range []any{nil, cursor} {
			socket := dial(t, s, bearing{payload: s.as(huaAsMember)})
			answer, _ := socket.answer(socket.subscribe(sharedEventsDocument, object{"id": k.id, "from": from}))
			if !strings.Contains(answer.Body, `"NOT_FOUND"`) {
				t.Errorf("Hua subscribes again from %v and gets %s", from, answer.Body)
			}
		}
	})
}

// TestSightEndsInACrowd does so in an audience that is large enough to have events handed to it: who was not listed is completed, and who was gets
// everything.
func TestSightEndsInACrowd(t *testing.T) {
	t.Parallel()
	a := newAudienceTest(t)
	k := &kept{a.talk, t}
	const crowd = 70
	subs, listed := make([]string, crowd), make([]bool, crowd)
	next := make([]func() string, crowd)
	for i := range crowd {
		subs[i] = fmt.Sprintf("u%d", i)
		if listed[i] = i%2 == 1; listed[i] {
			k.say(subs[i]+"@globex member", "I am known now")
			k.change(addMemberDocument, subs[i])
		}
	}
	for i := range crowd {
		next[i] = k.follows(subs[i] + "@globex member")
		k.expect(subs[i], next[i], "ChannelCheckpoint")
	}
	all := func(want ...string) {
		t.Helper()
		for i := range crowd {
			k.expect(subs[i], next[i], want...)
		}
	}
	for range 12 { // long enough for somebody to lead them
		k.say(anaOf, "to all")
		all("MessagePosted")
	}
	k.keep("MEMBERS")
	k.say(anaOf, "to some")
	for i := range crowd {
		if listed[i] {
			k.expect(subs[i], next[i], "ChannelChanged", "ChannelChanged", "MessagePosted")
		} else {
			k.expect(subs[i], next[i], "complete")
		}
	}
	k.change(removeMemberDocument, "u1")
	k.say(anaOf, "to some more")
	for i := range crowd {
		switch {
		case i == 1:
			k.expect(subs[i], next[i], "complete")
		case listed[i]:
			k.expect(subs[i], next[i], "ChannelChanged", "MessagePosted")
		}
	}
	k.keep("EVERYONE")
	k.say(anaOf, "to all")
	for i := range crowd {
		if listed[i] && i != 1 {
			k.expect(subs[i], next[i], "ChannelChanged", "ChannelChanged", "MessagePosted")
		}
	}
}

// TestSightEndsAtAnotherProcess has another process take the channel from users, of which this one hears nothing while it goes on posting: what it posts
// reaches nobody of them, neither from memory nor by a read, and all of those who are listed.
func TestSightEndsAtAnotherProcess(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{}), "")
	k := newKept(t, s)
	k.change(addMemberDocument, "hal")
	hua, hal := k.follows(huaAsMember), k.follows(halOf)
	k.expect("Hua", hua, "ChannelCheckpoint")
	k.expect("Hal", hal, "ChannelCheckpoint")
	silently := func(only bool, move channel.MemberMove) {
		t.Helper()
		in, of := parsed(t, k.id).Channel, s.group("globex")
		gil := channel.User{ID: k.user("gil"), Group: of, Name: "Gil"}
		s.step(t, in, func(tx channel.ShardTx) {
			tx.ChangeMembers(channel.Effect{
				Group: &of, Link: &channel.Link{Channel: in, Group: of.ID}, By: &gil, Members: &channel.MembersEffect{Only: only, MemberMove: move},
			})
		})
	}
	silently(true, channel.MemberMove{})
	k.say(anaOf, "behind")
	k.expect("Hua", hua, "complete")
	k.expect("Hal", hal, "ChannelChanged", "MessagePosted")
	silently(true, channel.MemberMove{Removed: k.user("hal")})
	k.say(anaOf, "behind that")
	k.expect("Hal", hal, "complete")
}

// TestSightWhateverIsWritten has who is listed follow a channel by documents that say the same in other words.
func TestSightWhateverIsWritten(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{}), "")
	k := newKept(t, s)
	k.change(addMemberDocument, "hal")
	k.keep("MEMBERS")
	for _, document := range []string{
		`subscription ($id: ID!) { ...Root } fragment Root on Subscription { channelEvents(channelId: $id) { __typename cursor } }`,
		`subscription ($id: ID!) { ... on Subscription { ... { channelEvents(channelId: $id) { __typename cursor } } } }`,
		`subscription ($id: ID!) { channelEvents(channelId: $id) { __typename } channelEvents(channelId: $id) { cursor } }`,
		`subscription ($id: ID!) { channelEvents(channelId: $id) { __typename } ...More } fragment More on Subscription { channelEvents(channelId: $id) { cursor } }`,
	} {
		for who, want := range map[string]string{halOf: `"ChannelCheckpoint"`, huaAsMember: `"NOT_FOUND"`} {
			socket := dial(t, s, bearing{payload: s.as(who)})
			if answer, _ := socket.answer(socket.subscribe(document, object{"id": k.id})); !strings.Contains(answer.Body, want) {
				t.Errorf("%s gets %s by %s", who, answer.Body, document)
			}
		}
	}
}

// TestActivityOfHiddenChannels tells nobody that something happens in a channel that is kept from it.
func TestActivityOfHiddenChannels(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{}), "")
	k := newKept(t, s)
	other := newTalk(t, s, "landing")
	k.change(addMemberDocument, "hal")
	k.keep("MEMBERS")
	hua, hal := newDevice(t, s, huaAsMember), newDevice(t, s, halOf)
	k.say(anaOf, "to some")
	other.say(anaOf, "to all")
	if moved, _ := hua.next(); moved != other.id {
		t.Errorf("Hua is told of %s, want %s", moved, other.id)
	}
	if moved, _ := hal.next(); moved != k.id {
		t.Errorf("Hal is told of %s, want %s", moved, k.id)
	}
	k.change(addMemberDocument, "hua")
	if moved, _ := hua.next(); moved != k.id {
		t.Errorf("Hua, who is listed now, is told of %s, want %s", moved, k.id)
	}
}

// TestInboxesOfHiddenChannels has users of one group ask the same of its inbox: the channel is there for those who see it, and null for the others,
// whoever of them is first.
func TestInboxesOfHiddenChannels(t *testing.T) {
	shapes(t, servertest.Options{}, func(t *testing.T, s *place) {
		begin := start(t, s, s.as(gilOf))
		k := newKept(t, s)
		k.change(addMemberDocument, "hal")
		k.keep("MEMBERS")
		const document = `subscription($after: LogCursor) { inbox(after: $after) { __typename
			... on SharedChannelLinked { sharedChannel { id } invitation { sharedChannel { id } } } } }`
		linked := func(who string) string {
			socket := dial(t, s, bearing{payload: s.as(who)})
			id := socket.subscribe(document, object{"after": begin})
			for {
				answer, done := socket.answer(id)
				if done || len(answer.Errors) > 0 {
					t.Fatalf("%s gets %s", who, answer.Body)
				}
				if kindOf(answer) == "SharedChannelLinked" {
					return answer.Body
				}
			}
		}
		for range 2 {
			for who, sees := range map[string]bool{halOf: true, huaAsMember: false, gilOf: true, "hua@globex": true} {
				got := linked(who)
				if want := 2; !sees && strings.Contains(got, k.id) || sees && strings.Count(got, k.id) != want {
					t.Errorf("%s sees it: %v; it gets %s", who, sees, got)
				}
			}
		}
	})
}

// TestSightIsLostAtOnce has a user post and subscribe while it is being removed: once that is answered, nothing that it does comes through, and it gets
// nothing that is said then.
func TestSightIsLostAtOnce(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{}), "")
	k := newKept(t, s)
	k.change(addMemberDocument, "hal")
	k.keep("MEMBERS")
	for round := range 15 {
		k.change(addMemberDocument, "hua")
		socket := dial(t, s, bearing{payload: s.as(huaAsMember)})
		var racing sync.WaitGroup
		for n := range 4 {
			racing.Go(func() {
				payload := mutate(t, s, s.as(huaAsMember), postDocument, object{"channelId": k.id, "body": fmt.Sprint("post ", n)})
				if refused := refusal(t, payload); refused != "" && refused != "CHANNEL_NOT_FOUND input.channelId" {
					t.Errorf("a post is %s", refused)
				}
			})
		}
		id := ""
		racing.Go(func() { id = socket.subscribe(sharedEventsDocument, object{"id": k.id}) })
		racing.Go(func() { k.change(removeMemberDocument, "hua") })
		racing.Wait()
		secret := fmt.Sprint("said behind removal ", round)
		k.say(anaOf, secret)
		if refused := refusal(t, mutate(t, s, s.as(huaAsMember), postDocument, object{"channelId": k.id, "body": "x"})); refused != "CHANNEL_NOT_FOUND input.channelId" {
			t.Errorf("behind its removal Hua's post is %q", refused)
		}
		for {
			answer, done := socket.answer(id)
			if strings.Contains(answer.Body, secret) {
				t.Errorf("Hua gets what was said behind its removal: %s", answer.Body)
			}
			if done || len(answer.Errors) > 0 {
				break
			}
		}
	}
}
