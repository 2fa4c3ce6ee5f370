package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"linkspan/internal/channel"
	"linkspan/internal/gqlhttp"
	"linkspan/internal/server/jwkstest"
)

// ana returns the claims of ana@acme for an hour with changes; nil takes one away.
func ana(changes map[string]any) jwt.MapClaims {
	claims := jwt.MapClaims{
		"sub": "ana", "group": "acme", "role": "admin", "aud": Audience, "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
	}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return claims
}

// judge returns a verifier by the provider's JWKS, which is read until the test ends.
func judge(t testing.TB, provider *jwkstest.Provider, c TokenConfig) *Tokens {
	t.Helper()
	c.JWKSURL = "https://id.example/jwks"
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	tokens := NewTokens(c, acme)
	tokens.jwks.client = provider.Client()
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { tokens.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	return tokens
}

// What becomes of a token.
const (
	taken       = "taken"
	refused     = "refused"
	expired     = "expired"
	unavailable = "nobody can tell"
)

// outcome tells what becomes of the token.
func outcome(t testing.TB, tokens *Tokens, token string) string {
	t.Helper()
	viewer, err := tokens.Verify(t.Context(), token)
	var fault *channel.Fault
	switch {
	case err == nil && viewer.User.Name == "ana" && viewer.Group.Handle == "acme":
		return taken
	case viewer != nil:
		t.Fatalf("got %+v and %v", viewer, err)
	case errors.Is(err, errTokenExpired) && errors.Is(err, errToken):
		return expired
	case errors.Is(err, errToken):
		return refused
	case errors.As(err, &fault) && fault.Retryable && fault.Code == channel.ShardUnavailable:
		return unavailable
	}
	return err.Error()
}

func expect(t testing.TB, tokens *Tokens, token, want, when string) {
	t.Helper()
	if got := outcome(t, tokens, token); got != want {
		t.Errorf("%s: %s, want %s", when, got, want)
	}
}

// TestJWKSRotation takes one key after the other, and the old one no longer once it has left the set.
func TestJWKSRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second, third := jwkstest.NewKey(t, "1", "ES256"), jwkstest.NewKey(t, "2", "EdDSA"), jwkstest.NewKey(t, "2", "EdDSA")
		byFirst, bySecond, byThird := first.Sign(t, ana(nil)), second.Sign(t, ana(nil)), third.Sign(t, ana(nil))
		provider := jwkstest.New(first)
		tokens := judge(t, provider, TokenConfig{})
		synctest.Wait()
		expect(t, tokens, byFirst, taken, "its key is in the set")
		expect(t, tokens, bySecond, refused, "its key is not in the set yet")

		provider.Has(first, second)
		time.Sleep(DefaultJWKSRefresh)
		synctest.Wait()
		expect(t, tokens, byFirst, taken, "both are in the set")
		expect(t, tokens, bySecond, taken, "both are in the set")

		provider.Has(second)
		expect(t, tokens, byFirst, taken, "the set was not read again")
		time.Sleep(DefaultJWKSRefresh)
		synctest.Wait()
		expect(t, tokens, byFirst, refused, "its key has left the set")
		expect(t, tokens, bySecond, taken, "its key has stayed")

		// Another key of the same name and algorithm is another key.
		provider.Has(third)
		time.Sleep(DefaultJWKSRefresh)
		synctest.Wait()
		expect(t, tokens, bySecond, refused, "its key was replaced")
		expect(t, tokens, byThird, taken, "it is the key now")

		provider.Has()
		time.Sleep(DefaultJWKSRefresh)
		synctest.Wait()
		expect(t, tokens, byThird, refused, "the set is empty")

		// A key that is for less than before is another key too.
		free := jwkstest.NewKey(t, "4", "RS256")
		delete(free.JWK, "alg")
		byFree := free.Sign(t, ana(nil))
		provider.Has(free)
		time.Sleep(DefaultJWKSRefresh)
		synctest.Wait()
		expect(t, tokens, byFree, taken, "the key is for all of RSA")
		free.JWK["alg"] = "PS256"
		provider.Has(free)
		time.Sleep(DefaultJWKSRefresh)
		synctest.Wait()
		expect(t, tokens, byFree, refused, "the key is for PS256 alone")
		narrowed := jwkstest.Sign(t, jwt.SigningMethodPS256, free.Private, map[string]any{"kid": free.ID}, ana(nil))
		expect(t, tokens, narrowed, taken, "and by PS256")
	})
}

