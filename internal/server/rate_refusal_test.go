package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"linkspan/internal/channel"
)

// TestRateOfRefusedTokens has whoever comes with a token that is no good told that, however many others do: to come later
// with it would not help.
func TestRateOfRefusedTokens(t *testing.T) {
	t.Parallel()
	const response = "application/graphql-response+json"
	logger, _ := logged()
	groups := &countingGroups{answer: registered}
	s := New(Config{Tokens: NewTokens(TokenConfig{Secrets: [][]byte{[]byte(newSecret)}}, groups), Logger: logger, Rate: Rate{PerSecond: 0.01, Burst: 1}, Remedy: "(how to get one)"})
	handler := s.Handler()
	ask := func(token, document string) (int, string) {
		header := http.Header{"Accept": {response}}
		if token != "" {
			header.Set("Authorization", "Bearer "+token)
		}
		answer := visit{method: http.MethodPost, target: "/graphql", body: `{"query":"` + document + `"}`, header: header}.of(handler)
		return answer.Code, answer.Body.String()
	}
	if status, _ := ask("", `{ __typename }`); status != http.StatusOK {
		t.Fatalf("the first: %d", status)
	}
	if status, body := ask("", `{ __typename }`); status != http.StatusTooManyRequests || !strings.Contains(body, "RATE_LIMITED") {
		t.Errorf("without a token: %d %s", status, body)
	}
	ended := hs256(t, newSecret, map[string]any{"exp": time.Now().Add(-time.Second).Unix()})
	for name, token := range map[string]string{"ended": ended, "forged": hs256(t, oldSecret, nil), "no token at all": "x"} {
		for _, document := range []string{`{ viewer { id } }`, `{ __typename }`, `none`} {
			if status, body := ask(token, document); status != http.StatusUnauthorized || !strings.Contains(body, "UNAUTHENTICATED") || !strings.Contains(body, "(how to get one)") {
				t.Errorf("%s, %s: %d %s", name, document, status, body)
			}
		}
	}
	groups.answer = func(context.Context) (channel.Group, error) {
		return channel.Group{}, channel.Unavailable(errors.New("down"))
	}
	if status, body := ask(hs256(t, newSecret, map[string]any{"jti": "2"}), `{ viewer { id } }`); status != http.StatusServiceUnavailable || !strings.Contains(body, "SHARD_UNAVAILABLE") {
		t.Errorf("without main: %d %s", status, body)
	}
}

// TestRateIsBounded remembers so many who ask, and no more.
func TestRateIsBounded(t *testing.T) {
	t.Parallel()
	r := newRated(Rate{PerSecond: 1, Burst: 1}, gate{})
	for i := range 100_001 {
		ctx := context.WithValue(t.Context(), requestKey{}, &request{address: strconv.Itoa(i)})
		if err := r.MutateOperationParameters(ctx, nil); err != nil {
			t.Fatalf("address %d: %v", i, err)
		}
	}
	if got := r.by.Len(); got != 100_000 {
		t.Errorf("%d are remembered", got)
	}
}
