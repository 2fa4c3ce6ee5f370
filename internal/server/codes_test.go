package server_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/errcode"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/server"
	"linkspan/internal/server/servertest"
	"linkspan/resolvers"
)

// catalogue has every code that a client may get, and how to get it. A code that is missing here, or not told of in
// docs/errors.md, fails the tests below.
var catalogue = struct {
	faults   map[channel.FaultCode]func(*refuser) servertest.Answer
	refusals map[channel.UserErrorCode]func(*refuser) servertest.Answer
}{
	faults: map[channel.FaultCode]func(*refuser) servertest.Answer{
		channel.Unauthenticated: func(r *refuser) servertest.Answer {
			answer := r.post("", `{ viewer { id } }`, nil)
			answer.Body = strings.Replace(answer.Body, " (how to get one)", "", 1) // the tests' own remedy
			return answer
		},
		channel.Forbidden: func(r *refuser) servertest.Answer {
			return r.post("operator", `query($id: ID!) { node(id: $id) { ... on SharedChannel { name } } }`, object{"id": r.channel})
		},
		channel.BadUserInput: func(r *refuser) servertest.Answer {
			return r.post("ana@acme", `{ viewer { sharedChannels(first: 101) { nodes { id } } } }`, nil)
		},
		channel.NotFound: func(r *refuser) servertest.Answer {
			k := dial(r.t, r.s, bearing{payload: r.s.as("ana@acme")})
			answer, _ := k.answer(k.subscribe(`subscription($id: ID!) { channelEvents(channelId: $id) { cursor } }`, object{"id": r.nothing()}))
			return asHTTP(answer)
		},
		errcode.ParseFailed: func(r *refuser) servertest.Answer { return r.post("ana@acme", `{ viewer { id }`, nil) },
		errcode.ValidationFailed: func(r *refuser) servertest.Answer {
			return r.post("ana@acme", `{ viewer { age } }`, nil)
		},
		channel.LimitExceeded: func(r *refuser) servertest.Answer {
			return r.post("ana@acme", `{ viewer { sharedChannels(first: 100) { nodes { invitations(first: 100) { nodes { id note reason } } } } } }`, nil)
		},
		channel.CursorExpired: (*refuser).expiredCursor,
		channel.RateLimited:   (*refuser).oneTooMany,
		channel.PersistedQueryNotFound: func(r *refuser) servertest.Answer {
			return r.s.For(r.t).PostBody(r.s.as("ana@acme"), []byte(`{"documentId":"`+strings.Repeat("0", 64)+`"}`))
		},
		channel.OperationNotListed: (*refuser).notListed,
		channel.ShardUnavailable: func(r *refuser) servertest.Answer {
			return r.without(channel.Unavailable(errors.New("the main database is down")))
		},
		channel.Internal: func(r *refuser) servertest.Answer { return r.without(errors.New("a bug")) },
	},
	refusals: map[channel.UserErrorCode]func(*refuser) servertest.Answer{
		channel.CodeGroupNotFound: func(r *refuser) servertest.Answer {
			return r.create(object{"target": r.s.to("nobody-here"), "name": "plans"})
		},
		channel.CodeSelfInvitation: func(r *refuser) servertest.Answer {
			return r.create(object{"target": r.s.to("acme"), "name": "plans"})
		},
		channel.CodeNameTaken: func(r *refuser) servertest.Answer {
			return r.create(object{"target": r.s.to("globex"), "name": "launch"})
		},
		channel.CodeInvalidInput: func(r *refuser) servertest.Answer {
			return r.create(object{"target": r.s.to("globex"), "name": " "})
		},
		channel.CodeIdempotencyKeyReused: func(r *refuser) servertest.Answer {
			r.create(object{"target": r.s.to("globex"), "name": "one", "idempotencyKey": "k-1"})
			return r.create(object{"target": r.s.to("globex"), "name": "another", "idempotencyKey": "k-1"})
		},
		channel.CodeInvitationNotFound: func(r *refuser) servertest.Answer {
			return r.accept("gil@globex", ids.NewInvitation().String())
		},
		channel.CodeChannelNotFound:      func(r *refuser) servertest.Answer { return r.say(r.nothing()) },
		channel.CodeChannelNotActive:     func(r *refuser) servertest.Answer { return r.say(r.channel) },
		channel.CodeMessageNotFound:      (*refuser).editNothing,
		channel.CodeInvitationNotPending: func(r *refuser) servertest.Answer { return r.accept("gil@globex", r.revoked) },
		channel.CodeNotAllowed:           func(r *refuser) servertest.Answer { return r.accept("hua@globex member", r.invitation) },
		channel.CodeVersionConflict:      (*refuser).setStalePolicy,
		channel.CodeAlreadyShared: func(r *refuser) servertest.Answer {
			return r.post("ana@acme", `mutation($input: InviteGroupInput!) { inviteGroup(input: $input) {
				invitation { id } errors { __typename code message path } } }`, object{"input": object{"channelId": r.channel, "target": r.s.to("globex")}})
		},
	},
}

// refuser is a server with an open invitation and one that was revoked, both from acme to globex.
type refuser struct {
	t                            *testing.T
	s                            *place
	channel, invitation, revoked string
}

func newRefuser(t *testing.T) *refuser {
	t.Helper()
	r := &refuser{t: t, s: newPlace(servertest.New(t, servertest.Options{Shards: -1}), "")}
	ana := r.s.as("ana@acme")
	r.channel, r.invitation = offer(t, r.s, ana, "globex", "launch")
	_, r.revoked = offer(t, r.s, ana, "globex", "another launch")
	succeed(t, r.s, ana, revokeDocument, object{"invitationId": r.revoked})
	return r
}