// TestJWKSUnknownKey has the set read at once for a token whose key is new, and not for each that is made up.
func TestJWKSUnknownKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		known, added, foreign := jwkstest.NewKey(t, "1", "ES256"), jwkstest.NewKey(t, "2", "ES256"), jwkstest.NewKey(t, "9", "ES256")
		provider := jwkstest.New(known)
		tokens := judge(t, provider, TokenConfig{})
		expect(t, tokens, known.Sign(t, ana(nil)), taken, "at the start")
		time.Sleep(pauseUnknown)

		provider.Has(known, added)
		expect(t, tokens, added.Sign(t, ana(nil)), taken, "a key that came since the last read")
		if got := provider.Reads(); got != 2 {
			t.Errorf("%d reads, want 2", got)
		}
		time.Sleep(pauseUnknown)
		for i := range 10 {
			want := map[bool]string{true: refused, false: unavailable}[i == 0] // behind a read of its own, and while none may begin
			expect(t, tokens, foreign.Sign(t, ana(nil)), want, "a key that is nowhere")
			time.Sleep(pauseUnknown / 10)
		}
		if got := provider.Reads(); got != 3 {
			t.Errorf("%d reads, want 3", got)
		}

		// A hundred at once cause one read, wait for that, and no longer than is decent.
		time.Sleep(pauseUnknown)
		provider.Hangs()
		var all sync.WaitGroup
		began := time.Now()
		for range 100 {
			all.Go(func() { expect(t, tokens, foreign.Sign(t, ana(nil)), unavailable, "while the provider hangs") })
		}
		all.Wait()
		if took := time.Since(began); took != readPatience {
			t.Errorf("they waited %v, want %v", took, readPatience)
		}
		expect(t, tokens, known.Sign(t, ana(nil)), taken, "a known key while the provider hangs")
		if got := provider.Reads(); got != 4 {
			t.Errorf("%d reads, want 4", got)
		}
	})
}

// A token that nobody signed can't keep out those of a key that has just been published: while the set may not be read for
// them they are told when to come again, and then they are taken. Keys that have left are not waited for.
func TestJWKSNewKeyBehindMadeUpOnes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		left, stays, added := jwkstest.NewKey(t, "1", "ES256"), jwkstest.NewKey(t, "2", "ES256"), jwkstest.NewKey(t, "3", "ES256")
		provider := jwkstest.New(left, stays)
		logger, _ := logged()
		tokens := judge(t, provider, TokenConfig{})
		s := New(Config{Tokens: tokens, Logger: logger})
		expect(t, tokens, left.Sign(t, ana(nil)), taken, "at the start")
		provider.Has(stays)
		time.Sleep(DefaultJWKSRefresh)
		synctest.Wait()
		expect(t, tokens, jwkstest.NewKey(t, "made up", "ES256").Sign(t, ana(nil)), refused, "a key that is nowhere")
		provider.Has(stays, added)
		reads := provider.Reads()
		token := added.Sign(t, ana(nil))
		for wait := pauseUnknown; wait > 0; wait -= 2500 * time.Millisecond {
			expect(t, tokens, token, unavailable, "a new key")
			if got := asked(s, token, "application/graphql-response+json"); got != fmt.Sprintf("503 %d SHARD_UNAVAILABLE", (wait+time.Second-1)/time.Second) {
				t.Errorf("%v before a read may begin: %s", wait, got)
			}
			if code := initCode(s, token); code != gqlhttp.CloseTryLater {
				t.Errorf("on a socket: %d", code)
			}
			time.Sleep(2500 * time.Millisecond)
		}
		expect(t, tokens, stays.Sign(t, ana(nil)), taken, "a known key")
		expect(t, tokens, token, taken, "a new key, once the set may be read")
		if got := provider.Reads() - reads; got != 1 {
			t.Errorf("%d reads, want 1", got)
		}
		expect(t, tokens, left.Sign(t, ana(nil)), refused, "a key that was there before, while the set may not be read")
		if code := initCode(s, left.Sign(t, ana(nil))); code != gqlhttp.CloseUnauthorized {
			t.Errorf("on a socket: %d", code)
		}
	})
}

// Who comes while a read is under way that began before has the set read again, as the key may have come meanwhile.
func TestJWKSNewKeyDuringARead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		known, added := jwkstest.NewKey(t, "1", "ES256"), jwkstest.NewKey(t, "2", "ES256")
		provider := jwkstest.New(known)
		before := jwkstest.Set(known)
		provider.Does(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Second)
			_, _ = io.WriteString(w, before)
		})
		tokens := judge(t, provider, TokenConfig{})
		synctest.Wait()
		provider.Has(known, added)
		expect(t, tokens, added.Sign(t, ana(nil)), taken, "a key that the read under way does not find")
	})
}

// asked tells what the server answers to who it is: status, Retry-After and the code.
func asked(s *Server, token, accept string) string {
	request := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(`{"query":"{ viewer { id } }"}`))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", accept)
	request.Header.Set("Authorization", "Bearer "+token)
	answer := httptest.NewRecorder()
	s.Handler().ServeHTTP(answer, request)
	_, code, _ := strings.Cut(answer.Body.String(), `"code":"`)
	code, _, _ = strings.Cut(code, `"`)
	return fmt.Sprintf("%d %s %s", answer.Code, answer.Header().Get("Retry-After"), code)
}

