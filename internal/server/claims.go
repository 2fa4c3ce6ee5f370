package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

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

// UnmarshalJSON takes claims by their exact names, which encoding/json does not, and refuses a name that is given twice: RFC
// 7519, section 4.
func (c *Claims) UnmarshalJSON(text []byte) error {
	type read Claims // without this method
	return json.Unmarshal(text, (*read)(c))
}

// SignToken makes a token with those claims that is valid from now for ttl, for Audience if they name none.
func SignToken(secret []byte, c Claims, ttl time.Duration) (string, error) {
	now := time.Now()
	if len(c.Audience) == 0 {
		c.Audience = jwt.ClaimStrings{Audience}
	}
	c.IssuedAt, c.ExpiresAt = jwt.NewNumericDate(now), jwt.NewNumericDate(now.Add(ttl))
	return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(secret)
}

// viewer returns who it is that claims name, with the group that main has.
func (t *Tokens) viewer(ctx context.Context, c Claims) (*channel.Viewer, error) {
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
		var err error
		if v.Group, err = t.group(ctx, c.Group); err != nil {
			return nil, err
		}
	}
	v.User = channel.User{ID: ids.UserOf(v.Group.ID, c.Subject), Name: channel.ShownName(c.Name, c.Subject), Group: v.Group}
	return v, nil
}

const (
	// maxUnregistered is how many handles of groups that are not registered are remembered: those asked for last.
	maxUnregistered = 1000
	// unregisteredFor is for how long; a group that is registered meanwhile is found that much later by who asked before.
	unregisteredFor = 2 * time.Second
)

// group returns the group of that handle. The error is an errToken where main has none, or had none a moment ago.
func (t *Tokens) group(ctx context.Context, handle string) (channel.Group, error) {
	if asked, ok := t.unregistered.Get(handle); ok && time.Since(asked) < unregisteredFor {
		return channel.Group{}, errUnregistered
	}
	asked := time.Now()
	group, err := t.groups.FindGroup(ctx, channel.GroupSelector{Handle: &handle})
	if errors.Is(err, channel.ErrNotFound) {
		t.unregistered.Add(handle, asked)
		return channel.Group{}, errUnregistered
	}
	return group, err
}

// errUnregistered is the error of a token of a group that is not registered.
var errUnregistered = fmt.Errorf("%w: the group is not registered", errToken)

// storable reports whether a claim is text that can be kept.
func storable(claim string) bool { return utf8.ValidString(claim) && !strings.ContainsRune(claim, 0) }
