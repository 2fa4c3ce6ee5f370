package server_test

import (
	"strings"
	"testing"

	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
)

const activityDocument = `subscription { channelActivity { sharedChannel { id unreadCount } } }`

// device follows what moves in the channels of its user's group.
type device struct {
	*socket
	id string
}

func newDevice(t testing.TB, s *place, who string) *device {
	t.Helper()
	known(t, s, who)
	open := s.Hub.Stat().Subscriptions
	k := dial(t, s, bearing{payload: s.as(who)})
	d := &device{k, k.subscribe(activityDocument, nil)}
	servertest.Eventually(t, "the subscription is open", func() bool { return s.Hub.Stat().Subscriptions == open+1 })
	return d
}

// known has the hub know where the channels of a user's group stand, and what the user has read, until the test ends: a hint of what
// was said before tells the user's subscriptions nothing then, however late it comes.
func known(t testing.TB, s *place, who string) {
	t.Helper()
	address, _, _ := strings.Cut(who, " ")
	user, group, _ := strings.Cut(address, "@")
	watching, err := s.Hub.Watch(t.Context(), ids.UserOf(s.group(group).ID, user))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(watching.Close)
}

// TestActivityOfOneUser has what a user reads on another device told to that user alone, though nothing that is asked for
// depends on the user.
func TestActivityOfOneUser(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{}), "")
	first, second := newTalk(t, s, "launch"), newTalk(t, s, "landing")
	last := first.say("ben@acme member", "hello")
	follow := func(who string) func() string {
		known(t, s, who)
		open := s.Hub.Stat().Subscriptions
		k := dial(t, s, bearing{payload: s.as(who)})
		id := k.subscribe(`subscription { channelActivity { sharedChannel { id } } }`, nil)
		servertest.Eventually(t, "the subscription is open", func() bool { return s.Hub.Stat().Subscriptions == open+1 })
		return func() string { return servertest.Get[string](t, k.event(id), "sharedChannel", "id") }
	}
	gil, hua := follow("gil@globex"), follow("hua@globex")
	succeed(t, s, s.as("gil@globex"), readDocument, object{"channelId": first.id, "upToMessageId": last})
	if moved := gil(); moved != first.id {
		t.Errorf("who reads on another device is told of %s", moved)
	}
	second.say("ben@acme member", "hello")
	if moved := gil(); moved != second.id {
		t.Errorf("then of %s", moved)
	}
	if moved := hua(); moved != second.id {
		t.Errorf("who did not read is told of %s", moved)
	}
}

// next returns the channel that moved, and what is unread there.
func (d *device) next() (channel string, unread int) {
	d.t.Helper()
	event := d.event(d.id)
	count := servertest.Get[float64](d.t, event, "sharedChannel", "unreadCount")
	return servertest.Get[string](d.t, event, "sharedChannel", "id"), int(count)
}

// shows waits until the device was told that a channel has that many unread messages.
func (d *device) shows(channel string, unread int) {
	d.t.Helper()
	for {
		if id, n := d.next(); id == channel && n == unread {
			return
		}
	}
}

// told fails the test unless the next that moves is that channel with that many unread messages.
func (d *device) told(channel string, unread int) {
	d.t.Helper()
	if id, n := d.next(); id != channel || n != unread {
		d.t.Fatalf("%s moved with %d unread, want %s with %d", id, n, channel, unread)
	}
}

// TestChannelActivity keeps the unread counts of several devices right.
func TestChannelActivity(t *testing.T) {
	shapes(t, servertest.Options{}, func(t *testing.T, s *place) {
		k := newTalk(t, s, "launch")
		phone, desk := newDevice(t, s, "gil@globex"), newDevice(t, s, "gil@globex")
		hua, ana := newDevice(t, s, "hua@globex member"), newDevice(t, s, "ana@acme")

		var last string
		for range 3 {
			last = k.say("ben@acme member", "hello")
		}
		for _, d := range []*device{phone, desk, hua, ana} {
			d.shows(k.id, 3)
		}

		quiet, calm := newDevice(t, s, "gil@globex"), newDevice(t, s, "hua@globex member") // who are told of one thing at a time
		k.whisper("ben@acme member", "among us")                                           // which globex must not notice
		ana.shows(k.id, 4)
		k.whisper("hua@globex member", "among us")
		quiet.told(k.id, 4)
		calm.told(k.id, 3) // one's own is never unread
		succeed(t, s, s.as("gil@globex"), readDocument, object{"channelId": k.id, "upToMessageId": last})
		quiet.told(k.id, 1)
		succeed(t, s, s.as("gil@globex"), readDocument, object{"channelId": k.id, "upToMessageId": last}) // no further
		gone := k.say("ben@acme member", "again")
		quiet.told(k.id, 2)
		calm.told(k.id, 4) // and not of what another has read
		succeed(t, s, s.as("ben@acme member"), deleteDocument, object{"messageId": gone})
		quiet.told(k.id, 1)
		calm.told(k.id, 3)
		for d, unread := range map[*device]int{phone: 1, desk: 1, hua: 3, ana: 4} {
			d.shows(k.id, unread)
		}

		second := newTalk(t, s, "linked while they watch")
		for _, d := range []*device{phone, desk, hua, ana} {
			d.shows(second.id, 0)
		}
		second.say("gil@globex", "hello there")
		phone.shows(second.id, 0)
		hua.shows(second.id, 1)
		ana.shows(second.id, 1)

		operator := dial(t, s, bearing{payload: s.as("operator")})
		answer, _ := operator.answer(operator.subscribe(activityDocument, nil))
		if len(answer.Errors) != 1 || answer.Errors[0].Code() != "FORBIDDEN" {
			t.Errorf("an operator gets %s", answer.Body)
		}
		open := s.Hub.Stat().Subscriptions
		phone.complete(phone.id)
		servertest.Eventually(t, "the subscription is closed", func() bool { return s.Hub.Stat().Subscriptions == open-1 })
	})
}
