package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/server/jwkstest"
)

// countingGroups is main as a test wants it.
type countingGroups struct {
	asked  atomic.Int64
	answer func(ctx context.Context) (channel.Group, error)
}

func (g *countingGroups) FindGroup(ctx context.Context, _ channel.GroupSelector) (channel.Group, error) {
	g.asked.Add(1)
	return g.answer(ctx)
}

func registered(context.Context) (channel.Group, error) { return acme.group, nil }

// What is known of a token serves while main is down; what is not known yet waits for main, and is no refusal.
func TestKnownTokensNeedNoMain(t *testing.T) {
	t.Parallel()
	groups := &countingGroups{answer: registered}
	tokens := NewTokens(TokenConfig{Secrets: [][]byte{[]byte(newSecret)}}, groups)
	known, unknown := hs256(t, newSecret, nil), hs256(t, newSecret, map[string]any{"jti": "2"})
	expect(t, tokens, known, taken, "with main")
	groups.answer = func(context.Context) (channel.Group, error) {
		return channel.Group{}, channel.Unavailable(errors.New("down"))
	}
	for range 3 {
		expect(t, tokens, known, taken, "known, without main")
	}
	expect(t, tokens, unknown, unavailable, "new, without main")
	groups.answer = registered
	expect(t, tokens, unknown, taken, "new, with main")
	if got := groups.asked.Load(); got != 3 {
		t.Errorf("main was asked %d times, want 3", got)
	}
}

func unregistered(context.Context) (channel.Group, error) {
	return channel.Group{}, channel.ErrNotFound
}

// That a group is not registered is known for a moment: main is not asked for each token of it, nor is any other group kept
// out. Once it is registered, it is found.
func TestUnregisteredGroups(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		groups := &countingGroups{answer: unregistered}
		tokens := NewTokens(TokenConfig{Secrets: [][]byte{[]byte(newSecret)}}, groups)
		token := func(i int, group string) string {
			return hs256(t, newSecret, map[string]any{"jti": fmt.Sprint(i), "group": group})
		}
		for range 3 {
			for i := range 100 {
				expect(t, tokens, token(i, "acme"), refused, "not registered yet")
			}
			time.Sleep(unregisteredFor)
		}
		if got := groups.asked.Load(); got != 3 {
			t.Errorf("main was asked %d times, want 3", got)
		}
		groups.answer = func(context.Context) (channel.Group, error) {
			return channel.Group{}, channel.Unavailable(errors.New("down"))
		}
		for range 2 {
			expect(t, tokens, token(1, "acme"), unavailable, "not registered when it was asked, and main is down")
		}
		groups.answer = unregistered
		expect(t, tokens, token(2, "acme"), refused, "not registered")
		groups.answer = registered
		expect(t, tokens, token(2, "acme"), refused, "not registered a moment ago")
		if _, err := tokens.Verify(t.Context(), token(3, "other")); err != nil {
			t.Errorf("another group: %v", err)
		}
		time.Sleep(unregisteredFor)
		expect(t, tokens, token(2, "acme"), taken, "once it is registered")
		expect(t, tokens, token(4, "acme"), taken, "another token")

		groups.answer = unregistered
		for i := range 1001 {
			_, _ = tokens.Verify(t.Context(), token(0, fmt.Sprintf("group-%d", i)))
		}
		if got := tokens.unregistered.Len(); got != 1000 {
			t.Errorf("%d are remembered", got)
		}
	})
}

// A key that stays in the set is the same after each read of it: whoever came by it is still known.
func TestKnownTokensOutliveReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key, other := jwkstest.NewKey(t, "1", "RS256"), jwkstest.NewKey(t, "2", "ES256")
		provider := jwkstest.New(key)
		tokens := judge(t, provider, TokenConfig{})
		groups := &countingGroups{answer: registered}
		tokens.groups = groups
		token := key.Sign(t, ana(nil))
		expect(t, tokens, token, taken, "at first")
		for _, keys := range [][]*jwkstest.Key{{key}, {other, key}, {key, other}, {key}} {
			provider.Has(keys...)
			time.Sleep(DefaultJWKSRefresh)
			synctest.Wait()
			expect(t, tokens, token, taken, "known")
		}
		if got := groups.asked.Load(); got != 1 {
			t.Errorf("main was asked %d times, want 1", got)
		}
	})
}

// Many who come at once with a new token cause one look-up.
func TestFirstUsesAtOnceAreOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		groups := &countingGroups{answer: func(ctx context.Context) (channel.Group, error) {
			time.Sleep(time.Second)
			return registered(ctx)
		}}
		tokens := NewTokens(TokenConfig{Secrets: [][]byte{[]byte(newSecret)}}, groups)
		token := hs256(t, newSecret, nil)
		viewers := make([]*channel.Viewer, 100)
		var all sync.WaitGroup
		for i := range viewers {
			all.Go(func() {
				var err error
				if viewers[i], err = tokens.Verify(t.Context(), token); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := groups.asked.Load(); got != 1 {
			t.Errorf("main was asked %d times", got)
		}
		seen := map[*channel.Viewer]bool{}
		for _, viewer := range viewers { // each may do with it what it likes
			if seen[viewer] || viewer.User.Name != "ana" {
				t.Fatalf("got %+v, shared: %v", viewer, seen[viewer])
			}
			seen[viewer] = true
			viewer.User.Name = "eve"
		}
		expect(t, tokens, token, taken, "behind them")
	})
}

