package server_test

import (
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"linkspan/internal/server"
	"linkspan/internal/server/jwkstest"
	"linkspan/internal/server/servertest"
)

// What somebody gets who asks who it is, if not its own name: over HTTP a code, on a WebSocket the close code.
const (
	notSignedIn = "UNAUTHENTICATED, 4401"
	tokenEnded  = "UNAUTHENTICATED, 4403"
	comeBack    = "SHARD_UNAVAILABLE (retryable), 1013"
)

// ways asks with that token who it is, over HTTP and on a WebSocket of its own, and tells what both get; once if it is the same.
func ways(t *testing.T, s *place, token string) string {
	t.Helper()
	const document = `{ viewer { user { name } } }`
	said := func(answer servertest.Answer) string {
		if len(answer.Errors) > 0 {
			code := answer.Errors[0].Code()
			if retryable, _ := answer.Errors[0].Extensions["retryable"].(bool); retryable {
				code += " (retryable)"
			}
			return code
		}
		name, _ := find(answer.Data, "name")
		text, _ := name.(string)
		return text
	}
	var bySocket string
	k := knock(t, s, bearing{payload: token})
	if _, err := k.next(); err != nil {
		bySocket = fmt.Sprint(int(websocket.CloseStatus(err)))
	} else {
		answer, _ := k.answer(k.subscribe(document, nil))
		bySocket = said(answer)
	}
	_ = k.conn.CloseNow()
	byHTTP := said(s.Post(token, document, nil))
	if byHTTP == bySocket {
		return byHTTP
	}
	return byHTTP + ", " + bySocket
}

func expectBoth(t *testing.T, s *place, token, want, when string) {
	t.Helper()
	if got := ways(t, s, token); got != want {
		t.Errorf("%s: %s, want %s", when, got, want)
	}
}

// TestSignInByJWKS signs in by an identity provider's keys and by two secrets, over HTTP and WebSocket: before the provider
// is there, once it is, while its keys change, and while it hangs.
func TestSignInByJWKS(t *testing.T) {
	t.Parallel()
	rsa, ec, ed := jwkstest.NewKey(t, "rsa", "RS256"), jwkstest.NewKey(t, "ec", "ES256"), jwkstest.NewKey(t, "ed", "EdDSA")
	provider := jwkstest.New()
	provider.Fails()
	previous := []byte("the secret before that of the tests, thirty-two bytes or more")
	const issuer = "https://id.example/"
	s := newPlace(servertest.New(t, servertest.Options{Shards: -1, Tokens: &server.TokenConfig{
		Secrets: [][]byte{servertest.Secret, previous}, JWKSURL: provider.Listen(t), JWKSRefresh: 50 * time.Millisecond, Issuer: issuer,
	}}), "")
	good := claims(object{"iss": issuer})
	expectBoth(t, s, rsa.Sign(t, good), comeBack, "before the provider is there")
	for name, secret := range map[string][]byte{"the secret": servertest.Secret, "the previous secret": previous} {
		expectBoth(t, s, signed(t, jwt.SigningMethodHS256, secret, good), "ana", "by "+name)
	}
	if answer := s.Post("", `{ __typename }`, nil); len(answer.Errors) > 0 {
		t.Errorf("introspection before the provider is there: %s", answer.Body)
	}

	provider.Has(rsa, ec, ed)
	servertest.Eventually(t, "tokens of the provider are taken", func() bool {
		return len(s.Post(rsa.Sign(t, good), `{ viewer { id } }`, nil).Errors) == 0
	})
	der, err := x509.MarshalPKIXPublicKey(rsa.Private.Public())
	if err != nil {
		t.Fatal(err)
	}
	known := rsa.Sign(t, good)
	for name, c := range map[string]struct{ token, want string }{
		"RS256": {known, "ana"}, "ES256": {ec.Sign(t, good), "ana"}, "EdDSA": {ed.Sign(t, good), "ana"},
		"HS256 by a public key": {jwkstest.Sign(t, jwt.SigningMethodHS256, der, map[string]any{"kid": "rsa"}, good), notSignedIn},
		"a foreign key":         {jwkstest.NewKey(t, "ec", "ES256").Sign(t, good), notSignedIn},
		"another issuer":        {ec.Sign(t, claims(object{"iss": "https://evil.example/"})), notSignedIn},
		"another audience":      {ec.Sign(t, claims(object{"iss": issuer, "aud": "elsewhere"})), notSignedIn},
		"ended":                 {ec.Sign(t, claims(object{"iss": issuer, "exp": time.Now().Unix()})), tokenEnded},
	} {
		expectBoth(t, s, c.token, c.want, name)
	}

	provider.Has(ec)
	servertest.Eventually(t, "the key has left", func() bool {
		answer := s.Post(known, `{ viewer { id } }`, nil)
		return len(answer.Errors) > 0 && answer.Errors[0].Code() == "UNAUTHENTICATED"
	})
	expectBoth(t, s, known, notSignedIn, "known, its key has left")
	provider.Hangs()
	expectBoth(t, s, ec.Sign(t, claims(object{"iss": issuer, "name": "Ana"})), "Ana", "new, its key is known, while the provider hangs")
	if log := s.Logs.String(); !strings.Contains(log, "the JWKS was read") || strings.Contains(log, "eyJ") {
		t.Error("the log does not tell of the set, or has a token")
	}
}
