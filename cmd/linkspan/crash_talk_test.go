//go:build long

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"linkspan/internal/failpoint"
	"linkspan/internal/gqlclient"
	"linkspan/internal/ids"
	"linkspan/internal/localpg"
	"linkspan/internal/localpg/localpgtest"
)

// talkWriters write on each side.
const talkWriters = 3

const (
	postDocument = `mutation ($in: PostMessageInput!) { answer: postMessage(input: $in) {
		message { id } errors { code message } } }`
	editDocument = `mutation ($in: EditMessageInput!) { answer: editMessage(input: $in) {
		message { id } errors { code message } } }`
	deleteDocument = `mutation ($in: DeleteMessageInput!) { answer: deleteMessage(input: $in) {
		message { id } errors { code message } } }`
	reactDocument = `mutation ($in: AddReactionInput!) { answer: addReaction(input: $in) {
		message { id } errors { code message } } }`
	channelDocument = `subscription ($id: ID!, $after: LogCursor) { channelEvents(channelId: $id, after: $after) { __typename cursor
		... on MessagePosted { message { id } } ... on MessageEdited { message { id } } ... on MessageDeleted { message { id } }
		... on ReactionChanged { message { id } } } }`
	pageDocument = `query ($id: ID!, $first: Int, $after: String) { node(id: $id) { ... on SharedChannel {
		messages(first: $first, after: $after) { logCursor nodes { id body state } pageInfo { hasNextPage endCursor } } } } }`
)

// channelTypes are the types of a channel's events in the API, by their kinds in the database.
var channelTypes = map[string]string{
	"MESSAGE_POSTED": "MessagePosted", "MESSAGE_EDITED": "MessageEdited", "MESSAGE_DELETED": "MessageDeleted",
	"REACTION_ADDED": "ReactionChanged",
}

// channelEntry is an event of a side's log.
type channelEntry struct {
	number  int64
	kind    string
	message ids.Message
}

// talkKilled is a channel that two groups talk in while the program dies.
type talkKilled struct {
	*crashRun
	stop chan struct{}

	mu   sync.Mutex
	done []*deed
}

// deed is a mutation that was answered with success, and what it answered.
type deed struct {
	by       *party
	document string
	in       map[string]any
	message  string
}

// TestTalkKilled kills the program again and again before and behind commits while both sides write, each change with a key
// and until it is answered. Of what was answered nothing is lost and nothing is there twice, a repetition gives the first
// answer, and listeners that resume hear each side's log, once.
func TestTalkKilled(t *testing.T) {
	t.Parallel()
	clusters := localpgtest.Clusters(t, true, crashClusters()...)
	l := newLanes(t, 1, func(int) *localpg.Clusters { return clusters })[0]
	l.running(0)
	k := &talkKilled{
		crashRun: &crashRun{lane: l, from: l.group(crashShards[0]), to: l.group(crashShards[1])},
		stop:     make(chan struct{}),
	}
	if err := errors.Join(created(k.crashRun), accept(k.crashRun).failed()); err != nil {
		t.Fatal(err)
	}
	ears := []*ear[channelEntry]{k.listen(k.from), k.listen(k.to)}
	var writing sync.WaitGroup
	for n := range 2 * talkWriters {
		writing.Go(func() {
			if err := k.write(t.Context(), []*party{k.from, k.to}[n%2], n); err != nil {
				t.Errorf("writer %d: %v", n, err)
			}
		})
	}
	kills := 6
	if longTests() {
		kills = 60
	}
	points := []string{"postMessage/before", "postMessage/after", "editMessage/after", "deleteMessage/before", "deleteMessage/after", "addReaction/after"}
	for n := range kills {
		at := failpoint.Arrival{Point: points[n%len(points)], N: 1 + rand.N(20)}
		l.p.command(failpoint.Command{Do: failpoint.Kill, At: at})
		l.p.waitDead(at)
		l.serve(l.start(0, failpoint.Command{Do: failpoint.Off}))
	}
	close(k.stop)
	writing.Wait()

	for _, e := range ears {
		log, err := k.log(e.who)
		if err != nil {
			t.Fatal(err)
		}
		if err := within(converges, func() error { return e.hasHeard(log) }); err != nil {
			t.Error(err)
		}
		if err := k.hasAll(e.who); err != nil {
			t.Error(err)
		}
		e.close()
	}
	for _, d := range k.done {
		if again, err := k.try(t.Context(), d); err != nil || again != d.message {
			t.Errorf("%v answered %s first, and then %s, %v", d.in, d.message, again, err)
		}
	}
	for _, who := range []*party{k.from, k.to} {
		if err := k.hasAll(who); err != nil {
			t.Errorf("after the repetitions: %v", err)
		}
	}
	t.Logf("%d changes were answered, and repeated, over %d kills", len(k.done), kills)
	l.checkAll()
	l.p.kill()
}

