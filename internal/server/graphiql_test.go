package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"linkspan/internal/channel"
)

// signsIn is how dev has users signed in: known by their names alone.
var signsIn = &GraphiQL{Token: func(user string) (string, error) {
	sub, group, ok := strings.Cut(user, "@")
	if !ok {
		return "", errors.New("it is not USER@GROUP")
	}
	return SignToken(fuzzSecret, Claims{Group: group, Role: RoleAdmin, RegisteredClaims: jwt.RegisteredClaims{Subject: sub}}, time.Hour)
}}

// visit is a request to the page or for a token, as it would reach a server that listens on loopback.
type visit struct {
	method, target, host, body string
	header                     http.Header
}

func (v visit) answer(s *Server) *httptest.ResponseRecorder { return v.of(s.Handler()) }

func (v visit) of(handler http.Handler) *httptest.ResponseRecorder {
	request := httptest.NewRequest(v.method, v.target, strings.NewReader(v.body))
	request.Host = v.host
	for name, values := range v.header {
		request.Header[name] = values
	}
	if v.method == http.MethodPost && request.Header.Get("Content-Type") == "" {
		request.Header.Set("Content-Type", "application/json")
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer
}

const here = "127.0.0.1:8080"

func pageAs(user, host string) visit {
	return visit{method: http.MethodGet, target: "/graphiql?as=" + user, host: host}
}

func tokenFor(user, host string) visit {
	return visit{method: http.MethodPost, target: "/graphiql/sign-in", host: host, body: `{"as":"` + user + `"}`}
}

// TestGraphiQLSignsInOnThisMachineAlone has both of the contract's conditions hold, and each of them not.
func TestGraphiQLSignsInOnThisMachineAlone(t *testing.T) {
	t.Parallel()
	hosts := map[string]bool{
		here: true, "127.0.0.1": true, "localhost": true, "localhost:8080": true, "LOCALHOST:8080": true, "[::1]": true, "[::1]:8080": true,
		"127.0.0.2:8080": true,
		"":               false, "evil.example": false, "evil.example:8080": false, "localhost.evil.example": false, "127.0.0.1.evil.example:8080": false,
		"192.168.0.7:8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "127.1": false, "foo.localhost": false, "[::1%eth0]:8080": false,
		"127.0.0.1:8080@evil.example": false, "evil.example, 127.0.0.1": false, "127.0.0.1:": false,
	}
	for _, loopback := range []bool{true, false} {
		logger, log := logged()
		s := New(Config{GraphiQL: signsIn, Tokens: NewTokens(TokenConfig{Secrets: [][]byte{fuzzSecret}}, acme), Logger: logger})
		s.loopback.Store(loopback)
		handler := s.Handler()
		for host, here := range hosts {
			want := http.StatusForbidden
			if loopback && here {
				want = http.StatusOK
			}
			page, token := pageAs("ana@acme", host).of(handler), tokenFor("ana@acme", host).of(handler)
			if page.Code != want || token.Code != want {
				t.Errorf("listens on loopback: %v, host %q: the page %d, the token %d", loopback, host, page.Code, token.Code)
			}
			if given := strings.Contains(token.Body.String(), "eyJ"); given != (want == http.StatusOK) || strings.Contains(page.Body.String(), "eyJ") {
				t.Errorf("listens on loopback: %v, host %q: a token is given: %v", loopback, host, given)
			}
			if want != http.StatusOK && !strings.Contains(page.Body.String(), "Users are signed in by name only") {
				t.Errorf("host %q: the page says %s", host, page.Body)
			}
			if cookies := append(page.Result().Cookies(), token.Result().Cookies()...); len(cookies) > 0 {
				t.Errorf("host %q: cookies %v", host, cookies)
			}
		}
		for _, secret := range []string{"eyJ", "ana", string(fuzzSecret)} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log has %q: %s", secret, log)
			}
		}
	}
}