func (r *refuser) post(as, document string, variables object) servertest.Answer {
	return r.s.For(r.t).Post(r.s.as(as), document, variables)
}

func (r *refuser) create(input object) servertest.Answer {
	return r.post("ana@acme", `mutation($input: CreateSharedChannelInput!) { createSharedChannel(input: $input) {
		sharedChannel { id } errors { __typename code message path ... on NameTakenError { suggestion } } } }`, object{"input": input})
}

func (r *refuser) accept(as, invitation string) servertest.Answer {
	return r.post(as, `mutation($input: AcceptSharedChannelInput!) { acceptSharedChannel(input: $input) {
		sharedChannel { id } errors { __typename code message path ... on InvitationNotPendingError { state } } } }`,
		object{"input": object{"invitationId": invitation}})
}

// setStalePolicy changes a policy that somebody else has changed before.
func (r *refuser) setStalePolicy() servertest.Answer {
	set := func(policy object) servertest.Answer {
		return r.post("ana@acme", `mutation($input: SetSharingPolicyInput!) { setSharingPolicy(input: $input) {
			policy { version } errors { __typename code message path ... on VersionConflictError { version } } } }`, object{"input": policy})
	}
	set(object{"whoMayCreate": "ADMINS", "expectedVersion": 1})
	return set(object{"outgoingApproval": true, "expectedVersion": 1})
}

// nothing is the id of no channel.
func (r *refuser) nothing() string {
	return ids.NewChannel(time.Now(), r.s.Store.SlotOf(r.s.group("acme").ID)).String()
}

func (r *refuser) say(channel string) servertest.Answer {
	return r.post("ana@acme", `mutation($input: PostMessageInput!) { postMessage(input: $input) {
		message { id } errors { __typename code message path ... on ChannelNotActiveError { state } } } }`,
		object{"input": object{"channelId": channel, "body": "Hello"}})
}

// editNothing edits what is no message of a channel that there is.
func (r *refuser) editNothing() servertest.Answer {
	id, err := ids.Parse(r.channel)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.post("ana@acme", `mutation($input: EditMessageInput!) { editMessage(input: $input) {
		message { id } errors { __typename code message path } } }`,
		object{"input": object{"messageId": ids.Message{Channel: id.Channel, Number: 1}.String(), "body": "Hello"}})
}

// expiredCursor subscribes after a position of a history that is gone.
func (r *refuser) expiredCursor() servertest.Answer {
	acme := r.s.group("acme").ID
	cursor := ids.LogCursor{Kind: ids.LogInbox, Log: acme.InboxLog(), Reader: acme, History: ids.NewHistory()}.String()
	k := dial(r.t, r.s, bearing{payload: r.s.as("ana@acme")})
	answer, _ := k.answer(k.subscribe(`subscription($after: LogCursor) { inbox(after: $after) { cursor } }`, object{"after": cursor}))
	return asHTTP(answer)
}

// oneTooMany subscribes on one socket until that is refused.
func (r *refuser) oneTooMany() servertest.Answer {
	k := dial(r.t, r.s, bearing{payload: r.s.as("ana@acme")})
	for range 1000 {
		answer, _ := k.answer(k.subscribe(`subscription { inbox { cursor } }`, nil))
		if len(answer.Errors) > 0 {
			return asHTTP(answer)
		}
	}
	r.t.Fatal("a socket carries any number of subscriptions")
	return servertest.Answer{}
}

// notListed asks a server that takes no operation at all.
func (r *refuser) notListed() servertest.Answer {
	logger := slog.New(slog.DiscardHandler)
	handler := server.New(server.Config{
		Resolvers: resolvers.New(nil), Tokens: server.NewTokens(server.TokenConfig{Secrets: [][]byte{servertest.Secret}}, nil), Logger: logger, Operations: server.Operations{Only: true},
	}).Handler()
	return ask(handler, "", `{ __typename }`)
}

// asHTTP shows an error frame of a socket as HTTP would.
func asHTTP(answer servertest.Answer) servertest.Answer {
	if strings.HasPrefix(answer.Body, "[") {
		answer.Body = `{"errors":` + answer.Body + `}`
	}
	return answer
}

// without asks a server whose main database answers with that error alone.
func (r *refuser) without(err error) servertest.Answer {
	logger := slog.New(slog.DiscardHandler)
	handler := server.New(server.Config{
		Resolvers: resolvers.New(&channel.Service{Main: brokenMain{err: err}, Logger: logger}),
		Tokens:    server.NewTokens(server.TokenConfig{Secrets: [][]byte{servertest.Secret}}, nil), Logger: logger,
	}).Handler()
	return ask(handler, r.s.as("operator"), `{ group(handle: \"globex\") { id } }`)
}

// ask posts a document, escaped for JSON, to a handler.
func ask(handler http.Handler, token, document string) servertest.Answer {
	request := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(`{"query":"`+document+`"}`))
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	recorded := httptest.NewRecorder()
	handler.ServeHTTP(recorded, request)
	return servertest.Answer{Status: recorded.Code, Header: recorded.Header(), Body: recorded.Body.String()}
}

// brokenMain is a main database that has an error for whoever looks for a group.
type brokenMain struct {
	channel.Main
	err error
}

func (m brokenMain) FindGroup(context.Context, channel.GroupSelector) (channel.Group, error) {
	return channel.Group{}, m.err
}
