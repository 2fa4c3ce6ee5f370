package server_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"linkspan/internal/server/servertest"
)

// claims returns those of a good token with changes; nil takes one away.
func claims(changes object) jwt.MapClaims {
	good := jwt.MapClaims{
		"sub": "ana", "group": "acme", "role": "admin", "aud": "linkspan", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
	}
	for name, value := range changes {
		if good[name] = value; value == nil {
			delete(good, name)
		}
	}
	return good
}

func signed(t testing.TB, method jwt.SigningMethod, key any, c jwt.Claims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(method, c).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// badTokens are Authorization headers that sign nobody in.
func badTokens(t *testing.T) map[string]string {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	armored := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	hs := func(changes object) string {
		return signed(t, jwt.SigningMethodHS256, servertest.Secret, claims(changes))
	}
	good := hs(nil)
	parts := strings.Split(good, ".")
	part := func(value any) string {
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(encoded)
	}
	worded := func(claims string) string { // claims as they are written, in that order
		text := parts[0] + "." + part(json.RawMessage(claims))
		signature, err := jwt.SigningMethodHS256.Sign(text, servertest.Secret)
		if err != nil {
			t.Fatal(err)
		}
		return text + "." + base64.RawURLEncoding.EncodeToString(signature)
	}
	const past, future = "1", "4102444800"
	headers := map[string]string{}
	for name, token := range map[string]string{
		"no token behind Bearer": "", "a word": "secret", "two parts": parts[0] + "." + parts[1], "four parts": good + ".x", "no signature": parts[0] + "." + parts[1] + ".",
		"another's signature":   parts[0] + "." + parts[1] + "." + strings.Split(hs(object{"sub": "ben"}), ".")[2],
		"changed claims":        parts[0] + "." + part(claims(object{"sub": "eve"})) + "." + parts[2],
		"garbled signature":     parts[0] + "." + parts[1] + "." + flipped(parts[2]),
		"wrong key":             signed(t, jwt.SigningMethodHS256, []byte("another secret, thirty-two bytes long"), claims(nil)),
		"empty key":             signed(t, jwt.SigningMethodHS256, []byte{}, claims(nil)),
		"alg none":              signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims(nil)),
		"alg None":              part(object{"alg": "None", "typ": "JWT"}) + "." + parts[1] + ".",
		"alg NONE, signed":      part(object{"alg": "NONE"}) + "." + parts[1] + "." + parts[2],
		"no alg":                part(object{"typ": "JWT"}) + "." + parts[1] + "." + parts[2],
		"HS384":                 signed(t, jwt.SigningMethodHS384, servertest.Secret, claims(nil)),
		"HS512":                 signed(t, jwt.SigningMethodHS512, servertest.Secret, claims(nil)),
		"RS256":                 signed(t, jwt.SigningMethodRS256, private, claims(nil)),
		"PS256":                 signed(t, jwt.SigningMethodPS256, private, claims(nil)),
		"HS256 by a public key": signed(t, jwt.SigningMethodHS256, armored, claims(nil)),
		"RS256 header":          part(object{"alg": "RS256"}) + "." + parts[1] + "." + parts[2],
		"expired":               hs(object{"exp": time.Now().Add(-time.Second).Unix()}),
		"expired long ago":      hs(object{"exp": 1}),
		"missing exp":           hs(object{"exp": nil}), "exp as text": hs(object{"exp": "tomorrow"}), "exp 0": hs(object{"exp": 0}), "exp null": hs(object{"exp": json.RawMessage("null")}),
		"not yet valid": hs(object{"nbf": time.Now().Add(time.Minute).Unix()}), "from the future": hs(object{"iat": time.Now().Add(time.Minute).Unix()}),
		"missing aud": hs(object{"aud": nil}), "wrong aud": hs(object{"aud": "elsewhere"}), "aud in capitals": hs(object{"aud": "Linkspan"}), "empty auds": hs(object{"aud": []string{}}),
		"wrong auds": hs(object{"aud": []string{"a", "b"}}), "longer aud": hs(object{"aud": "linkspan2"}),
		"missing sub": hs(object{"sub": nil}), "empty sub": hs(object{"sub": ""}), "sub of 256 bytes": hs(object{"sub": strings.Repeat("a", 256)}),
		"sub with NUL": hs(object{"sub": "an\x00a"}), "sub that is a number": hs(object{"sub": 7}),
		"missing role": hs(object{"role": nil}), "empty role": hs(object{"role": ""}), "unknown role": hs(object{"role": "owner"}), "role in capitals": hs(object{"role": "ADMIN"}),
		"missing group": hs(object{"group": nil}), "empty group": hs(object{"group": ""}), "unknown group": hs(object{"group": "nobody"}), "group in capitals": hs(object{"group": "ACME"}),
		"group with NUL": hs(object{"group": "ac\x00me"}), "huge group": hs(object{"group": strings.Repeat("a", 10_000)}), "group that is a list": hs(object{"group": []string{"acme"}}),
		"ROLE for role":       worded(`{"sub":"ana","group":"acme","aud":"linkspan","exp":` + future + `,"ROLE":"admin"}`),
		"ROLE of an operator": worded(`{"sub":"ana","aud":"linkspan","exp":` + future + `,"ROLE":"operator"}`),
		"Group for group":     worded(`{"sub":"ana","role":"admin","aud":"linkspan","exp":` + future + `,"Group":"acme"}`),
		"ſub for sub":         worded(`{"group":"acme","role":"admin","aud":"linkspan","exp":` + future + `,"ſub":"ana"}`),
		"EXP behind exp":      worded(`{"sub":"ana","group":"acme","role":"admin","aud":"linkspan","exp":` + past + `,"EXP":` + future + `}`),
		"Aud behind aud":      worded(`{"sub":"ana","group":"acme","role":"admin","aud":"elsewhere","exp":` + future + `,"Aud":"linkspan"}`),
		"two of a name":       worded(`{"sub":"eve","sub":"ana","group":"acme","role":"admin","aud":"linkspan","exp":` + future + `}`),
		"operator of a group": hs(object{"role": "operator"}), "member of no group": hs(object{"role": "member", "group": nil}),
	} {
		headers[name] = "Bearer " + token
	}
	headers["no header"] = ""
	headers["another scheme"] = "Basic " + base64.StdEncoding.EncodeToString([]byte("ana:secret"))
	headers["scheme alone"] = "Bearer"
	headers["token alone"] = good
	headers["two tokens"] = "Bearer " + good + ", Bearer " + good
	return headers
}