// initCode is the code that a socket is closed with whose connection_init has that token; 0: it is not.
func initCode(s *Server, token string) gqlhttp.CloseCode {
	_, err := s.signIn.initSocket(context.Background(), json.RawMessage(`{"Authorization":"Bearer `+token+`"}`))
	var closed *gqlhttp.CloseError
	if !errors.As(err, &closed) {
		return 0
	}
	return closed.Code
}

// TestJWKSUnreachable starts without the provider, takes tokens as soon as it is there, and goes on for a day without it.
func TestJWKSUnreachable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key := jwkstest.NewKey(t, "1", "ES256")
		sign := func() string { return key.Sign(t, ana(map[string]any{"jti": time.Now().String()})) }
		provider := jwkstest.New()
		provider.Fails()
		logger, text := logged()
		tokens := judge(t, provider, TokenConfig{Logger: logger})
		synctest.Wait()
		for range 100 { // nobody waits, however many come
			began := time.Now()
			expect(t, tokens, sign(), unavailable, "at the start")
			if took := time.Since(began); took != 0 {
				t.Fatalf("it waited %v", took)
			}
		}
		if got := provider.Reads(); got > 2 {
			t.Errorf("%d reads at once", got)
		}
		if got := tokens.ailment(); got != KeysMissing {
			t.Errorf("readyz says %q", got)
		}
		if _, err := tokens.Verify(t.Context(), "no token"); !errors.Is(err, errToken) {
			t.Errorf("what is no token at all: %v", err)
		}
		time.Sleep(time.Hour)
		reads := provider.Reads()
		time.Sleep(time.Hour)
		if got, want := provider.Reads()-reads, int(time.Hour/maxPauseFailed); got != want {
			t.Errorf("%d reads in an hour without it, want %d", got, want)
		}

		provider.Has(key)
		outcome(t, tokens, sign())
		synctest.Wait()
		expect(t, tokens, sign(), taken, "once it is there")
		if got := tokens.ailment(); got != "" {
			t.Errorf("readyz says %q", got)
		}

		provider.Fails()
		known := key.Sign(t, ana(map[string]any{"exp": time.Now().Add(48 * time.Hour).Unix()}))
		expect(t, tokens, known, taken, "before it is gone")
		time.Sleep(MaxKeyAge - time.Minute)
		expect(t, tokens, known, taken, "a known token, nearly a day without it")
		expect(t, tokens, sign(), taken, "a new token, nearly a day without it")
		expect(t, tokens, jwkstest.NewKey(t, "2", "ES256").Sign(t, ana(nil)), unavailable, "a key that may be new")
		if got := tokens.ailment(); got != KeysOld {
			t.Errorf("readyz says %q", got)
		}
		time.Sleep(2 * time.Minute)
		expect(t, tokens, known, unavailable, "a known token, a day without it")
		expect(t, tokens, sign(), unavailable, "a new token, a day without it")

		provider.Has(key)
		time.Sleep(maxPauseFailed)
		synctest.Wait()
		expect(t, tokens, known, taken, "once it is back")
		for _, want := range []string{"no token of its keys can be judged", "the JWKS was read", `"keys":["1"]`, "its keys of before are taken", "it answers 503"} {
			if !strings.Contains(text.String(), want) {
				t.Errorf("the log lacks %q", want)
			}
		}
	})
}

// TestJWKSOfRubbish keeps the keys of before whatever the provider says, but for a set with other keys.
func TestJWKSOfRubbish(t *testing.T) {
	t.Parallel()
	key, other := jwkstest.NewKey(t, "1", "ES256"), jwkstest.NewKey(t, "2", "ES256")
	many := make([]*jwkstest.Key, maxKeys+1)
	for i := range many {
		many[i] = other
	}
	for name, text := range map[string]string{
		"nothing": "", "a word": "keys", "HTML": "<html>", "null": "null", "a list": "[]", "no keys": "{}", "keys null": `{"keys":null}`, "keys of text": `{"keys":"1"}`,
		"half of it": jwkstest.Set(other)[:40], "two of it": jwkstest.Set(other) + jwkstest.Set(other), "too many": jwkstest.Set(many...),
		"10 MB": jwkstest.Set(other) + strings.Repeat(" ", 10<<20), "deep": `{"keys":` + strings.Repeat("[", 20_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				provider := jwkstest.New(key)
				tokens := judge(t, provider, TokenConfig{})
				expect(t, tokens, key.Sign(t, ana(nil)), taken, "before")
				provider.Says(text)
				time.Sleep(DefaultJWKSRefresh)
				synctest.Wait()
				if tokens.ailment() != KeysOld {
					t.Error("it is taken")
				}
				expect(t, tokens, key.Sign(t, ana(map[string]any{"sub": "ana", "jti": "2"})), taken, "behind it")
				provider.Has(other)
				time.Sleep(maxPauseFailed)
				synctest.Wait()
				expect(t, tokens, other.Sign(t, ana(nil)), taken, "when it has recovered")
			})
		})
	}
}

