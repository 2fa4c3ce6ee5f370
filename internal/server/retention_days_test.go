package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"linkspan/internal/check"
	"linkspan/internal/server/servertest"
)

const keepsDocument = `mutation($input: UpdateChannelSideInput!) { it: updateChannelSide(input: $input) {
	sharedChannel { viewerSide { retentionDays } } errors { code message path } } }`

// keeps has somebody say for how long its group's messages are kept, and returns what came of it in short.
func (k *talk) keeps(who string, changes object) string {
	k.t.Helper()
	read := k.s.For(k.t).Must(k.s.as(who), `query($id: ID!) { node(id: $id) { ... on SharedChannel { viewerSide { version } } } }`, object{"id": k.id})
	input := with(object{"channelId": k.id, "expectedVersion": servertest.Get[float64](k.t, read, "node", "viewerSide", "version")}, changes)
	payload := mutate(k.t, k.s, k.s.as(who), keepsDocument, input)
	if refused := refusal(k.t, payload); refused != "" {
		return refused
	}
	return fmt.Sprint(servertest.Get[object](k.t, payload, "sharedChannel", "viewerSide")["retentionDays"])
}

// days lets so many days and a bit go by for all that was said in the channel, and then has what is old deleted.
func (k *talk) days(n int) (deleted int) {
	k.t.Helper()
	d, id := open(k.t, k.s), parsed(k.t, k.id).Channel.UUID()
	for table, columns := range map[string][]string{
		"message": {"created_at"}, "channel_event": {"at"}, "private_event": {"at"}, "channel_side": {"retention_due_at"},
	} {
		for _, column := range columns {
			d.exec(fmt.Sprintf(`UPDATE linkspan_shard.%s SET %s = %s - $2 * interval '24 hours' - interval '1 minute' WHERE channel_id = $1%s`,
				table, column, column, map[bool]string{true: " AND kind = 'MESSAGE_POSTED'"}[column == "at"]), id, n)
		}
	}
	for _, cluster := range k.s.Store.ShardClusters() {
		went, err := k.s.Service.DeleteOutdated(k.t.Context(), cluster)
		if err != nil {
			k.t.Fatal(err)
		}
		deleted += went
	}
	return deleted
}

// TestRetentionDays has a group say for how long its messages are kept, and what is older go, for all to whom it was said.
func TestRetentionDays(t *testing.T) {
	shapes(t, servertest.Options{NoSweep: true}, func(t *testing.T, s *place) {
		for name, test := range map[string]func(k *talk){"what is said": saysDays, "what goes": oldGoes, "who has left": oldGoesOfWhoLeft} {
			t.Run(name, func(t *testing.T) {
				k := newTalk(t, s.apart(t), "launch")
				test(k)
				report, err := check.Run(t.Context(), k.s.Router, nil)
				if err != nil || !report.OK() {
					t.Errorf("%v, %v", report, err)
				}
			})
		}
	})
}

