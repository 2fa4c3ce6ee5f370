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
	"linkspan/internal/server/jwkstest"
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

// FuzzToken gives any text as a token, to a verifier by a secret and to one by a JWKS: none but one that was signed is
// taken, and no refusal repeats it. Of a key that may be new, nobody can tell.
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
	key := jwkstest.NewKey(f, "1", "EdDSA") // which has one signature for a text
	byKey := key.Sign(f, ana(nil))
	_, rest, _ = strings.Cut(byKey, ".")
	for _, header := range []string{
		`{"alg":"EdDSA","kid":"1"}`, `{"alg":"EdDSA"}`, `{"alg":"EdDSA","kid":1}`, `{"alg":"EdDSA","kid":"1","crit":["b64"],"b64":false}`,
		`{"alg":"HS256","kid":"1"}`, `{"alg":"none","kid":"1"}`, `{"alg":"RS256","kid":"1"}`, `{"alg":["EdDSA"],"kid":"1"}`,
		`{"alg":"EdDSA","kid":"1","jku":"http://127.0.0.1:1/","jwk":{"kty":"OKP","crv":"Ed25519","x":"AA"}}`, `{"alg":"EdDSA","kid":"1","kid":"2"}`,
	} {
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + rest)
	}
	for _, seed := range []string{byKey, byKey + "A", byKey + "=", byKey[:len(byKey)-1], strings.ToLower(byKey)} {
		f.Add(seed)
	}
	verifiers := map[string]*Tokens{
		good:  NewTokens(TokenConfig{Secrets: [][]byte{fuzzSecret}}, acme),
		byKey: judge(f, jwkstest.New(key), TokenConfig{}),
	}
	f.Fuzz(func(t *testing.T, token string) {
		for signed, tokens := range verifiers {
			viewer, err := tokens.Verify(t.Context(), token)
			fault, retryable := errors.AsType[*channel.Fault](err)
			retryable = retryable && fault.Retryable && signed == byKey
			switch {
			case err == nil && token != signed:
				t.Errorf("%q is taken as a token of %+v", token, viewer)
			case err != nil && token == signed:
				t.Errorf("a good token: %v", err)
			case err != nil && (!errors.Is(err, errToken) && !retryable || viewer != nil):
				t.Errorf("%q: %v %v", token, viewer, err)
			case err != nil && len(token) > 40 && strings.Contains(err.Error(), token):
				t.Errorf("the refusal repeats the token: %v", err)
			}
		}
	})
}

// FuzzKeySet gives any text as a JWKS: it is refused, or has keys each of which judges a token without a panic.
func FuzzKeySet(f *testing.F) {
	for _, algorithm := range []string{"RS256", "ES256", "EdDSA"} {
		f.Add(jwkstest.Set(jwkstest.NewKey(f, "1", algorithm)))
	}
	for _, seed := range []string{
		`{"keys":[]}`, `{"keys":[{}]}`, `{"keys":[null,1,"a",[]]}`, `{"keys":[{"kty":"oct","k":"AAAA","alg":"HS256"}]}`,
		`{"keys":[{"kty":"RSA","n":"` + strings.Repeat("_", 342) + `","e":"AA"}]}`, `{"keys":[{"kty":"RSA","n":"` + strings.Repeat("_", 341) + `8","e":"Ag"}]}`,
		`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`, `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"` + strings.Repeat("A", 43) + `"}]}`,
		`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","x5c":["AAAA"]}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		set, err := parseKeySet([]byte(text), JWKSAlgorithms, nil)
		if err != nil {
			return
		}
		for _, key := range set.keys {
			for _, algorithm := range key.algorithms {
				method := jwt.GetSigningMethod(algorithm)
				for _, length := range []int{0, 64, 96, 132, 256} {
					if method.Verify("a.b", make([]byte, length), key.key) == nil && algorithm != "EdDSA" {
						t.Errorf("%s takes zeros as a signature by %s", text, algorithm)
					}
				}
			}
			if set.index(key) < 0 || !set.holds([]*publicKey{key}) {
				t.Errorf("%s does not hold its own key", text)
			}
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
		`{"sub":"ana","group":"acme","role":"admin","aud":"linkspan","exp":4102444800,"iat":-1}`,
		`{"sub":"ana","group":"acme","role":"member","aud":"linkspan","exp":4102444800,"Role":"admin","GROUP":"nobody","ſub":"eve","EXP":1}`,
		`{"sub":"ana","group":"acme","role":"member","role":"admin","aud":"linkspan","exp":4102444800}`, `{"SUB":"ana","Group":"acme","ROLE":"admin","aud":"linkspan","exp":4102444800}`,
	} {
		f.Add(seed)
	}
	tokens := NewTokens(TokenConfig{Secrets: [][]byte{fuzzSecret}}, acme)
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
		var read map[string]any // whose names are exact
		if err := json.Unmarshal([]byte(claims), &read); err != nil {
			t.Fatalf("%q is taken, and is no JSON: %v", claims, err)
		}
		sub, _ := read["sub"].(string)
		group, _ := read["group"].(string)
		audiences, _ := read["aud"].([]any)
		operator := read["role"] == RoleOperator && group == ""
		user := (read["role"] == RoleAdmin || read["role"] == RoleMember) && group == "acme"
		if sub == "" || len(sub) > MaxSubjectBytes || read["aud"] != Audience && !slices.Contains(audiences, any(Audience)) ||
			!viewer.ExpiresAt.After(time.Now()) || operator == user || viewer.Operator != operator || !storable(viewer.User.Name) ||
			viewer.User.ID != ids.UserOf(viewer.Group.ID, sub) {
			t.Errorf("%s is taken as %+v", claims, viewer)
		}
	})
}