// A request's end ends its waiting for the set, and nobody else's.
func TestJWKSWaitEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key := jwkstest.NewKey(t, "1", "ES256")
		provider := jwkstest.New()
		release := make(chan struct{})
		provider.Does(func(w http.ResponseWriter, _ *http.Request) {
			<-release
			_, _ = w.Write([]byte(jwkstest.Set(key)))
		})
		tokens := judge(t, provider, TokenConfig{})
		token := key.Sign(t, ana(nil))
		ctx, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := tokens.Verify(ctx, token); !errors.Is(err, context.Canceled) {
				t.Errorf("who went away got %v", err)
			}
		})
		synctest.Wait()
		all.Go(func() { expect(t, tokens, token, taken, "who stayed") })
		synctest.Wait()
		leave()
		synctest.Wait()
		close(release)
		all.Wait()
	})
}

// A panic of what parses a set is a read that failed.
func TestJWKSPanicIsAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		provider := jwkstest.New()
		provider.Does(func(http.ResponseWriter, *http.Request) { panic("rubbish") })
		tokens := judge(t, provider, TokenConfig{})
		synctest.Wait()
		expect(t, tokens, jwkstest.NewKey(t, "1", "ES256").Sign(t, ana(nil)), unavailable, "after it")
	})
}

// TestJWKSKeys passes over what is no key for tokens, and takes the others.
func TestJWKSKeys(t *testing.T) {
	t.Parallel()
	key := jwkstest.NewKey(t, "good", "ES256")
	with := func(changes map[string]any) string {
		other := jwkstest.NewKey(t, "other", "ES256")
		for name, value := range changes {
			if other.JWK[name] = value; value == nil {
				delete(other.JWK, name)
			}
		}
		return jwkstest.Set(other, key)
	}
	for name, test := range map[string]struct {
		set    string
		passed string // "": it is taken
	}{
		"no use and no alg": {with(map[string]any{"use": nil, "alg": nil}), ""},
		"to verify":         {with(map[string]any{"use": nil, "key_ops": []string{"verify"}}), ""},
		"to encrypt":        {with(map[string]any{"use": "enc"}), "not for signatures"},
		"to derive":         {with(map[string]any{"key_ops": []string{"deriveBits"}}), "not for signatures"},
		"other algorithm":   {with(map[string]any{"alg": "ES384"}), "none of the algorithms"},
		"for encryption":    {with(map[string]any{"alg": "ECDH-ES"}), "none of the algorithms"},
		"alg none":          {with(map[string]any{"alg": "none"}), "none of the algorithms"},
		"alg HS256":         {with(map[string]any{"alg": "HS256"}), "none of the algorithms"},
		"not configured":    {jwkstest.Set(jwkstest.NewKey(t, "other", "ES384"), key), "none of the algorithms"},
		"a secret":          {with(map[string]any{"kty": "oct", "k": "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldA", "alg": "HS256"}), "key 0"},
		"unknown type":      {with(map[string]any{"kty": "AKP"}), "key 0"},
		"unknown curve":     {with(map[string]any{"crv": "secp256k1"}), "key 0"},
		"off the curve":     {with(map[string]any{"x": "AAAA"}), "key 0"},
		"no point":          {with(map[string]any{"y": nil}), "key 0"},
		"a number as kid":   {with(map[string]any{"kid": 7}), "key 0"},
		"short RSA":         {with(map[string]any{"kty": "RSA", "n": strings.Repeat("A", 4) + strings.Repeat("_", 170), "e": "AQAB", "alg": "RS256"}), "bits"},
		"endless RSA":       {with(map[string]any{"kty": "RSA", "n": strings.Repeat("_", 4000), "e": "AQAB", "alg": "RS256"}), "bits"},
		"no object":         {`{"keys":[7,` + strings.TrimPrefix(jwkstest.Set(key), `{"keys":[`), "key 0"},
		"elsewhere":         {with(map[string]any{"x5u": "http://127.0.0.1:1/"}), "key 0"},
	} {
		set, err := parseKeySet([]byte(test.set), DefaultJWKSAlgorithms, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		passed := set.why()
		if test.passed == "" && (passed != nil || len(set.keys) != 2) ||
			test.passed != "" && (passed == nil || !strings.Contains(passed.Error(), test.passed) || !slices.Equal(set.ids(), []string{"good"})) {
			t.Errorf("%s: keys %v, passed over: %v", name, set.ids(), passed)
		}
	}
}
