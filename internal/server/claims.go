package server

import (
	"context"
	"errors"
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
