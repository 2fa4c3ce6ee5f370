package server_test

import (
	"strconv"
	"strings"
	"testing"

	"linkspan/internal/server"
	"linkspan/internal/server/servertest"
)

// TestRate refuses who asks too often, on whatever way, and nobody else.
func TestRate(t *testing.T) {
	t.Parallel()
	const burst = 5
	s := servertest.New(t, servertest.Options{Edge: server.Config{Rate: server.Rate{PerSecond: 0.01, Burst: burst}}})
	ana, ben := servertest.Admin(t, "ana@acme"), servertest.Member(t, "ben@acme")
	k := dial(t, newPlace(s, ""), bearing{payload: ana})
	for i := range burst {
		if i%2 == 0 {
			s.Must(ana, `{ viewer { id } }`, nil)
		} else if answer, _ := k.answer(k.subscribe(`{ viewer { id } }`, nil)); len(answer.Errors) > 0 {
			t.Fatalf("request %d: %s", i, answer.Body)
		}
	}
	answer := s.Post(ana, `{ viewer { id } }`, nil)
	seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	if answer.Status != 429 || err != nil || seconds < 90 || seconds > 100 || answer.Errors[0].Code() != "RATE_LIMITED" || answer.Errors[0].Extensions["retryable"] != true {
		t.Errorf("one too many: %d, Retry-After %d, %s", answer.Status, seconds, answer.Body)
	}
	on, _ := k.answer(k.subscribe(`subscription { inbox { cursor } }`, nil))
	if after, _ := on.Errors[0].Extensions["retryAfter"].(float64); on.Errors[0].Code() != "RATE_LIMITED" || after < 90 || after > 100 {
		t.Errorf("on a socket: %s", on.Body)
	}
	s.Must(ben, `{ viewer { id } }`, nil)
	for range burst {
		s.Must("", `{ __typename }`, nil)
	}
	if answer := s.Post("", `{ __typename }`, nil); answer.Status != 429 || !strings.Contains(answer.Body, "RATE_LIMITED") {
		t.Errorf("nobody in particular: %d %s", answer.Status, answer.Body)
	}
}