// send posts or gets a document with any Authorization header under a given request id, and returns the whole answer.
func send(t *testing.T, s *place, method, authorization, document string) (int, string, http.Header) {
	t.Helper()
	body, err := json.Marshal(object{"query": document})
	if err != nil {
		t.Fatal(err)
	}
	target, reader := s.URL+"/graphql", io.Reader(strings.NewReader(string(body)))
	if method == http.MethodGet {
		target, reader = target+"?query="+url.QueryEscape(document), http.NoBody
	}
	request, err := http.NewRequestWithContext(t.Context(), method, target, reader)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Request-Id", "the-same-for-all")
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	response.Header.Del("Date")
	return response.StatusCode, string(text), response.Header
}

// TestSignIn lets in who should be, in every way there is, and nobody else.
func TestSignIn(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{}), "")
	for name, test := range map[string]func(t *testing.T, s *place){
		"good tokens": testGoodTokens, "introspection": testIntrospectionWithoutToken, "socket": testSocketSignIn,
		"socket with a bad token": testSocketBadToken, "socket ends with its token": testSocketEndsWithToken,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}

// testBadTokens refuses all bad tokens by the same bytes.
func testBadTokens(t *testing.T, s *place, d *databases) {
	const mutation = `mutation { createSharedChannel(input: {target: {handle: "globex"}, name: "launch"}) { errors { code } } }`
	for _, document := range []string{`{ viewer { id } }`, `{ group(handle: "acme") { id } }`, mutation} {
		var want string
		for name, authorization := range badTokens(t) {
			status, got, header := send(t, s, http.MethodPost, authorization, document)
			if want == "" {
				want = got
				if !strings.Contains(got, `"code":"UNAUTHENTICATED"`) || !strings.Contains(got, "(how to get one)") || !strings.Contains(got, `"requestId":"the-same-for-all"`) ||
					!strings.Contains(got, `"retryable":false`) || strings.Contains(got, `"data":{`) {
					t.Errorf("%s: %s", name, got)
				}
			}
			if got != want || status != http.StatusOK || header.Get("Content-Type") != "application/json; charset=utf-8" {
				t.Errorf("%s: %d %v %s, and others %s", name, status, header, got, want)
			}
		}
	}
	d.unchanged(t)
	for _, secret := range []string{"eyJ", "tomorrow"} { // how tokens begin, and a claim of one
		if strings.Contains(s.Logs.String(), secret) {
			t.Errorf("%q of a token is in the log", secret)
		}
	}
}

