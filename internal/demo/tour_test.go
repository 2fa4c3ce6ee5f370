package demo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"linkspan/internal/demo"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/server/servertest"
)

func TestMain(m *testing.M) { os.Exit(localpgtest.Main(m)) }

// tourOf is a tour on a server of the test, and what it shows.
func tourOf(t *testing.T, s *servertest.Server) (demo.TourConfig, *bytes.Buffer) {
	t.Helper()
	out := new(bytes.Buffer)
	config := demo.TourConfig{URL: s.URL + "/graphql", Tokens: make(map[string]string), Out: out, Width: 80}
	for _, user := range demo.TourUsers {
		config.Tokens[user] = servertest.Admin(t, user)
	}
	config.Tokens["hua@globex"] = servertest.Member(t, "hua@globex")
	return config, out
}

func TestTourCanBePlayedAgainAndAgain(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{})
	for range 2 {
		config, out := tourOf(t, s)
		if err := demo.Tour(t.Context(), config); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, shown := range []string{
			"1 Ana listens", "1 Gil listens", "2 Ana asks", "3 Gil hears", "4 Gil accepts", "5 Ana hears", "5 Gil hears",
			"6 Ana opens it", "6 Gil opens it", "7 Ivy (initech) tries", "8 Ana follows", "8 Gil follows", "9 Ana writes", "10 Gil hears",
			"11 Gil whispers", "12 Gil replies", "13 Ana hears", "13 Gil hears", "14 Ana reads", "14 Gil reads", "15 Ana asks a third", "16 Ivy (initech) accepts", "17 Ivy (initech) leaves", "18 Ana hears", "18 Gil hears",
			"19 Gil wants approvals", "20 Ana asks again", "21 Hua says yes", "AWAITING_APPROVAL", "22 Gil agrees", "23 Ana hears", "23 Gil hears", "ms after 22", "ms after 9", "ms after 12", "ms after 2", "ms after 4", "main, shard-", "Try next",
		} {
			if !strings.Contains(out.String(), shown) {
				t.Errorf("%q is not shown:\n%s", shown, out)
			}
		}
	}
	channels := s.Must(servertest.Admin(t, "gil@globex"), `{ viewer { sharedChannels { nodes { state initiator { handle } } } } }`, nil)
	states := make(map[any]int)
	for _, node := range servertest.Get[[]any](t, channels, "viewer", "sharedChannels", "nodes") {
		states[servertest.Get[string](t, node, "state")+" of "+servertest.Get[string](t, node, "initiator", "handle")]++
	}
	if states["ACTIVE of acme"] != 4 || states["CLOSED of globex"] != 1 || len(states) != 2 {
		t.Errorf("two tours left globex %v", states)
	}
	if policy := policyOfGlobex(t, s); policy != "ADMINS false 5" {
		t.Errorf("two tours left globex's policy as %s", policy)
	}
}

// policyOfGlobex is who may accept, whether that takes an approval, and the version.
func policyOfGlobex(t *testing.T, s *servertest.Server) string {
	t.Helper()
	seen := s.Must(servertest.Admin(t, "gil@globex"), `{ viewer { sharingPolicy { whoMayAccept incomingApproval version } } }`, nil)
	policy := servertest.Get[map[string]any](t, seen, "viewer", "sharingPolicy")
	return fmt.Sprint(policy["whoMayAccept"], " ", policy["incomingApproval"], " ", policy["version"])
}

// A policy that can't be put back is told of once, with what it was.
func TestTourTellsOfAPolicyThatStays(t *testing.T) {
	t.Parallel()
	s, calls := servertest.New(t, servertest.Options{}), 0
	config, out := tourOf(t, s)
	config.HTTP = &http.Client{Transport: tampering{"TourSetPolicy", config.Tokens["gil@globex"], func(answer string) string {
		if calls++; calls == 1 {
			return answer
		}
		return `{"errors":[{"message":"Lost."}]}`
	}}}
	err := demo.Tour(t.Context(), config)
	if err == nil || strings.Count(err.Error(), "whoMayAccept to ADMINS and incomingApproval to false by setSharingPolicy") != 1 || strings.Count(err.Error(), "Lost.") != 1 {
		t.Errorf("got %v, want it once, and how to put the policy back\n%s", err, out)
	}
}

func TestTourPutsThePolicyBack(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{})
	ctx, end := context.WithCancel(t.Context())
	defer end()
	for i, c := range []struct {
		operation, user string
		change          func(string) string
		want            string
	}{
		{"TourSetPolicy", "gil@globex", func(string) string { return `{"errors":[{"message":"Lost."}]}` }, "step 19 is not as it should be"},
		{"TourAccept", "hua@globex", strings.NewReplacer("AWAITING_APPROVAL", "ACCEPTED").Replace, "step 21 is not as it should be: the invitation's state is ACCEPTED"},
		{"TourNode", "hua@globex", func(answer string) string { end(); return answer }, "context canceled"},
	} {
		config, out := tourOf(t, s)
		config.HTTP = &http.Client{Transport: tampering{c.operation, config.Tokens[c.user], first(c.change)}}
		if err := demo.Tour(ctx, config); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "setSharingPolicy") {
			t.Errorf("got %v, want %q in it\n%s", err, c.want, out)
		}
		if policy, want := policyOfGlobex(t, s), fmt.Sprint("ADMINS false ", 3+2*i); policy != want {
			t.Errorf("after %s it is %s, want %s", c.operation, policy, want)
		}
	}
}

