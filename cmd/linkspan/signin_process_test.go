//go:build long

package main_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"linkspan/internal/gqlclient"
	"linkspan/internal/server/jwkstest"
	"linkspan/internal/server/servertest"
	"linkspan/internal/store/storetest"
)

// who asks a server who bears the token.
func who(t testing.TB, url, token string) string {
	t.Helper()
	client := &gqlclient.Client{URL: url, Token: token}
	var data struct {
		Viewer struct{ User struct{ Name string } }
	}
	if err := client.Do(t.Context(), `{ viewer { user { name } } }`, "", nil, &data); err != nil {
		return err.Error()
	}
	return data.Viewer.User.Name
}

// TestServeWithJWKS starts the program before its identity provider, and has it take tokens of each kind of key once that
// is there; operators come by a secret.
func TestServeWithJWKS(t *testing.T) {
	t.Parallel()
	var keys []*jwkstest.Key
	for _, algorithm := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		keys = append(keys, jwkstest.NewKey(t, algorithm, algorithm))
	}
	provider := jwkstest.New()
	provider.Fails()
	const issuer = "https://id.example/"
	env := serveEnv(storetest.Config(t, 1), "LINKSPAN_JWKS_URL="+provider.Listen(t), "LINKSPAN_JWKS_REFRESH=1s",
		"LINKSPAN_JWT_ALGORITHMS=HS256,RS256,PS256,ES256,EdDSA", "LINKSPAN_JWT_ISSUER="+issuer, "LINKSPAN_JWT_AUDIENCE=api",
		"LINKSPAN_JWT_SECRET=a new secret of thirty-two bytes or more", "LINKSPAN_JWT_SECRET_PREVIOUS="+string(servertest.Secret))
	s := startServe(t, env)
	sign := func(key *jwkstest.Key, changes jwt.MapClaims) string {
		claims := jwt.MapClaims{
			"sub": "ana", "group": "acme", "role": "admin", "iss": issuer, "aud": "api", "exp": time.Now().Add(time.Hour).Unix(),
		}
		for name, value := range changes {
			claims[name] = value
		}
		return key.Sign(t, claims)
	}
	operator, errs, code := output(t, env, "token", "--operator")
	if code != 0 {
		t.Fatalf("token: exit %d, %s", code, errs)
	}
	client := &gqlclient.Client{URL: s.url, Token: strings.TrimSpace(operator)}
	if err := client.Do(t.Context(), `mutation { registerGroup(input: {handle: "acme", name: "Acme"}) { errors { message } } }`, "", nil, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	if got := who(t, s.url, sign(keys[0], nil)); !strings.Contains(got, "SHARD_UNAVAILABLE") {
		t.Errorf("before the provider is there: %s", got)
	}
	if status, _, err := s.readiness(); status != http.StatusOK {
		t.Errorf("/readyz without the provider: %d, %v", status, err)
	}

	provider.Has(keys...)
	servertest.Eventually(t, "tokens of the provider are taken", func() bool { return who(t, s.url, sign(keys[0], nil)) == "ana" })
	for _, key := range keys {
		if got := who(t, s.url, sign(key, nil)); got != "ana" {
			t.Errorf("%s: %s", key.ID, got)
		}
		for name, changes := range map[string]jwt.MapClaims{
			"another issuer": {"iss": "https://evil.example/"}, "another audience": {"aud": "linkspan"}, "ended": {"exp": time.Now().Unix()},
		} {
			if got := who(t, s.url, sign(key, changes)); !strings.Contains(got, "UNAUTHENTICATED") {
				t.Errorf("%s, %s: %s", key.ID, name, got)
			}
		}
	}

	left := sign(keys[0], nil)
	if got := who(t, s.url, left); got != "ana" {
		t.Errorf("before its key leaves: %s", got)
	}
	provider.Has(keys[1:]...)
	servertest.Eventually(t, "the token of a key that left is refused", func() bool {
		return strings.Contains(who(t, s.url, left), "UNAUTHENTICATED")
	})
	provider.Hangs()
	if got := who(t, s.url, sign(keys[1], nil)); got != "ana" {
		t.Errorf("while the provider hangs: %s", got)
	}
	s.terminate()
	s.await()
	for _, want := range []string{"the JWKS can't be read", "the JWKS was read", "it answers 503"} {
		if !strings.Contains(s.errs.String(), want) {
			t.Errorf("the log lacks %q", want)
		}
	}
}
