package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/resolvers"
)

var (
	fuzzChannel = ids.NewChannel(time.UnixMilli(1_764_000_000_000), 7)
	fuzzMessage = ids.Message{Channel: fuzzChannel, Number: 3}
	fuzzHistory = ids.NewHistory()
)

// noConversation is one whose cluster is out of reach. It does not let through what no database may hold.
type noConversation struct{ channel.Conversation }

func (noConversation) Change(_ context.Context, c channel.Change) (channel.Changed, error) {
	if !fit(c.Body) || len(c.Body) > channel.MaxBodyBytes || len(c.Mentions) > 100 || !fit(c.Emoji) || len(c.Emoji) > 64 {
		return channel.Changed{}, fmt.Errorf("%+v is to be kept", c)
	}
	return channel.Changed{}, errNoClusters
}

func (noConversation) MarkRead(context.Context, channel.User, bool, ids.Message, *channel.Operation) (channel.Changed, error) {
	return channel.Changed{}, errNoClusters
}

// Named knows every name, of two users each.
func (noConversation) Named(_ context.Context, _ channel.Reader, _ ids.Channel, _ channel.Audience, keys []string) (map[string][]channel.User, error) {
	found := make(map[string][]channel.User, len(keys))
	for _, key := range keys {
		if !fit(key) || utf8.RuneCountInString(key) > 4*channel.MaxNameRunes {
			return nil, fmt.Errorf("%q is looked for", key)
		}
		found[key] = []channel.User{{Name: key}, {Name: key}}
	}
	return found, nil
}

