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

	"linkspan/internal/channel"
	"linkspan/resolvers"
)

// logged is a server's logger and what it has written.
func logged() (*slog.Logger, *bytes.Buffer) {
	text := &bytes.Buffer{}
	return slog.New(LogHandler(slog.NewJSONHandler(text, nil))), text
}

// A panic is an error like others, in a handler as in a resolver: what it was is in the log with its stack, under the id
// that the client got, and nowhere else.
func TestPanicsAreLoggedAndPresented(t *testing.T) {
	t.Parallel()
	secret := []byte("a secret of at least thirty-two bytes")
	token, err := SignToken(secret, Claims{Role: RoleOperator, RegisteredClaims: jwt.RegisteredClaims{Subject: "o"}}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	handlerPanics, log := logged()
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a bug in hiding") })
	testPanic(t, identified(handlerPanics, observers{}, recovered(handler)), http.StatusInternalServerError, "recovered_test.go", token, log)

	resolverPanics, log := logged()
	broken := New(Config{Resolvers: resolvers.New(nil), Tokens: NewTokens(TokenConfig{Secrets: [][]byte{secret}}, nil), Logger: resolverPanics})
	testPanic(t, broken.Handler(), http.StatusOK, "resolvers/group.go", token, log)
}

func testPanic(t *testing.T, handler http.Handler, status int, where, token string, log *bytes.Buffer) {
	t.Helper()
	request := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(`{"query":"{ group(handle: \"acme\") { id } }"}`))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	var body struct {
		Errors []struct {
			Message    string
			Extensions struct{ Code, RequestID string }
		}
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil || len(body.Errors) != 1 || answer.Code != status {
		t.Fatalf("%d %s: %v", answer.Code, answer.Body, err)
	}
	shown := body.Errors[0]
	if shown.Extensions.Code != string(channel.Internal) || !strings.HasPrefix(shown.Message, "Something went wrong here.") {
		t.Errorf("shown: %+v", shown)
	}
	for _, want := range []string{`"requestId":"` + shown.Extensions.RequestID + `"`, "panic: ", where} {
		if shown.Extensions.RequestID == "" || !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s: %s", want, log)
		}
	}
	for line := range strings.Lines(log.String()) {
		if strings.Count(line, `"requestId"`) != 1 || !json.Valid([]byte(line)) {
			t.Errorf("a line of the log: %s", line)
		}
	}
}

// What a client is not told, the log tells: why a token was refused, and what is behind a fault.
func TestCausesAreLogged(t *testing.T) {
	t.Parallel()
	logger, text := logged()
	ctx := context.WithValue(t.Context(), requestKey{}, &request{id: "the-request", logger: logger})
	present(ctx, channel.Unavailable(errors.New("the cause of a fault")))
	signIn := &signIn{tokens: NewTokens(TokenConfig{Secrets: [][]byte{[]byte("a secret of at least thirty-two bytes")}}, nil)}
	signIn.withBearer(ctx, "Bearer not-a-token")
	for _, want := range []string{"the cause of a fault", "token refused", `"requestId":"the-request"`} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the log lacks %q: %s", want, text)
		}
	}
	if strings.Contains(text.String(), "not-a-token") {
		t.Errorf("the log has the token: %s", text)
	}
}

// brokenGroups is a directory that can't be asked.
type brokenGroups struct{}

func (brokenGroups) FindGroup(context.Context, channel.GroupSelector) (channel.Group, error) {
	return channel.Group{}, errors.New("broken")
}

// A token that nobody can judge is not refused: what went wrong is told instead.
func TestSignInThatFailsIsNoRefusal(t *testing.T) {
	t.Parallel()
	secret := []byte("a secret of at least thirty-two bytes")
	claims := Claims{Group: "acme", Role: RoleAdmin}
	claims.Subject = "ana"
	token, err := SignToken(secret, claims, channel.DefaultInvitationTTL)
	if err != nil {
		t.Fatal(err)
	}
	logger, text := logged()
	s := New(Config{Tokens: NewTokens(TokenConfig{Secrets: [][]byte{secret}}, brokenGroups{}), Logger: logger})
	request := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(`{"query":"{ viewer { id } }"}`))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	answer := httptest.NewRecorder()
	s.Handler().ServeHTTP(answer, request)
	if !strings.Contains(answer.Body.String(), string(channel.Internal)) || !strings.Contains(text.String(), "broken") {
		t.Errorf("answer %s, log %s", answer.Body, text)
	}
}