// Who goes away while others wait for the same token takes nobody along; and an error is told to all who waited for it.
func TestFirstUseThatIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		groups := &countingGroups{answer: func(ctx context.Context) (channel.Group, error) {
			select {
			case <-ctx.Done():
				return channel.Group{}, ctx.Err()
			case <-time.After(time.Second):
				return registered(ctx)
			}
		}}
		tokens := NewTokens(TokenConfig{Secrets: [][]byte{[]byte(newSecret)}}, groups)
		ctx, leave := context.WithCancel(t.Context())
		token := hs256(t, newSecret, nil)
		var all sync.WaitGroup
		all.Go(func() {
			if viewer, err := tokens.Verify(ctx, token); viewer != nil || !errors.Is(err, context.Canceled) {
				t.Errorf("who went away got %v, %v", viewer, err)
			}
		})
		synctest.Wait()
		for range 10 {
			all.Go(func() { expect(t, tokens, token, taken, "who stayed") })
		}
		synctest.Wait()
		leave()
		all.Wait()
		if got := groups.asked.Load(); got != 2 {
			t.Errorf("main was asked %d times, want 2", got)
		}

		// Main's own patience is over: nobody asks again.
		groups.asked.Store(0)
		groups.answer = func(context.Context) (channel.Group, error) {
			time.Sleep(time.Second)
			return channel.Group{}, channel.Unavailable(context.DeadlineExceeded)
		}
		other := hs256(t, newSecret, map[string]any{"jti": "2"})
		for range 10 {
			all.Go(func() { expect(t, tokens, other, unavailable, "while main hangs") })
		}
		all.Wait()
		if got := groups.asked.Load(); got != 1 {
			t.Errorf("main was asked %d times, want 1", got)
		}
	})
}

// A panic on the way is an error of those who wait, and ends no program.
func TestVerifyThatPanics(t *testing.T) {
	t.Parallel()
	tokens := NewTokens(TokenConfig{Secrets: [][]byte{[]byte(newSecret)}}, &countingGroups{answer: func(context.Context) (channel.Group, error) { panic("a bug") }})
	if viewer, err := tokens.Verify(t.Context(), hs256(t, newSecret, nil)); viewer != nil || err == nil || !strings.Contains(err.Error(), "a bug") || errors.Is(err, errToken) {
		t.Errorf("got %v, %v", viewer, err)
	}
}

// The cache is bounded, keeps those used last, and has no token in it.
func TestTokenCacheIsBounded(t *testing.T) {
	t.Parallel()
	cache := newTokenCache()
	hash := func(i int) (h tokenHash) {
		copy(h[:], fmt.Sprint(i))
		return h
	}
	found := verified{viewer: channel.Viewer{ExpiresAt: time.Now().Add(time.Hour)}}
	for i := range tokenCacheSize + 1 {
		if cache.remember(hash(i), found); i%100 == 0 {
			if viewer, err := cache.recall(hash(0), nil); viewer == nil || err != nil {
				t.Fatalf("the one in use is forgotten after %d: %v", i, err)
			}
		}
	}
	if viewer, _ := cache.recall(hash(1), nil); viewer != nil || cache.tokens.Len() != tokenCacheSize {
		t.Errorf("%d are kept, and the one not used any more: %v", cache.tokens.Len(), viewer)
	}
}

func benchmarkVerify(b *testing.B, key *jwkstest.Key, remembered bool) {
	tokens := NewTokens(TokenConfig{Secrets: [][]byte{[]byte(newSecret)}}, acme)
	token := hs256(b, newSecret, nil)
	if key != nil {
		tokens = judge(b, jwkstest.New(key), TokenConfig{})
		token = key.Sign(b, ana(nil))
	}
	if _, err := tokens.Verify(b.Context(), token); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !remembered {
			tokens.cache.tokens.Purge()
		}
		if _, err := tokens.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerify verifies a token anew each time, and one that is remembered; the group comes from memory.
func BenchmarkVerify(b *testing.B) {
	for _, algorithm := range []string{HS256, "RS256", "ES256", "EdDSA"} {
		var key *jwkstest.Key
		if algorithm != HS256 {
			key = jwkstest.NewKey(b, "1", algorithm)
		}
		b.Run(algorithm+"/new", func(b *testing.B) { benchmarkVerify(b, key, false) })
		b.Run(algorithm+"/remembered", func(b *testing.B) { benchmarkVerify(b, key, true) })
	}
}