// try sends a mutation once. A refusal is an error.
func (k *talkKilled) try(ctx context.Context, d *deed) (string, error) {
	var data struct {
		Answer struct {
			Message *struct{ ID string }
			Errors  []struct{ Code, Message string }
		}
	}
	if err := k.client(d.by.token).Do(ctx, d.document, "", map[string]any{"in": d.in}, &data); err != nil {
		return "", err
	}
	if data.Answer.Message == nil {
		return "", fmt.Errorf("%w: %v", errRefused, data.Answer.Errors)
	}
	return data.Answer.Message.ID, nil
}

var errRefused = errors.New("refused")

// insist sends a mutation until it is answered.
func (k *talkKilled) insist(ctx context.Context, by *party, document, key string, in map[string]any) (string, error) {
	d := &deed{by: by, document: document, in: maps.Clone(in)}
	d.in["idempotencyKey"] = key
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		var err error
		if d.message, err = k.try(ctx, d); err == nil {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.done = append(k.done, d)
			return d.message, nil
		}
		if fault := (*gqlclient.Error)(nil); errors.Is(err, errRefused) || errors.As(err, &fault) && !fault.Retryable || ctx.Err() != nil {
			return "", err
		}
		<-again.C
	}
}

// write has one user of a side do one thing after the other: posts for both audiences, and to each third reactions and edits, every
// fourth is deleted in the end.
func (k *talkKilled) write(ctx context.Context, by *party, n int) error {
	for round := 0; ; round++ {
		select {
		case <-k.stop:
			return nil
		default:
		}
		key := fmt.Sprintf("%d-%d", n, round)
		audience := "EVERYONE"
		if round%2 == 0 {
			audience = "OWN_GROUP"
		}
		id, err := k.insist(ctx, by, postDocument, key, map[string]any{"channelId": k.channel, "body": key, "audience": audience})
		if err == nil && round%3 == 0 {
			_, err = k.insist(ctx, by, reactDocument, key, map[string]any{"messageId": id, "emoji": "👍"})
		}
		if err == nil && round%3 == 0 {
			_, err = k.insist(ctx, by, editDocument, key, map[string]any{"messageId": id, "body": key + " edited"})
		}
		if err == nil && round%4 == 0 {
			_, err = k.insist(ctx, by, deleteDocument, key, map[string]any{"messageId": id})
		}
		if err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
	}
}

// page reads a page of messages.
func (k *talkKilled) page(who *party, first int, after *string) (messagesSeen, error) {
	var data struct {
		Node struct{ Messages messagesSeen }
	}
	err := k.client(who.token).Do(k.t.Context(), pageDocument, "", map[string]any{"id": k.channel, "first": first, "after": after}, &data)
	return data.Node.Messages, err
}

type messagesSeen struct {
	LogCursor string
	Nodes     []struct {
		ID, State string
		Body      *string
	}
	PageInfo struct {
		HasNextPage bool
		EndCursor   *string
	}
}

