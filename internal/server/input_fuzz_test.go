package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"linkspan/graph"
	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/resolvers"
)

// noClusters is a main database and shards that are all out of reach: whatever is fit to be decided ends there.
type noClusters struct {
	channel.Main
	channel.Shards
	oneGroup
}

var errNoClusters = channel.Unavailable(errors.New("no cluster in a fuzz test"))

func (noClusters) Decide(context.Context, func(context.Context, channel.MainTx) error) error {
	return errNoClusters
}

func (n noClusters) FindGroup(ctx context.Context, by channel.GroupSelector) (channel.Group, error) {
	return n.oneGroup.FindGroup(ctx, by)
}

func (noClusters) SlotOf(ids.Group) uint16 { return 7 }

// FuzzInput sends any JSON as the input object of each mutation: it is refused, by data or by an error with a code, or it
// is fit to be decided. Nothing is an unknown error.
func FuzzInput(f *testing.F) {
	group := ids.NewGroup()
	invitation, other, user := ids.NewInvitation().String(), group.String(), ids.UserOf(group, "gil").String()
	in, on := `{"channelId":"`+fuzzChannel.String()+`"`, `{"messageId":"`+fuzzMessage.String()+`"`
	for _, seed := range []string{
		`{}`, `null`, `[]`, `7`, `""`, `{"target":{"handle":"globex"},"name":"launch"}`, `{"target":{"handle":"globex","id":"x"},"name":"launch"}`,
		`{"target":{},"name":"launch"}`, `{"target":{"handle":null},"name":null}`, `{"target":{"id":7},"name":"a"}`, `{"target":[{"handle":"globex"}],"name":"a"}`,
		`{"target":{"handle":"globex"},"name":"` + strings.Repeat("x", 81) + `","topic":"t","note":"n","idempotencyKey":"k"}`,
		`{"target":{"handle":"globex"},"name":"a\u0000b"}`, `{"target":{"handle":"globex"},"name":"\ud800"}`, `{"target":{"handle":"globex"},"name":1e999}`,
		`{"invitationId":"` + invitation + `"}`, `{"invitationId":"` + invitation + `","name":"\u202e","reason":"r","idempotencyKey":""}`,
		`{"invitationId":7}`, `{"invitationId":9007199254740993}`, `{"invitationId":{"id":1}}`, `{"invitationId":"inv_"}`, `{"handle":"acme","name":"Acme"}`,
		`{"handle":"ACME","name":true,"more":{"a":[1,2,{"b":null}]}}`, `{"__proto__":{"a":1},"name":"a"}`, `{"name":"a","name":"b"}`,
		in + `,"body":"Hello @Gil's, shall we?","audience":"OWN_GROUP","idempotencyKey":"k"}`, in + `,"body":""}`, in + `,"body":"a\u0000b"}`,
		in + `,"body":"` + strings.Repeat("@a ", 13_333) + `"}`, in + `,"body":"` + strings.Repeat("é", 20_001) + `"}`, in + `,"body":7,"audience":"NOBODY"}`,
		in + `,"body":"a","replyToId":"` + fuzzMessage.String() + `"}`, in + `,"body":"a","replyToId":"` + fuzzChannel.String() + `"}`,
		in + `,"upToMessageId":"` + fuzzMessage.String() + `"}`, in + `,"upToMessageId":null}`, on + `,"body":"\ud83d\ude00"}`, on + `,"body":"\ud83d"}`,
		on + `}`, on + `,"emoji":"❤"}`, on + `,"emoji":"yes"}`, on + `,"emoji":""}`, on + `,"emoji":"` + strings.Repeat("👍", 100) + `"}`,
		in + `}`, in + `,"reason":"` + strings.Repeat("r", 600) + `"}`, in + `,"target":{"handle":"globex"},"note":"a\u0000b"}`,
		in + `,"groupId":"` + other + `","mayInvite":true}`, in + `,"groupId":"` + other + `","mayInvite":null}`, in + `,"groupId":"` + invitation + `"}`,
		in + `,"userId":"` + user + `"}`, in + `,"userId":"` + other + `"}`, `{"target":{"id":"` + other + `"}}`, `{"target":{"handle":"acme"}}`,
		in + `,"name":null,"topic":" \n","retentionDays":36501,"visibility":"MEMBERS","expectedVersion":1}`, in + `,"expectedVersion":-1}`,
		in + `,"name":"ours","topic":"` + strings.Repeat("é", 561) + `","retentionDays":0,"expectedVersion":2147483647}`,
		`{"whoMayCreate":"ADMINS","outgoingApproval":null,"invitationTtlHours":0,"expectedVersion":1}`, `{"sharingEnabled":false,"expectedVersion":2.5}`,
		`{"messageId":"msg_"}`, `{"messageId":"` + fuzzChannel.String() + `","emoji":"👍"}`,
	} {
		f.Add(seed)
	}
	logger := slog.New(slog.DiscardHandler)
	clusters := noClusters{oneGroup: acme}
	service := &channel.Service{Main: clusters, Shards: clusters, Conversation: noConversation{}, InvitationTTL: time.Hour, Logger: logger}
	handler := New(Config{
		Resolvers: resolvers.New(service), Tokens: NewTokens(TokenConfig{Secrets: [][]byte{fuzzSecret}}, acme), Logger: logger,
	}).Handler()
	sign := func(claims Claims) string {
		token, err := SignToken(fuzzSecret, claims, 24*time.Hour)
		if err != nil {
			f.Fatal(err)
		}
		return token
	}
	admin := sign(Claims{Group: "acme", Role: RoleAdmin, RegisteredClaims: jwt.RegisteredClaims{Subject: "ana"}})
	operator := sign(Claims{Role: RoleOperator, RegisteredClaims: jwt.RegisteredClaims{Subject: "op"}})
	mutations := graph.NewExecutableSchema(graph.Config{}).Schema().Mutation.Fields
	f.Fuzz(func(t *testing.T, input string) {
		if !json.Valid([]byte(input)) {
			return // bodies that are no JSON have tests of their own
		}
		for _, field := range mutations {
			mutation := field.Name
			document := "mutation($input: " + field.Arguments.ForName("input").Type.String() + ") { " + mutation + "(input: $input) { errors { code message path } } }"
			body, err := json.Marshal(map[string]any{"query": document, "variables": map[string]any{"input": json.RawMessage(input)}})
			if err != nil {
				return // such as raw JSON that is no UTF-8
			}
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", bytes.NewReader(body))
			request.Header.Set("Content-Type", "application/json")
			token := admin
			if mutation == "registerGroup" {
				token = operator
			}
			request.Header.Set("Authorization", "Bearer "+token)
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, request)
			judgeAnswer(t, mutation, input, answer)
		}
	})
}

func judgeAnswer(t *testing.T, mutation, input string, answer *httptest.ResponseRecorder) {
	t.Helper()
	var read struct {
		Data map[string]*struct {
			Errors []struct{ Code, Message string }
		}
		Errors []struct {
			Message    string
			Extensions struct{ Code, RequestID string }
		}
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &read); err != nil {
		t.Fatalf("%s %s: %v: %s", mutation, input, err, answer.Body)
	}
	payload := read.Data[mutation]
	if (payload == nil || len(payload.Errors) == 0) == (len(read.Errors) == 0) {
		t.Fatalf("%s %s is neither refused by data nor by an error: %s", mutation, input, answer.Body)
	}
	for _, e := range read.Errors {
		if e.Extensions.Code == "" || e.Extensions.RequestID == "" || e.Extensions.Code == string(channel.Internal) {
			t.Errorf("%s %s: %s", mutation, input, answer.Body)
		}
	}
}