// testGoodTokens signs in whoever should be.
func testGoodTokens(t *testing.T, s *place) {
	hs := func(changes object) string {
		return signed(t, jwt.SigningMethodHS256, servertest.Secret, claims(changes))
	}
	const document = `{ viewer { user { id name } group { handle } role } }`
	for name, c := range map[string]struct{ authorization, want string }{
		"an admin":            {"Bearer " + hs(nil), `"name":"ana"},"group":{"handle":"acme"},"role":"ADMIN"`},
		"a member":            {"Bearer " + hs(object{"role": "member", "group": "globex"}), `"name":"ana"},"group":{"handle":"globex"},"role":"MEMBER"`},
		"a name":              {"Bearer " + hs(object{"name": " Ana Ålund "}), `"name":"Ana Ålund"`},
		"a blank name":        {"Bearer " + hs(object{"name": "  "}), `"name":"ana"`},
		"too long a name":     {"Bearer " + hs(object{"name": strings.Repeat("a", 81)}), `"name":"ana"`},
		"a decomposed name":   {"Bearer " + hs(object{"name": "Cafe\u0301"}), "\"name\":\"Caf\u00e9\""},
		"a name that turns":   {"Bearer " + hs(object{"name": "Ana\u202e"}), `"name":"ana"`},
		"a name of nothing":   {"Bearer " + hs(object{"name": "\u200b\u3164"}), `"name":"ana"`},
		"a name of two lines": {"Bearer " + hs(object{"name": "Ana\nsays"}), `"name":"ana"`},
		"a sub that turns":    {"Bearer " + hs(object{"sub": "ana\u202e"}), "\"name\":\"ana\ufffd\""},
		"a sub of nothing":    {"Bearer " + hs(object{"sub": "\u200b", "name": " "}), "\"name\":\"\ufffd\""},
		"a name with NUL":     {"Bearer " + hs(object{"name": "A\x00"}), `"name":"ana"`},
		"several audiences":   {"Bearer " + hs(object{"aud": []string{"elsewhere", "linkspan"}}), `"role":"ADMIN"`},
		"the longest sub":     {"Bearer " + hs(object{"sub": strings.Repeat("a", 255)}), `"name":"` + strings.Repeat("a", 255)},
		"a scheme in capital": {"BEARER " + hs(nil), `"role":"ADMIN"`},
		"an operator":         {"Bearer " + hs(object{"role": "operator", "group": nil}), `"viewer":null`},
	} {
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			if status, got, _ := send(t, s, method, c.authorization, document); status != http.StatusOK || !strings.Contains(got, c.want) || strings.Contains(got, `"errors"`) {
				t.Errorf("%s by %s: %d %s, want %s in it", name, method, status, got, c.want)
			}
		}
	}
	// A user is known by group and sub: the name and the role change nothing.
	_, one, _ := send(t, s, http.MethodPost, "Bearer "+hs(object{"name": "Ana"}), `{ viewer { user { id } } }`)
	_, two, _ := send(t, s, http.MethodPost, "Bearer "+hs(object{"name": "Ana A.", "role": "member"}), `{ viewer { user { id } } }`)
	_, other, _ := send(t, s, http.MethodPost, "Bearer "+hs(object{"group": "globex"}), `{ viewer { user { id } } }`)
	if one != two || one == other {
		t.Errorf("ids of a user: %s, %s, and of a namesake: %s", one, two, other)
	}
}

// testIntrospectionWithoutToken lets the schema itself be asked by anybody, and nothing beside it.
func testIntrospectionWithoutToken(t *testing.T, s *place) {
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		for _, document := range []string{
			`{ __typename }`, `{ __schema { queryType { name } } }`, `{ __type(name: "Viewer") { name } }`, `{ a: __typename b: __schema { types { name } } }`,
			`query Q { ...F } fragment F on Query { ... { ...G } } fragment G on Query { __schema { queryType { name } } }`, `{ ... on Query { __typename } }`,
			`query One { __typename }`, `{ __typename @include(if: true) }`,
		} {
			if status, got, _ := send(t, s, method, "", document); status != http.StatusOK || strings.Contains(got, `"errors"`) || !strings.Contains(got, `"Query"`) && !strings.Contains(got, `"Viewer"`) {
				t.Errorf("%s %s: %d %s", method, document, status, got)
			}
		}
		for _, document := range []string{
			`{ __typename viewer { id } }`, `{ viewer { __typename } }`, `{ __schema { queryType { name } } group(handle: "acme") { id } }`,
			`{ ...F } fragment F on Query { __typename ...G } fragment G on Query { viewer { id } }`, `{ __typename ... { ... on Query { group(handle: "acme") { id } } } }`,
			`{ __typename: viewer { id } }`, `{ __typename viewer @skip(if: true) { id } }`, `{ node(id: "chn_x") { id } }`,
		} {
			if _, got, _ := send(t, s, method, "", document); !strings.Contains(got, `"code":"UNAUTHENTICATED"`) || strings.Contains(got, `"data":{`) {
				t.Errorf("%s %s: %s", method, document, got)
			}
		}
	}
	if _, got, _ := send(t, s, http.MethodPost, "", `mutation { __typename }`); strings.Contains(got, `"errors"`) {
		t.Errorf("mutation { __typename }: %s", got)
	}
}

