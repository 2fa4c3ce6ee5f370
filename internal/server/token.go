package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// Audience is the `aud` that every token must have.
const Audience = "linkspan"

// MaxSubjectBytes is the greatest length of a token's `sub`.
const MaxSubjectBytes = 255

// Roles in tokens; contract, "Sign-in".
const (
	RoleAdmin    = "admin"
	RoleMember   = "member"
	RoleOperator = "operator"
)

// Claims are what a token says of who bears it; contract, "Sign-in". An operator has no Group.
type Claims struct {
	Group string `json:"group,omitempty"`
	Role  string `json:"role"`
	Name  string `json:"name,omitempty"`
	jwt.RegisteredClaims
}

// SignToken makes a token with those claims that is valid from now for ttl.
func SignToken(secret []byte, c Claims, ttl time.Duration) (string, error) {
	now := time.Now()
	c.Audience = jwt.ClaimStrings{Audience}
	c.IssuedAt, c.ExpiresAt = jwt.NewNumericDate(now), jwt.NewNumericDate(now.Add(ttl))
	return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(secret)
}

// GroupFinder looks groups up; channel.ErrNotFound where there is none.
type GroupFinder interface {
	FindGroup(ctx context.Context, by channel.GroupSelector) (channel.Group, error)
}

// Tokens verifies bearer tokens. It is safe for concurrent use.
type Tokens struct {
	secret []byte
	groups GroupFinder
	parser *jwt.Parser
}

// NewTokens returns a verifier for tokens that are signed with the secret by HS256 and by nothing else. There is no
// leeway.
func NewTokens(secret []byte, groups GroupFinder) *Tokens {
	return &Tokens{secret: secret, groups: groups, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithAudience(Audience),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(0),
		jwt.WithStrictDecoding(),
	)}
}

// errToken is the error of a token that names nobody; it is wrapped with the reason, for the log alone.
var errToken = errors.New("server: the token is not valid")

// errTokenExpired is the errToken of a token that was good.
var errTokenExpired = fmt.Errorf("%w: it has expired", errToken)

// Verify returns who bears the token. The error wraps errToken whatever is wrong with it, or is that of a main
// database that can't be asked for the group.
func (t *Tokens) Verify(ctx context.Context, token string) (*channel.Viewer, error) {
	if strings.ContainsAny(token, "\r\n") { // base64url without line breaks: RFC 7515, section 2; the decoder passes over them
		return nil, errors.Join(errToken, jwt.ErrTokenMalformed)
	}
	var c Claims
	_, err := t.parser.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return t.secret, nil })
	switch {
	case errors.Is(err, jwt.ErrTokenMalformed):
		return nil, errors.Join(errToken, jwt.ErrTokenMalformed) // err may repeat a claim
	case errors.Is(err, jwt.ErrTokenExpired):
		return nil, errTokenExpired
	case err != nil:
		return nil, errors.Join(errToken, err)
	}
	if c.Subject == "" || len(c.Subject) > MaxSubjectBytes || !storable(c.Subject) {
		return nil, errors.Join(errToken, errors.New("sub must have 1 to 255 bytes of text"))
	}
	v := &channel.Viewer{ExpiresAt: c.ExpiresAt.Time}
	switch {
	case c.Role == RoleOperator && c.Group == "":
		v.Operator = true
	case c.Role == RoleAdmin && c.Group != "":
		v.Role = channel.RoleAdmin
	case c.Role == RoleMember && c.Group != "":
		v.Role = channel.RoleMember
	default:
		return nil, errors.Join(errToken, errors.New("role and group do not fit"))
	}
	if !v.Operator {
		if !channel.HandlePattern.MatchString(c.Group) {
			return nil, errors.Join(errToken, errors.New("the group is not a handle"))
		}
		v.Group, err = t.groups.FindGroup(ctx, channel.GroupSelector{Handle: &c.Group})
		if errors.Is(err, channel.ErrNotFound) {
			return nil, errors.Join(errToken, errors.New("the group is not registered"))
		}
		if err != nil {
			return nil, err
		}
	}
	v.User = channel.User{ID: ids.UserOf(v.Group.ID, c.Subject), Name: displayName(c), Group: v.Group}
	return v, nil
}

// displayName is the name that the token gives, if it is fit to be shown, else the subject.
func displayName(c Claims) string {
	name := strings.TrimSpace(c.Name)
	if name == "" || !storable(name) || utf8.RuneCountInString(name) > channel.MaxNameRunes {
		return c.Subject
	}
	return name
}

// storable reports whether a claim is text that can be kept.
func storable(claim string) bool { return utf8.ValidString(claim) && !strings.ContainsRune(claim, 0) }
