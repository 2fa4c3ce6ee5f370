package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// oneGroup knows acme alone.
type oneGroup struct{ group channel.Group }

func (g oneGroup) FindGroup(_ context.Context, by channel.GroupSelector) (channel.Group, error) {
	if by.Handle == nil || *by.Handle != g.group.Handle {
		return channel.Group{}, channel.ErrNotFound
	}
	return g.group, nil
}

var (
	fuzzSecret = []byte("a secret of the fuzzers, of thirty-two bytes or more")
	acme       = oneGroup{channel.Group{ID: ids.NewGroup(), Handle: "acme", Name: "Acme"}}
)

// FuzzToken gives any text as a token: none but one that was signed is taken, and no refusal repeats it.
func FuzzToken(f *testing.F) {
	good, err := SignToken(fuzzSecret, Claims{Group: "acme", Role: RoleAdmin, RegisteredClaims: jwt.RegisteredClaims{Subject: "ana"}}, time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	head, rest, _ := strings.Cut(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	for _, seed := range []string{
		"", ".", "..", "a.b.c", good[:len(good)-1], good + "A", good + ".", none + "." + rest, none + "." + strings.Split(rest, ".")[0] + ".",
		head + ".e30.", strings.ToUpper(good), " " + good, good + "\n", good + "\x00",
		good[:10] + "\r\n" + good[10:], good[:len(good)-1] + string(good[len(good)-1]^1),
	} {
		f.Add(seed)
	}
	tokens := NewTokens(fuzzSecret, acme)
	f.Fuzz(func(t *testing.T, token string) {
		viewer, err := tokens.Verify(t.Context(), token)
		switch {
		case err == nil && token != good:
			t.Errorf("%q is taken as a token of %+v", token, viewer)
		case err != nil && (!errors.Is(err, errToken) || viewer != nil):
			t.Errorf("%q: %v %v", token, viewer, err)
		case err != nil && len(token) > 40 && strings.Contains(err.Error(), token):
			t.Errorf("the refusal repeats the token: %v", err)
		}
	})
}

// FuzzClaims signs any claims: they are taken if and only if they are what the contract asks for.
func FuzzClaims(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `[]`, `{"sub":"ana","group":"acme","role":"admin","aud":"linkspan","exp":4102444800}`,
		`{"sub":"ana","group":"acme","role":"member","aud":["x","linkspan"],"exp":4102444800.5,"name":"Ana"}`,
		`{"sub":"op","role":"operator","aud":"linkspan","exp":4102444800}`, `{"sub":"op","role":"operator","group":"acme","aud":"linkspan","exp":4102444800}`,
		`{"sub":"ana","group":"acme","role":"admin","aud":"linkspan","exp":1}`, `{"sub":"ana","group":"acme","role":"admin","aud":"linkspan"}`,
		`{"sub":"ana","group":"acme","role":"admin","aud":"linkspan","exp":"soon"}`, `{"sub":"","group":"acme","role":"admin","aud":"linkspan","exp":4102444800}`,
		`{"sub":"a\u0000","group":"acme","role":"admin","aud":"linkspan","exp":4102444800}`, `{"sub":"ana","group":"ACME","role":"admin","aud":"linkspan","exp":4102444800}`,
		`{"sub":"ana","group":"acme","role":"admin","aud":"linkspan","exp":4102444800,"nbf":4102444000}`, `{"sub":"ana","sub":"eve","group":"acme","role":"admin","aud":"linkspan","exp":1e300}`,
		`{"sub":"ana","group":"acme","role":"admin","aud":"linkspan","exp":4102444800,"iat":-1}`, `{"SUB":"ana","Group":"acme","ROLE":"admin","aud":"linkspan","exp":4102444800}`,
	} {
		f.Add(seed)
	}
	tokens := NewTokens(fuzzSecret, acme)
	f.Fuzz(func(t *testing.T, claims string) {
		signing := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." +
			base64.RawURLEncoding.EncodeToString([]byte(claims))
		signature, err := jwt.SigningMethodHS256.Sign(signing, fuzzSecret)
		if err != nil {
			t.Fatal(err)
		}
		viewer, err := tokens.Verify(t.Context(), signing+"."+base64.RawURLEncoding.EncodeToString(signature))
		if err != nil {
			if !errors.Is(err, errToken) || viewer != nil {
				t.Errorf("%s: %v %v", claims, viewer, err)
			}
			return
		}
		var read Claims
		if err := json.Unmarshal([]byte(claims), &read); err != nil {
			t.Fatalf("%q is taken, and is no JSON: %v", claims, err)
		}
		operator := read.Role == RoleOperator && read.Group == ""
		user := (read.Role == RoleAdmin || read.Role == RoleMember) && read.Group == "acme"
		if read.Subject == "" || len(read.Subject) > MaxSubjectBytes || !slices.Contains(read.Audience, Audience) ||
			!viewer.ExpiresAt.After(time.Now()) || operator == user || viewer.Operator != operator || !storable(viewer.User.Name) ||
			viewer.User.ID != ids.UserOf(viewer.Group.ID, read.Subject) {
			t.Errorf("%s is taken as %+v", claims, viewer)
		}
	})
}