func saysDays(k *talk) {
	for _, step := range []struct {
		who     string
		changes object
		want    string
	}{
		{gilOf, object{}, "<nil>"},
		{gilOf, object{"retentionDays": 30}, "30"},
		{gilOf, object{"retentionDays": 0}, "INVALID_INPUT input.retentionDays"},
		{gilOf, object{"retentionDays": 36_501}, "INVALID_INPUT input.retentionDays"},
		{gilOf, object{"retentionDays": -1}, "INVALID_INPUT input.retentionDays"},
		{gilOf, object{"mutedByDefault": true}, "30"},
		{huaOf, object{"retentionDays": 1}, "NOT_ALLOWED input.channelId"},
		{anaOf, object{"retentionDays": 36_500}, "36500"},
		{anaOf, object{"name": "another"}, "36500"},
		{anaOf, object{"retentionDays": nil}, "<nil>"},
	} {
		if got := k.keeps(step.who, step.changes); got != step.want {
			k.t.Errorf("%s of %v: %s, want %s", step.who, step.changes, got, step.want)
		}
	}
	for who, want := range map[string]string{anaOf: "<nil> <nil>", huaOf: "<nil> 30"} {
		read := k.s.For(k.t).Must(k.s.as(who), `query($id: ID!) { node(id: $id) { ... on SharedChannel { sides { retentionDays } } } }`, object{"id": k.id})
		var shown []string
		for _, side := range servertest.Get[[]any](k.t, read, "node", "sides") {
			shown = append(shown, fmt.Sprint(side.(object)["retentionDays"]))
		}
		if got := strings.Join(shown, " "); got != want {
			k.t.Errorf("%s sees %s, want %s", who, got, want)
		}
	}
	for _, days := range []any{1.5, "1", 1e10, true} {
		input := object{"channelId": k.id, "expectedVersion": 1, "retentionDays": days}
		if a := k.s.For(k.t).Post(k.s.as(gilOf), keepsDocument, object{"input": input}); !strings.Contains(a.Body, "BAD_USER_INPUT") {
			k.t.Errorf("%v days: %s", days, a.Body)
		}
	}
}

// hears returns the events that a subscription gets up to the n-th deletion, in short.
func hears(t testing.TB, k *socket, id string, n int) (heard []string) {
	t.Helper()
	for n > 0 {
		event := k.event(id)
		kind, _ := event["__typename"].(string)
		switch message, _ := event["message"].(object); {
		case kind == "ChannelCheckpoint":
			continue
		case kind == "MessageDeleted":
			n--
			if message["body"] != nil {
				t.Errorf("a deleted message says %v", message)
			}
		case kind == "MessagePosted" && message["body"] == nil:
			kind += " empty"
		}
		if event["actor"] == nil {
			kind += " by nobody"
		}
		heard = append(heard, kind)
	}
	return heard
}

