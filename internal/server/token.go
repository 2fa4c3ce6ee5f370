package server

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"linkspan/internal/channel"
)

// Audience is the `aud` that tokens must have where nothing else is said; contract, "Sign-in".
const Audience = "linkspan"

// MaxTokenBytes is the greatest length of a token.
const MaxTokenBytes = 16 << 10

// GroupFinder looks groups up; channel.ErrNotFound where there is none.
type GroupFinder interface {
	FindGroup(ctx context.Context, by channel.GroupSelector) (channel.Group, error)
}

// TokenConfig says whose tokens are taken. The zero value takes none.
type TokenConfig struct {
	// Secrets are those that may have signed a token by HS256: the one in use and, while that is new, the one before.
	Secrets [][]byte
	// JWKSURL is where the keys are that may have signed a token by another algorithm; "": there are none. CheckJWKSURL
	// says if it can't be used.
	JWKSURL string
	// JWKSRefresh is how often they are read anew; 0: DefaultJWKSRefresh.
	JWKSRefresh time.Duration
	// Algorithms are those that are taken; nil: HS256 and DefaultJWKSAlgorithms, as far as there are keys.
	Algorithms []string
	Issuer     string       // the `iss` that tokens must have; "": any or none
	Audience   string       // the `aud` that tokens must have; "": Audience
	Logger     *slog.Logger // is told of the JWKS; nil: slog.Default
}

// Tokens verifies bearer tokens. It is safe for concurrent use.
type Tokens struct {
	secrets jwt.VerificationKeySet
	jwks    *jwks // nil: secrets alone
	groups  GroupFinder
	parser  *jwt.Parser
	cache   tokenCache
	flights singleflight.Group // of the verification of one token by many at once
	// unregistered has the handles of groups that main did not know, and when it was asked.
	unregistered *lru.Cache[string, time.Time]
}

// NewTokens returns a verifier for tokens. The algorithm in a token's header only chooses among the keys that sign by it:
// HS256 the secrets, the others those of the JWKS, each by the algorithms of its type. There is no leeway. Run must run
// where there is a JWKS.
func NewTokens(c TokenConfig, groups GroupFinder) *Tokens {
	unregistered, err := lru.New[string, time.Time](maxUnregistered)
	if err != nil {
		panic(err) // the size is positive
	}
	t := &Tokens{groups: groups, cache: newTokenCache(), unregistered: unregistered}
	for _, secret := range c.Secrets {
		if len(secret) > 0 {
			t.secrets.Keys = append(t.secrets.Keys, secret)
		}
	}
	if c.Algorithms == nil {
		c.Algorithms = append([]string{HS256}, DefaultJWKSAlgorithms...)
	}
	if c.JWKSURL != "" {
		t.jwks = newJWKS(c.JWKSURL, cmp.Or(c.JWKSRefresh, DefaultJWKSRefresh), c.Algorithms, cmp.Or(c.Logger, slog.Default()))
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(c.Algorithms),
		jwt.WithAudience(cmp.Or(c.Audience, Audience)),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(0),
		jwt.WithStrictDecoding(),
	}
	if c.Issuer != "" {
		options = append(options, jwt.WithIssuer(c.Issuer))
	}
	t.parser = jwt.NewParser(options...)
	return t
}

// Run keeps the keys of the JWKS fresh until ctx ends. Where there is none, it returns at once.
func (t *Tokens) Run(ctx context.Context) {
	if t.jwks != nil {
		t.jwks.run(ctx)
	}
}

// ailment is what anybody may know of a JWKS that can't be read; "": nothing is wrong with it.
func (t *Tokens) ailment() Reason {
	if t == nil || t.jwks == nil {
		return ""
	}
	return t.jwks.ailment()
}

var (
	// errToken is the error of a token that names nobody; it is wrapped with the reason, for the log alone.
	errToken = errors.New("server: the token is not valid")
	// errTokenExpired is that of a token with which nothing is wrong but that it has ended. It is an errToken too.
	errTokenExpired = fmt.Errorf("%w: it has expired", errToken)
)

