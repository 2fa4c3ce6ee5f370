package server

import (
	"crypto/sha256"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"linkspan/internal/channel"
)

// tokenCacheSize is how many verified tokens are remembered: those used last, of about 1 KB each at the most.
const tokenCacheSize = 10_000

// tokenHash stands for a token, which itself is not kept.
type tokenHash [sha256.Size]byte

// verified is what was found of a token once.
type verified struct {
	viewer channel.Viewer
	keys   []*publicKey // of the JWKS, that its signature was tried with; none where a secret signed it
}

// tokenCache remembers tokens that are good, never that one is bad. It is safe for concurrent use.
type tokenCache struct {
	tokens *lru.Cache[tokenHash, verified]
}

func newTokenCache() tokenCache {
	tokens, err := lru.New[tokenHash, verified](tokenCacheSize)
	if err != nil {
		panic(err) // the size is positive
	}
	return tokenCache{tokens}
}

// recall returns what is known of a token, if it is known and its keys still are in the set. The error is
// errTokenExpired, or that of a set whose keys are too old.
func (c tokenCache) recall(hash tokenHash, j *jwks) (*channel.Viewer, error) {
	known, ok := c.tokens.Get(hash)
	if !ok {
		return nil, nil
	}
	if !time.Now().Before(known.viewer.ExpiresAt) {
		c.tokens.Remove(hash)
		return nil, errTokenExpired
	}
	if len(known.keys) > 0 {
		set, err := j.current()
		if err != nil {
			return nil, err
		}
		if !set.holds(known.keys) {
			c.tokens.Remove(hash)
			return nil, nil
		}
	}
	return &known.viewer, nil
}

// remember keeps what was found of a token.
func (c tokenCache) remember(hash tokenHash, found verified) { c.tokens.Add(hash, found) }