// TestGraphiQLSignsNobodyInThroughAProxy holds each header by which a proxy makes itself known.
func TestGraphiQLSignsNobodyInThroughAProxy(t *testing.T) {
	t.Parallel()
	s := graphiqlHere(acme)
	for name, value := range map[string]string{
		"Forwarded": "for=192.0.2.1", "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Host": here, "X-Forwarded-Proto": "http", "Via": "1.1 proxy",
		"X-Real-IP": "192.0.2.1", "CF-Connecting-IP": "192.0.2.1", "True-Client-IP": "192.0.2.1", "X-Other": "",
	} {
		want := http.StatusForbidden
		if value == "" {
			want = http.StatusOK
		}
		for what, v := range map[string]visit{"the page": pageAs("ana@acme", here), "a token": tokenFor("ana@acme", here)} {
			v.header = make(http.Header)
			v.header.Set(name, value)
			answer := v.answer(s)
			if answer.Code != want || value != "" && !strings.Contains(answer.Body.String(), "through a proxy") {
				t.Errorf("%s with %s: %d %s", what, name, answer.Code, answer.Body)
			}
		}
	}
}

// TestGraphiQLListensToItsListener: it is the listener that says who can reach the server, whatever is asked for.
func TestGraphiQLListensToItsListener(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]int{"127.0.0.1:0": http.StatusOK, "0.0.0.0:0": http.StatusForbidden} {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		logger, _ := logged()
		s := New(Config{GraphiQL: signsIn, Tokens: NewTokens(TokenConfig{Secrets: [][]byte{fuzzSecret}}, acme), Logger: logger})
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- s.Serve(ctx, listener) }()
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		response, err := http.Get("http://127.0.0.1:" + port + "/graphiql?as=ana@acme")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %d", address, response.StatusCode)
		}
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
}

func TestGraphiQLGivesATokenOfWhoIsNamed(t *testing.T) {
	t.Parallel()
	s := graphiqlHere(acme)
	answer := tokenFor("ana@acme", here).answer(s)
	var body struct{ Token string }
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil || answer.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%v %s: %v", answer.Header(), answer.Body, err)
	}
	viewer, err := s.config.Tokens.Verify(t.Context(), body.Token)
	if err != nil || viewer.User.Name != "ana" || viewer.Group.Handle != "acme" || viewer.Role != channel.RoleAdmin {
		t.Errorf("%v %v", viewer, err)
	}
}