func oldGoes(k *talk) {
	t := k.t
	root := k.say(huaOf, "old fox")
	mutate(t, k.s, k.s.as(huaOf), editDocument, object{"messageId": root, "body": "old fox, edited, @ana"})
	mutate(t, k.s, k.s.as(benOf), reactDocument, object{"messageId": root, "emoji": "👍"})
	reply := k.post(anaOf, object{"body": "fox of acme", "replyToId": root})
	whisper := k.whisper(gilOf, "fox among us")
	data := k.s.For(t).Must(k.s.as(anaOf), messagesDocument, object{"id": k.id})
	before := servertest.Get[float64](t, data, "node", "unreadCount")
	acme, globex := dial(t, k.s, bearing{payload: k.s.as(anaOf)}), dial(t, k.s, bearing{payload: k.s.as(huaOf)})
	live := map[*socket]string{}
	for _, socket := range []*socket{acme, globex} {
		live[socket] = socket.subscribe(channelEventsDocument, object{"channelId": k.id})
		socket.event(live[socket])
	}
	if got := k.keeps(gilOf, object{"retentionDays": 7}); got != "7" {
		t.Fatal(got)
	}
	if n := k.days(6); n != 0 {
		t.Errorf("%d went too early", n)
	}
	later := k.say(gilOf, "fresh fox")
	if n := k.days(1); n != 2 {
		t.Errorf("%d went, want 2", n)
	}
	for socket, want := range map[*socket][]string{
		acme:   {"ChannelChanged", "MessagePosted", "MessageDeleted by nobody"},
		globex: {"ChannelChanged", "MessagePosted", "MessageDeleted by nobody", "MessageDeleted by nobody"},
	} {
		if got := hears(t, socket, live[socket], len(want)-2); !slices.Equal(got, want) {
			t.Errorf("who follows hears %v, want %v", got, want)
		}
	}
	k.finds(benOf, "fox", "fresh fox", "fox of acme")
	k.finds(gilOf, "fox", "fresh fox", "fox of acme")
	for who, deletions := range map[string]int{benOf: 1, gilOf: 2} {
		page := k.s.For(t).Must(k.s.as(who), messagesDocument, object{"id": k.id})
		for _, edge := range servertest.Get[[]any](t, page, "node", "messages", "edges") {
			m := servertest.Get[object](t, edge, "node")
			gone := m["id"] == root || m["id"] == whisper
			if gone != (m["state"] == "DELETED") || gone != (m["body"] == nil) || gone && len(m["reactions"].([]any))+len(m["mentions"].([]any)) > 0 ||
				m["id"] == root && m["replyCount"] != 1.0 {
				t.Errorf("%s reads %v", who, m)
			}
		}
		one := k.s.For(t).Must(k.s.as(who), `query($id: ID!) { node(id: $id) { ... on Message { state deletedBy { name } history { body } } } }`, object{"id": root})
		if m := servertest.Get[object](t, one, "node"); m["state"] != "DELETED" || m["deletedBy"] != nil || len(m["history"].([]any)) > 0 {
			t.Errorf("%s reads %v", who, m)
		}
		kinds := happened(t, k.s, who, k.id)
		if n := len(slices.DeleteFunc(kinds, func(kind string) bool { return kind != "MessageDeleted" })); n != deletions {
			t.Errorf("%s replays %d deletions", who, n)
		}
	}
	data = k.s.For(t).Must(k.s.as(anaOf), messagesDocument, object{"id": k.id})
	if now := servertest.Get[float64](t, data, "node", "unreadCount"); before != 1 || now != 1 { // the old one is gone, another came
		t.Errorf("%v were unread, and %v are", before, now)
	}
	if got := refusal(t, mutate(t, k.s, k.s.as(huaOf), editDocument, object{"messageId": root, "body": "back"})); got != "MESSAGE_NOT_FOUND input.messageId" {
		t.Errorf("an edit brings it back: %s", got)
	}
	if got := k.keeps(gilOf, object{"retentionDays": nil}); got != "<nil>" || k.days(1000) != 0 {
		t.Errorf("for good: %s", got)
	}
	if got := k.keeps(gilOf, object{"retentionDays": 36_500}); got != "36500" || k.days(0) != 0 {
		t.Errorf("for long: %s", got)
	}
	k.finds(gilOf, "fox", "fresh fox", "fox of acme")
	succeed(t, k.s, k.s.as(gilOf), deleteDocument, object{"messageId": later})
	succeed(t, k.s, k.s.as(anaOf), deleteDocument, object{"messageId": reply})
}

func oldGoesOfWhoLeft(k *talk) {
	t := k.t
	k.say(gilOf, "fox for all")
	k.whisper(gilOf, "fox among us")
	k.say(anaOf, "fox of acme")
	k.keeps(gilOf, object{"retentionDays": 7})
	if got := refusal(t, mutate(t, k.s, k.s.as(gilOf), linkDeeds["leave"], object{"channelId": k.id})); got != "" {
		t.Fatal(got)
	}
	if n := k.days(7); n != 2 {
		t.Errorf("%d went, want 2", n)
	}
	k.finds(anaOf, "fox", "fox of acme")
	k.finds(gilOf, "fox", "fox of acme")
	if got, want := happened(t, k.s, anaOf, k.id), []string{"GroupLinked", "GroupLinked", "MessagePosted", "MessagePosted", "ChannelChanged", "GroupUnlinked", "MessageDeleted"}; !slices.Equal(got, want) {
		t.Errorf("who stays replays %v, want %v", got, want)
	}
	data := k.s.For(t).Must(k.s.as(gilOf), messagesDocument, object{"id": k.id})
	for _, edge := range servertest.Get[[]any](t, data, "node", "messages", "edges") {
		if m := servertest.Get[object](t, edge, "node"); (m["body"] == nil) != (servertest.Get[string](t, m, "author", "group", "handle") == k.s.group("globex").Handle) {
			t.Errorf("who left reads %v", m)
		}
	}
}