// tampering changes what a server answers to one user's requests with an operation in it.
type tampering struct {
	operation, token string
	change           func(body string) string
}

func (c tampering) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil {
		var err error
		if sent, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || !strings.Contains(string(sent), c.operation) || r.Header.Get("Authorization") != "Bearer "+c.token {
		return response, err
	}
	answer, err := io.ReadAll(response.Body)
	response.Body = io.NopCloser(strings.NewReader(c.change(string(answer))))
	return response, err
}

// first changes the first answer alone.
func first(change func(string) string) func(string) string {
	var done atomic.Bool
	return func(answer string) string {
		if done.Swap(true) {
			return answer
		}
		return change(answer)
	}
}

func TestTourSaysWhichStepIsNotAsItShouldBe(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{})
	replace := func(pairs ...string) func(string) string { return strings.NewReplacer(pairs...).Replace }
	for name, c := range map[string]struct {
		operation, user string
		change          func(string) string
		want            string
	}{
		"active too early": {"TourCreate", "ana@acme", replace("PENDING", "ACTIVE"), "step 2 is not as it should be: the channel's state is ACTIVE, not PENDING"},
		"a refusal": {"TourAccept", "gil@globex", func(string) string {
			return `{"data":{"acceptSharedChannel":{"sharedChannel":null,"errors":[{"code":"NOT_ALLOWED","message":"No."}]}}}`
		}, "step 4 is not as it should be: refused: NOT_ALLOWED: No."},
		"another name":       {"TourAccept", "gil@globex", replace("rocket", "racket"), "its name to globex is racket"},
		"one name for both":  {"TourNode", "gil@globex", replace("rocket-with-acme", "launch"), "step 6"},
		"a side is missing":  {"TourNode", "ana@acme", replace(`"handle":"globex"`, `"handle":"gone"`), "who is in it, to acme is acme, gone, not acme, globex"},
		"a third group sees": {"TourNode", "ivy@initech", func(string) string { return `{"data":{"node":{"id":"x"}}}` }, "step 7"},
		"no answer": {"TourNode", "ivy@initech", func(string) string {
			return `{"errors":[{"message":"Down.","extensions":{"code":"SHARD_UNAVAILABLE"}}]}`
		}, "step 7 is not as it should be: opening the channel as Ivy: SHARD_UNAVAILABLE: Down."},
		"a post is refused": {"TourPost", "ana@acme", func(string) string {
			return `{"data":{"postMessage":{"message":null,"errors":[{"code":"CHANNEL_NOT_ACTIVE","message":"No."}]}}}`
		}, "step 9 is not as it should be: refused: CHANNEL_NOT_ACTIVE: No."},
		"another message is told": {"TourPost", "ana@acme", replace(`"id":"msg_`, `"id":"msg_0`), "step 10 is not as it should be: the message that Gil hears"},
		"a private message is seen": {"TourRead", "ana@acme", replace(`"nodes":[`, `"nodes":[{"body":"psst","audience":"OWN_GROUP","author":{"name":"Gil"}},`),
			"step 14 is not as it should be: what acme reads is"},
		"a private message is lost": {"TourRead", "gil@globex", replace(`"audience":"OWN_GROUP"`, `"audience":"EVERYONE"`),
			"step 14 is not as it should be: what globex reads is"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, out := tourOf(t, s)
			config.HTTP = &http.Client{Transport: tampering{c.operation, config.Tokens[c.user], c.change}}
			err := demo.Tour(t.Context(), config)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it\n%s", err, c.want, out)
			}
			if strings.Contains(out.String(), "Try next") {
				t.Errorf("it goes on:\n%s", out)
			}
		})
	}
}

func TestTourSaysWhatToDoWhereItCanNotBegin(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{})
	for name, c := range map[string]struct {
		change func(*demo.TourConfig)
		want   string
	}{
		"no server":     {func(c *demo.TourConfig) { c.URL = "http://127.0.0.1:1/graphql" }, "run `make run` first"},
		"other server":  {func(c *demo.TourConfig) { c.URL = s.URL + "/other" }, "check LINKSPAN_URL"},
		"foreign token": {func(c *demo.TourConfig) { c.Tokens["ana@acme"] = "x" }, "LINKSPAN_DATA"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, out := tourOf(t, s)
			c.change(&config)
			if err := demo.Tour(t.Context(), config); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
			if out.Len() > 0 {
				t.Errorf("it shows %s", out)
			}
		})
	}
}

func TestTourEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{})
	ctx, end := context.WithCancel(t.Context())
	config, _ := tourOf(t, s)
	config.HTTP = &http.Client{Transport: tampering{"TourAccept", config.Tokens["gil@globex"], func(answer string) string {
		end()
		return answer
	}}}
	if err := demo.Tour(ctx, config); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