// TestGraphiQLRefusesInWords lists who is not signed in though both conditions hold, and what they are told.
func TestGraphiQLRefusesInWords(t *testing.T) {
	t.Parallel()
	with := func(v visit, header ...string) visit {
		v.header = make(http.Header)
		for i := 0; i < len(header); i += 2 {
			v.header.Set(header[i], header[i+1])
		}
		return v
	}
	post := func(body string) visit {
		return visit{method: http.MethodPost, target: "/graphiql/sign-in", host: here, body: body}
	}
	for name, test := range map[string]struct {
		visit  visit
		status int
		says   string
	}{
		"no name":               {pageAs("", here), http.StatusBadRequest, "not USER@GROUP"},
		"half a name":           {pageAs("ana", here), http.StatusBadRequest, "not USER@GROUP"},
		"no subject":            {pageAs("@acme", here), http.StatusNotFound, "no group that is registered"},
		"a group that is none":  {pageAs("ana@nobody", here), http.StatusNotFound, "ana@nobody is of no group"},
		"markup":                {pageAs("%3Cscript%3E@x", here), http.StatusNotFound, "&lt;script&gt;@x"},
		"two names":             {pageAs("ana@acme&as=gil@acme", here), http.StatusBadRequest, "Name one user"},
		"a proxy's page":        {with(pageAs("ana@acme", here), "X-Forwarded-Host", "evil.example"), http.StatusForbidden, "through a proxy"},
		"a proxy's word":        {with(pageAs("ana@acme", "evil.example"), "X-Forwarded-Host", here), http.StatusForbidden, "at an address of this machine"},
		"a proxy's token":       {with(tokenFor("ana@acme", here), "Forwarded", "for=192.0.2.1"), http.StatusForbidden, "through a proxy"},
		"another site":          {with(tokenFor("ana@acme", here), "Sec-Fetch-Site", "cross-site"), http.StatusForbidden, "own page"},
		"another port's page":   {with(tokenFor("ana@acme", here), "Origin", "http://127.0.0.1:9999"), http.StatusForbidden, "own page"},
		"a form":                {with(tokenFor("ana@acme", here), "Content-Type", "text/plain"), http.StatusUnsupportedMediaType, "application/json"},
		"no JSON":               {post("as=ana@acme"), http.StatusBadRequest, "A sign-in is"},
		"a long body":           {post(`{"as":"` + strings.Repeat("a", maxSignInBytes) + `"}`), http.StatusBadRequest, "A sign-in is"},
		"a group that is wrong": {tokenFor("ana@NOBODY", here), http.StatusNotFound, "ana@NOBODY is of no group"},
	} {
		answer := test.visit.answer(graphiqlHere(acme))
		if answer.Code != test.status || !strings.Contains(answer.Body.String(), test.says) {
			t.Errorf("%s: %d %s", name, answer.Code, answer.Body)
		}
		if strings.Contains(answer.Body.String(), "eyJ") {
			t.Errorf("%s: a token is given", name)
		}
	}
	if answer := (visit{method: http.MethodGet, target: "/graphiql/sign-in?as=ana@acme", host: here}).answer(graphiqlHere(acme)); answer.Code < 400 {
		t.Errorf("a GET for a token: %d %s", answer.Code, answer.Body)
	}
	broken := tokenFor("ana@acme", here).answer(graphiqlHere(brokenGroups{}))
	if broken.Code != http.StatusServiceUnavailable || strings.Contains(broken.Body.String(), "broken") {
		t.Errorf("without main: %d %s", broken.Code, broken.Body)
	}
}

// TestGraphiQLIsOff where nobody asked for it, and signs nobody in where that is not dev.
func TestGraphiQLIsOff(t *testing.T) {
	t.Parallel()
	logger, _ := logged()
	for _, target := range []string{"/graphiql", "/graphiql/", "/graphiql/index.html", "/graphiql?as=ana@acme"} {
		off := New(Config{Tokens: NewTokens(TokenConfig{Secrets: [][]byte{fuzzSecret}}, acme), Logger: logger})
		off.loopback.Store(true)
		if answer := (visit{method: http.MethodGet, target: target, host: here}).answer(off); answer.Code != http.StatusNotFound {
			t.Errorf("off: %s: %d", target, answer.Code)
		}
	}
	serve := New(Config{GraphiQL: &GraphiQL{}, Tokens: NewTokens(TokenConfig{Secrets: [][]byte{fuzzSecret}}, acme), Logger: logger})
	serve.loopback.Store(true)
	for v, want := range map[*visit]int{
		{method: http.MethodGet, target: "/graphiql", host: "linkspan.example"}:                       http.StatusOK,
		{method: http.MethodGet, target: "/graphiql?as=ana@acme", host: here}:                         http.StatusForbidden,
		{method: http.MethodPost, target: "/graphiql/sign-in", host: here, body: `{"as":"ana@acme"}`}: http.StatusForbidden,
	} {
		answer := v.answer(serve)
		if body, _ := io.ReadAll(answer.Body); answer.Code != want || (want != http.StatusOK && !strings.Contains(string(body), "Only `linkspan dev`")) {
			t.Errorf("serve: %s %s: %d %s", v.method, v.target, answer.Code, body)
		}
	}
}

// graphiqlHere is a server on loopback that signs users in by name.
func graphiqlHere(groups GroupFinder) *Server {
	logger, _ := logged()
	s := New(Config{GraphiQL: signsIn, Tokens: NewTokens(TokenConfig{Secrets: [][]byte{fuzzSecret}}, groups), Logger: logger})
	s.loopback.Store(true)
	return s
}