// Verify returns who bears the token; the viewer is the caller's own. The error is or wraps errTokenExpired, or else
// errToken whatever is wrong with the token; or it is that of a main database that can't be asked for the group, or of a
// JWKS that can't be read. What is good is remembered until the token ends or its key leaves the JWKS: until then neither is
// asked again. That a group is not registered is remembered for unregisteredFor.
func (t *Tokens) Verify(ctx context.Context, token string) (*channel.Viewer, error) {
	if len(token) > MaxTokenBytes || strings.ContainsAny(token, "\r\n") { // base64url without line breaks: RFC 7515, section 2; the decoder passes over them
		return nil, errors.Join(errToken, jwt.ErrTokenMalformed)
	}
	hash := tokenHash(sha256.Sum256([]byte(token)))
	for {
		if viewer, err := t.cache.recall(hash, t.jwks); viewer != nil || err != nil {
			return viewer, err
		}
		flight := t.flights.DoChan(string(hash[:]), func() (any, error) { return t.verify(ctx, hash, token) })
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case landed := <-flight:
			switch {
			case landed.Err == nil:
				viewer := *landed.Val.(*channel.Viewer)
				return &viewer, nil
			case !errors.Is(landed.Err, errAbandoned):
				return nil, landed.Err
			case ctx.Err() != nil:
				return nil, ctx.Err()
			} // else who began it has gone away
		}
	}
}

// errAbandoned is the error of a verification whose request ended before it; whoever waits for it too begins anew.
var errAbandoned = errors.New("server: the request ended")

// verify verifies a token, unless another request just has, and remembers it.
func (t *Tokens) verify(ctx context.Context, hash tokenHash, token string) (viewer *channel.Viewer, err error) {
	defer func() {
		if v := recover(); v != nil { // in a goroutine of its own nobody else does
			err = panicked(v)
		}
		if err != nil && ctx.Err() != nil {
			err = errors.Join(errAbandoned, err)
		}
	}()
	if viewer, err = t.cache.recall(hash, t.jwks); viewer != nil || err != nil {
		return viewer, err
	}
	c, keys, err := t.claims(ctx, token)
	if err != nil {
		return nil, err
	}
	if viewer, err = t.viewer(ctx, c); err != nil {
		return nil, err
	}
	t.cache.remember(hash, verified{*viewer, keys})
	return viewer, nil
}

// claims returns what a token says, once its signature and its times are good, and the keys of the JWKS that were tried.
func (t *Tokens) claims(ctx context.Context, token string) (c Claims, keys []*publicKey, err error) {
	var undecided error
	_, err = t.parser.ParseWithClaims(token, &c, func(parsed *jwt.Token) (any, error) {
		if _, critical := parsed.Header["crit"]; critical { // RFC 7515, section 4.1.11; none is understood here
			return nil, errors.New("its header has `crit`")
		}
		if parsed.Method.Alg() == HS256 {
			return t.secrets, nil
		}
		var found jwt.VerificationKeySet
		keys, undecided = t.publicKeys(ctx, parsed)
		for _, key := range keys {
			found.Keys = append(found.Keys, key.key)
		}
		return found, undecided
	})
	switch {
	case undecided != nil && !errors.Is(undecided, errToken):
		return c, nil, undecided
	case errors.Is(err, jwt.ErrTokenMalformed):
		return c, nil, errors.Join(errToken, jwt.ErrTokenMalformed) // err may repeat a claim
	case errors.Is(err, jwt.ErrTokenExpired) && !wrong(err):
		return c, nil, errors.Join(errTokenExpired, err)
	case err != nil:
		return c, nil, errors.Join(errToken, err)
	}
	return c, keys, nil
}

// wrong reports whether the claims of a token would be wrong at any time: another of its kind would be no better.
func wrong(err error) bool {
	return slices.ContainsFunc([]error{
		jwt.ErrTokenNotValidYet, jwt.ErrTokenUsedBeforeIssued, jwt.ErrTokenInvalidAudience, jwt.ErrTokenInvalidIssuer, jwt.ErrTokenRequiredClaimMissing,
	}, func(also error) bool { return errors.Is(err, also) })
}

// publicKeys returns the keys of the JWKS that may have signed a token with that header. `jku`, `x5u`, `jwk` and `x5c` in
// it mean nothing.
func (t *Tokens) publicKeys(ctx context.Context, token *jwt.Token) ([]*publicKey, error) {
	switch {
	case t.jwks == nil:
		return nil, fmt.Errorf("%w: there is no JWKS", errToken)
	case !slices.Contains(JWKSAlgorithms, token.Method.Alg()):
		return nil, fmt.Errorf("%w: no key of a JWKS signs by its algorithm", errToken)
	}
	var id *string
	if given, ok := token.Header["kid"]; ok {
		text, ok := given.(string)
		if !ok || text == "" {
			return nil, fmt.Errorf("%w: its kid is no text, or an empty one", errToken)
		}
		id = &text
	}
	keys, err := t.jwks.find(ctx, id, token.Method.Alg())
	if errors.Is(err, errUnknownKey) {
		return nil, errors.Join(errToken, err)
	}
	return keys, err
}