// testSocketSignIn signs sockets in by connection_init and by the upgrade's header.
func testSocketSignIn(t *testing.T, s *place) {
	expired := signed(t, jwt.SigningMethodHS256, servertest.Secret, claims(object{"exp": time.Now().Add(-time.Second).Unix()}))
	const document = `{ viewer { user { name } } }`
	refused := map[string]bool{} // the bytes of refusals, which must all be the same
	for name, c := range map[string]struct {
		by   bearing
		want string // who is signed in; "" nobody
	}{
		"by payload":                      {bearing{payload: s.as("ana@acme")}, "Ana"},
		"by header":                       {bearing{header: s.as("ana@acme")}, "Ana"},
		"by both":                         {bearing{header: s.as("ana@acme"), payload: s.as("gil@globex")}, "Gil"},
		"by payload, the header's is bad": {bearing{header: expired, payload: s.as("gil@globex")}, "Gil"},
		"by neither":                      {bearing{}, ""},
	} {
		k := dial(t, s, c.by)
		for _, document := range []string{document, `subscription { inbox { __typename } }`} {
			id := k.subscribe(document, nil)
			answer, _ := k.answer(id)
			if c.want == "" {
				if len(answer.Errors) == 0 || answer.Errors[0].Code() != "UNAUTHENTICATED" || !strings.Contains(answer.Errors[0].Message, "(how to get one)") {
					t.Errorf("%s: %s gets %s", name, document, answer.Body)
				}
				refused[anonymous(answer.Body)] = true
				continue
			}
			if user, _ := find(answer.Data, "name"); len(answer.Errors) > 0 || strings.HasPrefix(document, "{") && user != c.want {
				t.Errorf("%s: %s gets %s, want %s", name, document, answer.Body, c.want)
			}
		}
		if answer, _ := k.answer(k.subscribe(`{ __typename }`, nil)); len(answer.Errors) > 0 || answer.Data["__typename"] != "Query" {
			t.Errorf("%s: introspection gets %s", name, answer.Body)
		}
	}
	if len(refused) != 1 {
		t.Errorf("refusals differ: %v", refused)
	}
}

// testSocketBadToken closes sockets whose token is no good, and says whether another one of the same kind would help. A good
// token in the header does not make up for the payload's.
func testSocketBadToken(t *testing.T, s *place) {
	expired := signed(t, jwt.SigningMethodHS256, servertest.Secret, claims(object{"exp": time.Now().Add(-time.Second).Unix()}))
	forged := signed(t, jwt.SigningMethodHS256, []byte("another secret, thirty-two bytes long"), claims(nil))
	good := s.as("ana@acme")
	for name, c := range map[string]struct {
		by   bearing
		want websocket.StatusCode
	}{
		"expired in the payload": {bearing{payload: expired}, 4403}, "expired in the header": {bearing{header: expired}, 4403},
		"forged in the payload": {bearing{payload: forged}, 4401}, "forged in the header": {bearing{header: forged}, 4401},
		"garbled": {bearing{payload: flipped(good)}, 4401}, "a word": {bearing{payload: "secret"}, 4401},
		"expired in the payload, good in the header": {bearing{payload: expired, header: good}, 4403},
	} {
		k := knock(t, s, c.by)
		if f, err := k.next(); websocket.CloseStatus(err) != c.want {
			t.Errorf("%s: %v %v, want %d", name, f, err, c.want)
		}
	}
}

// testSocketEndsWithToken keeps a socket no longer than its token, whichever way it came.
func testSocketEndsWithToken(t *testing.T, s *place) {
	ends := time.Now().Truncate(time.Second).Add(2 * time.Second)
	token := signed(t, jwt.SigningMethodHS256, servertest.Secret, claims(object{"exp": ends.Unix()}))
	ways := map[string]*socket{"payload": dial(t, s, bearing{payload: token}), "header": dial(t, s, bearing{header: token})}
	for way, k := range ways {
		if event := k.event(k.subscribe(`subscription { inbox { __typename } }`, nil)); event["__typename"] != "InboxCheckpoint" {
			t.Fatalf("%s: first comes %v", way, event)
		}
	}
	for way, k := range ways {
		f, err := k.next()
		for err == nil && f.Type == "complete" {
			f, err = k.next()
		}
		if now := time.Now(); err == nil || websocket.CloseStatus(err) != 4403 {
			t.Errorf("%s: the socket was not closed: %v %v", way, f, err)
		} else if now.Before(ends) || now.After(ends.Add(patience/2)) {
			t.Errorf("%s: the token ended at %v and the socket at %v", way, ends, now)
		}
	}
}