// hasAll tells where a side's messages are not those that were answered, each as it was left.
func (k *talkKilled) hasAll(who *party) error {
	want, owned := make(map[string]string), make(map[string]*party)
	for _, d := range k.done {
		switch d.document {
		case postDocument:
			want[d.message] = fmt.Sprint(d.in["body"])
			if d.in["audience"] == "OWN_GROUP" {
				owned[d.message] = d.by
			}
		case editDocument:
			want[d.message] = fmt.Sprint(d.in["body"])
		case deleteDocument:
			want[d.message] = "DELETED"
		}
	}
	maps.DeleteFunc(want, func(id, _ string) bool { return owned[id] != nil && owned[id] != who })
	got := make(map[string]string)
	var after *string
	for {
		page, err := k.page(who, 100, after)
		if err != nil {
			return err
		}
		for _, m := range page.Nodes {
			if _, ok := got[m.ID]; ok {
				return fmt.Errorf("%s has %s twice", who.handle, m.ID)
			}
			if got[m.ID] = m.State; m.Body != nil {
				got[m.ID] = *m.Body
			}
		}
		if after = page.PageInfo.EndCursor; !page.PageInfo.HasNextPage {
			break
		}
	}
	if !maps.Equal(got, want) {
		return fmt.Errorf("%s has %d messages, want %d: %v, want %v", who.handle, len(got), len(want), got, want)
	}
	return nil
}

// listen begins to hear the channel for a side, behind the links.
func (k *talkKilled) listen(who *party) *ear[channelEntry] {
	k.t.Helper()
	page, err := k.page(who, 0, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	e := &ear[channelEntry]{
		lane: k.lane, who: who, document: channelDocument, input: map[string]any{"id": k.channel}, read: readChannel, after: page.LogCursor,
	}
	e.begin()
	return e
}

func readChannel(result gqlclient.Result) (cursor string, event func(int64) channelEntry, err error) {
	var data struct {
		ChannelEvents *struct {
			Typename string `json:"__typename"`
			Cursor   string
			Message  *struct{ ID string }
		}
	}
	if err := result.Decode(&data); err != nil {
		return "", nil, err
	}
	heard := data.ChannelEvents
	if heard == nil {
		return "", nil, errNothingHeard
	}
	if heard.Typename == "ChannelCheckpoint" {
		return heard.Cursor, nil, nil
	}
	var id ids.ID
	if heard.Message != nil {
		if id, err = ids.Parse(heard.Message.ID); err != nil {
			return "", nil, err
		}
	}
	return heard.Cursor, func(number int64) channelEntry {
		return channelEntry{number: number, kind: heard.Typename, message: id.Message}
	}, nil
}

// log is the channel's log as a side sees it, in the database, behind the links. The error tells where it is not dense.
func (k *talkKilled) log(who *party) (log []channelEntry, err error) {
	id, err := ids.Parse(k.channel)
	if err != nil {
		return nil, err
	}
	rows, err := k.pools[crashShards[0]].Query(k.t.Context(), `
		SELECT number + (SELECT count(*) FROM linkspan_shard.private_event AS p
			WHERE p.channel_id = e.channel_id AND p.group_id = $2 AND p.follows < e.number) AS place, kind, message_number, NULL::uuid
		FROM linkspan_shard.channel_event AS e WHERE channel_id = $1 AND kind <> 'GROUP_LINKED'
		UNION ALL SELECT position, kind, message_number, group_id FROM linkspan_shard.private_event WHERE channel_id = $1 AND group_id = $2
		ORDER BY place`, id.Channel, who.id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		e := channelEntry{message: ids.Message{Channel: id.Channel}}
		if err := rows.Scan(&e.number, &e.kind, &e.message.Number, &e.message.Owner); err != nil {
			return nil, err
		}
		e.kind = channelTypes[e.kind]
		if log = append(log, e); e.number != int64(len(log))+2 { // behind the two links
			return nil, fmt.Errorf("%s: event %d is the %d. of its log", who.handle, e.number, len(log))
		}
	}
	return log, rows.Err()
}