func fit(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

// quiet is a channel with one message, whose lists are empty. It refuses to read what no list has.
type quiet struct {
	channel.Shards
	channel.Conversation
}

func (quiet) ClusterOf(ids.Channel) string { return "shard-1" }

func (quiet) Channels(_ context.Context, _ channel.Reader, wanted []ids.Channel) (map[ids.Channel]*channel.SharedChannel, map[ids.Channel]error) {
	return map[ids.Channel]*channel.SharedChannel{fuzzChannel: {ID: fuzzChannel, State: channel.ChannelActive}}, nil
}

func (quiet) Messages(context.Context, channel.Reader, []ids.Message) (map[ids.Message]*channel.Message, error) {
	return map[ids.Message]*channel.Message{fuzzMessage: {ID: fuzzMessage, State: channel.Posted}}, nil
}

func (q quiet) ListMessages(_ context.Context, _ channel.Reader, id ids.Channel, r channel.MessageRange) (channel.MessageRows, error) {
	if id != fuzzChannel {
		return channel.MessageRows{}, fmt.Errorf("the messages of %v", id)
	}
	return q.rows(r)
}

func (q quiet) OpenChannel(ctx context.Context, reader channel.Reader, id ids.Channel, unread bool, r *channel.MessageRange) (opened channel.Opened, err error) {
	found, _ := q.Channels(ctx, reader, []ids.Channel{id})
	if opened.Channel = found[id]; r != nil {
		rows, failed := q.ListMessages(ctx, reader, id, *r)
		opened.Messages, err = &rows, failed
	}
	return opened, err
}

func (q quiet) ListReplies(
	_ context.Context, _ channel.Reader, roots []ids.Message, r channel.MessageRange,
) (map[ids.Message]channel.MessageRows, map[ids.Message]error) {
	rows, err := q.rows(r)
	if len(roots) != 1 || roots[0] != fuzzMessage {
		err = fmt.Errorf("the replies to %v", roots)
	}
	if err != nil {
		return nil, map[ids.Message]error{fuzzMessage: err}
	}
	return map[ids.Message]channel.MessageRows{fuzzMessage: rows}, nil
}

func (q quiet) SearchMessages(_ context.Context, _ channel.Reader, id ids.Channel, search channel.Search, r channel.MessageRange) (channel.MessageRows, error) {
	if id != fuzzChannel || !fit(search.Text) || utf8.RuneCountInString(search.Text) > channel.MaxSearchRunes ||
		search.Order != channel.SearchNewest && search.Order != channel.SearchRank {
		return channel.MessageRows{}, fmt.Errorf("searches %v for %+v", id, search)
	}
	return q.rows(r)
}

func (quiet) rows(r channel.MessageRange) (rows channel.MessageRows, err error) {
	for _, place := range []*channel.Place{r.After, r.Before} {
		if place != nil && (place.Public < 0 || place.Private < 0 || !(place.Rank >= 0)) {
			return rows, fmt.Errorf("reads from %+v", *place)
		}
	}
	if r.Limit < 0 || r.Limit > channel.MaxPageSize {
		err = fmt.Errorf("reads %d", r.Limit)
	}
	rows.Log.History = fuzzHistory
	return rows, err
}

const fuzzLists = `query($channel: ID!, $message: ID!, $text: String!, $order: SearchOrder, $first: Int, $after: String, $last: Int, $before: String) {
	channel: node(id: $channel) { ... on SharedChannel {
		messages(first: $first, after: $after, last: $last, before: $before) { nodes { id } pageInfo { endCursor } }
		search(text: $text, order: $order, first: $first, after: $after, last: $last, before: $before) { nodes { id } } } }
	message: node(id: $message) { ... on Message { replies(first: $first, after: $after, last: $last, before: $before) { nodes { id } } } }
}`

// FuzzConversationLists sends any JSON as the arguments of a channel's lists: messages, replies, and what a search finds. What is
// read is a part of such a list, and nothing is an unknown error.
func FuzzConversationLists(f *testing.F) {
	cursor := func(kind ids.ListKind, change func(*ids.PageCursor)) string {
		c := ids.PageCursor{Kind: kind, Reader: acme.group.ID, Channel: fuzzChannel, Position: 3, Private: 1, Root: fuzzMessage}
		if change != nil {
			change(&c)
		}
		return c.String()
	}
	for _, seed := range []string{
		`{}`, `{"text":"fox"}`, `{"text":""}`, `{"text":" \n"}`, `{"text":"\"quick fox\" -dog or cat","order":"RANK","first":3}`, `{"text":"a\u0000b"}`,
		`{"text":"` + strings.Repeat("x", 40_000) + `"}`, `{"text":"会議","order":"OLDEST"}`, `{"text":7}`, `{"first":-1}`, `{"first":101}`, `{"first":0,"last":0}`,
		`{"last":100,"before":"` + cursor(ids.ListMessages, nil) + `"}`, `{"first":2,"after":"` + cursor(ids.ListReplies, nil) + `"}`,
		`{"after":"` + cursor(ids.ListFound, func(c *ids.PageCursor) { c.Search = 1; c.Rank = 0.5 }) + `"}`,
		`{"after":"` + cursor(ids.ListMessages, func(c *ids.PageCursor) { c.Channel = ids.NewChannel(time.Now(), 8) }) + `"}`,
		`{"after":"` + cursor(ids.ListMessages, func(c *ids.PageCursor) { c.Private = -1 }) + `"}`,
		`{"after":"` + cursor(ids.ListSharedChannels, nil) + `"}`, `{"before":""}`, `{"before":null,"after":"\u0000"}`, `{"first":2147483648}`, `{"first":1.5}`, `{"first":7000}`, `{"last":7000}`,
	} {
		f.Add(seed)
	}
	logger := slog.New(slog.DiscardHandler)
	service := &channel.Service{Main: noClusters{oneGroup: acme}, Shards: quiet{}, Conversation: quiet{}, Logger: logger}
	handler := New(Config{
		Resolvers: resolvers.New(service), Tokens: NewTokens(TokenConfig{Secrets: [][]byte{fuzzSecret}}, acme), Logger: logger,
	}).Handler()
	token, err := SignToken(fuzzSecret, Claims{Group: "acme", Role: RoleAdmin, RegisteredClaims: jwt.RegisteredClaims{Subject: "ana"}}, 24*time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, args string) {
		variables := map[string]any{"text": "words"}
		if err := json.Unmarshal([]byte(args), &variables); err != nil || variables == nil {
			return // these are not arguments
		}
		variables["channel"], variables["message"] = fuzzChannel.String(), fuzzMessage.String()
		body, err := json.Marshal(map[string]any{"query": fuzzLists, "variables": variables})
		if err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", bytes.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+token)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		var read struct {
			Data   map[string]any
			Errors []struct{ Extensions struct{ Code string } }
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &read); err != nil {
			t.Fatalf("%s: %v: %s", args, err, answer.Body)
		}
		if read.Data == nil && len(read.Errors) == 0 {
			t.Errorf("%s: neither data nor errors: %s", args, answer.Body)
		}
		for _, e := range read.Errors {
			tooMany := e.Extensions.Code == string(channel.LimitExceeded) && (over(variables["first"]) || over(variables["last"]))
			if e.Extensions.Code != string(channel.BadUserInput) && !tooMany {
				t.Errorf("%s: %s", args, answer.Body)
			}
		}
	})
}

// over tells that a page of so many is asked for that its cost may be what refuses it, before its size does.
func over(size any) bool {
	n, is := size.(float64)
	return is && n > channel.MaxPageSize
}
