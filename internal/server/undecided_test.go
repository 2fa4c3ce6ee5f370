package server

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"linkspan/internal/channel"
	"linkspan/internal/gqlhttp"
	"linkspan/internal/server/jwkstest"
)

// Whoever comes with a token that nobody can judge now is told so by a status of HTTP's own, and when to come again; in
// application/json alone, whose clients take any other status for a proxy's, it is 200.
func TestUndecidedTokens(t *testing.T) {
	t.Parallel()
	const json, response = "application/json", "application/graphql-response+json"
	synctest.Test(t, func(t *testing.T) {
		logger, _ := logged()
		secrets := TokenConfig{Secrets: [][]byte{[]byte(newSecret)}}
		main := func(answer func(context.Context) (channel.Group, error)) *Tokens {
			return NewTokens(secrets, &countingGroups{answer: answer})
		}
		key := jwkstest.NewKey(t, "1", "ES256")
		provider := jwkstest.New(key)
		provider.Fails()
		byKey := judge(t, provider, TokenConfig{})
		synctest.Wait()
		for name, test := range map[string]struct {
			tokens         *Tokens
			token          string
			lenient, exact string
		}{
			"without main": {
				main(func(context.Context) (channel.Group, error) {
					return channel.Group{}, channel.Unavailable(errors.New("down"))
				}),
				hs256(t, newSecret, nil), "200 1 SHARD_UNAVAILABLE", "503 1 SHARD_UNAVAILABLE",
			},
			"main gives up": {
				main(func(context.Context) (channel.Group, error) { return channel.Group{}, context.DeadlineExceeded }),
				hs256(t, newSecret, nil), "200 1 SHARD_UNAVAILABLE", "503 1 SHARD_UNAVAILABLE",
			},
			"a bug": {
				main(func(context.Context) (channel.Group, error) { panic("a bug") }),
				hs256(t, newSecret, nil), "200  INTERNAL_SERVER_ERROR", "500  INTERNAL_SERVER_ERROR",
			},
			"without the provider": {byKey, key.Sign(t, ana(nil)), "200 1 SHARD_UNAVAILABLE", "503 1 SHARD_UNAVAILABLE"},
			"no good":              {byKey, "no good", "200  UNAUTHENTICATED", "401  UNAUTHENTICATED"},
		} {
			s := New(Config{Tokens: test.tokens, Logger: logger})
			for accept, want := range map[string]string{json: test.lenient, response: test.exact} {
				if got := asked(s, test.token, accept); got != want {
					t.Errorf("%s, in %s: %s, want %s", name, accept, got, want)
				}
			}
			want := map[bool]gqlhttp.CloseCode{true: gqlhttp.CloseUnauthorized, false: gqlhttp.CloseTryLater}[name == "no good"]
			if code := initCode(s, test.token); code != want {
				t.Errorf("%s, on a socket: %d, want %d", name, code, want)
			}
		}
	})
}
