package server

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"linkspan/internal/channel"
	"linkspan/internal/server/jwkstest"
)

func hs256(t testing.TB, secret string, changes map[string]any) string {
	t.Helper()
	return jwkstest.Sign(t, jwt.SigningMethodHS256, []byte(secret), nil, ana(changes))
}

const (
	newSecret = "the secret of new tokens, of thirty-two bytes or more"
	oldSecret = "the secret of tokens before, of thirty-two bytes or more"
)

// TestTwoSecrets takes tokens of either secret, and of no other.
func TestTwoSecrets(t *testing.T) {
	t.Parallel()
	both := NewTokens(TokenConfig{Secrets: [][]byte{[]byte(newSecret), []byte(oldSecret)}}, acme)
	one := NewTokens(TokenConfig{Secrets: [][]byte{[]byte(newSecret)}}, acme)
	none := NewTokens(TokenConfig{Secrets: [][]byte{nil, {}}}, acme)
	for _, c := range []struct {
		secret          string
		both, one, none string
	}{
		{newSecret, taken, taken, refused}, {oldSecret, taken, refused, refused}, {"a third secret, of thirty-two bytes or more", refused, refused, refused}, {"", refused, refused, refused},
	} {
		token := hs256(t, c.secret, nil)
		expect(t, both, token, c.both, c.secret+" by both")
		expect(t, one, token, c.one, c.secret+" by one")
		expect(t, none, token, c.none, c.secret+" by none")
	}
}

// TestIssuerAndAudience holds tokens of a secret and of a JWKS to the configured issuer and audience.
func TestIssuerAndAudience(t *testing.T) {
	t.Parallel()
	key := jwkstest.NewKey(t, "1", "ES256")
	const issuer, audience = "https://id.example/", "https://linkspan.example"
	loose := judge(t, jwkstest.New(key), TokenConfig{Secrets: [][]byte{[]byte(newSecret)}})
	strict := judge(t, jwkstest.New(key), TokenConfig{Secrets: [][]byte{[]byte(newSecret)}, Issuer: issuer, Audience: audience})
	for name, c := range map[string]struct {
		changes       map[string]any
		loose, strict string
	}{
		"neither":               {nil, taken, refused},
		"both":                  {map[string]any{"iss": issuer, "aud": audience}, refused, taken},
		"both among others":     {map[string]any{"iss": issuer, "aud": []string{"x", Audience, audience}}, taken, taken},
		"another issuer":        {map[string]any{"iss": "https://id.example", "aud": audience}, refused, refused},
		"another issuer, ours":  {map[string]any{"iss": "https://evil.example/"}, taken, refused},
		"the issuer in capital": {map[string]any{"iss": strings.ToUpper(issuer), "aud": audience}, refused, refused},
		"issuers":               {map[string]any{"iss": []string{issuer}, "aud": audience}, refused, refused},
		"the default audience":  {map[string]any{"iss": issuer, "aud": Audience}, taken, refused},
		"no audience":           {map[string]any{"iss": issuer, "aud": nil}, refused, refused},
		"no issuer":             {map[string]any{"aud": audience}, refused, refused},
		"no exp":                {map[string]any{"iss": issuer, "aud": []string{Audience, audience}, "exp": nil}, refused, refused},
	} {
		for by, token := range map[string]string{"secret": hs256(t, newSecret, c.changes), "JWKS": key.Sign(t, ana(c.changes))} {
			expect(t, loose, token, c.loose, name+" by "+by)
			expect(t, strict, token, c.strict, name+" by "+by+", strict")
		}
	}
}

// TestClaimNamesAreExact holds that only a claim's own name counts, though others that fold to it stand behind it.
func TestClaimNamesAreExact(t *testing.T) {
	t.Parallel()
	const issuer = "https://id.example/"
	tokens := NewTokens(TokenConfig{Secrets: [][]byte{[]byte(newSecret)}, Issuer: issuer}, acme)
	const good = `"iss":"https://id.example/","aud":"linkspan","sub":"ana","group":"acme","role":"member","exp":4102444800`
	for name, c := range map[string]struct{ claims, want string }{
		"as it should be":       {`{` + good + `}`, taken},
		"Role and Group beside": {`{` + good + `,"Role":"admin","Group":"globex","ROLE":"operator"}`, taken},
		"ſub and Name beside":   {`{` + good + `,"ſub":"eve","Sub":"eve","Name":"Eve"}`, taken},
		"others that are odd":   {`{` + good + `,"EXP":1,"Nbf":4102444800,"AUD":7,"ISS":[],"email":"a@b","picture":null,"x":{"y":[1]}}`, taken},
		"EXP behind exp":        {`{` + strings.Replace(good, "4102444800", "1", 1) + `,"EXP":4102444800}`, expired},
		"Iss behind iss":        {`{` + strings.Replace(good, issuer, "https://evil.example/", 1) + `,"Iss":"` + issuer + `"}`, refused},
		"Iss for iss":           {`{` + strings.Replace(good, `"iss"`, `"Iss"`, 1) + `}`, refused},
		"Aud for aud":           {`{` + strings.Replace(good, `"aud"`, `"Aud"`, 1) + `}`, refused},
		"ROLE for role":         {`{` + strings.Replace(good, `"role"`, `"ROLE"`, 1) + `}`, refused},
		"EXP for exp":           {`{` + strings.Replace(good, `"exp"`, `"EXP"`, 1) + `}`, refused},
		"role twice":            {`{` + good + `,"role":"admin"}`, refused},
		"a name twice, deep":    {`{` + good + `,"x":{"y":1,"y":2}}`, refused},
		"no UTF-8":              {`{` + good + ",\"x\":\"\xff\"}", refused},
	} {
		signing := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(c.claims))
		signature, err := jwt.SigningMethodHS256.Sign(signing, []byte(newSecret))
		if err != nil {
			t.Fatal(err)
		}
		token := signing + "." + base64.RawURLEncoding.EncodeToString(signature)
		expect(t, tokens, token, c.want, name)
		if c.want != taken {
			continue
		}
		if viewer, err := tokens.Verify(t.Context(), token); err != nil || viewer.Role != channel.RoleMember || viewer.Operator || viewer.ExpiresAt.Unix() != 4102444800 {
			t.Errorf("%s: %+v %v", name, viewer, err)
		}
	}
}

// TestExpiredAndWrong tells a token that was good until it ended from one that never was for us.
func TestExpiredAndWrong(t *testing.T) {
	t.Parallel()
	const issuer = "https://id.example/"
	ended, soon := time.Now().Add(-time.Second).Unix(), time.Now().Add(time.Hour).Unix()
	key := jwkstest.NewKey(t, "1", "ES256")
	tokens := judge(t, jwkstest.New(key), TokenConfig{Secrets: [][]byte{[]byte(newSecret)}, Issuer: issuer})
	for name, c := range map[string]struct {
		changes map[string]any
		want    string
	}{
		"ended alone":        {nil, expired},
		"of another issuer":  {map[string]any{"iss": "https://evil.example/"}, refused},
		"of no issuer":       {map[string]any{"iss": nil}, refused},
		"for another":        {map[string]any{"aud": "elsewhere"}, refused},
		"for nobody":         {map[string]any{"aud": nil}, refused},
		"not yet valid":      {map[string]any{"nbf": soon}, refused},
		"issued hereafter":   {map[string]any{"iat": soon}, refused},
		"for us too, and so": {map[string]any{"aud": []string{"elsewhere", Audience}, "nbf": ended, "iat": ended}, expired},
	} {
		changes := map[string]any{"iss": issuer, "exp": ended, "iat": ended - 10}
		maps.Copy(changes, c.changes)
		expect(t, tokens, hs256(t, newSecret, changes), c.want, name+", by a secret")
		expect(t, tokens, key.Sign(t, ana(changes)), c.want, name+", by a JWKS")
		expect(t, tokens, hs256(t, oldSecret, changes), refused, name+", forged")
	}
}

// TestAlgorithms takes each key by the algorithms of its type that are configured and that the set says, and by no other.
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	keys := map[string]*jwkstest.Key{}
	var all []*jwkstest.Key
	for _, algorithm := range JWKSAlgorithms {
		if strings.HasSuffix(algorithm, "S384") && algorithm != "ES384" || strings.HasSuffix(algorithm, "S512") && algorithm != "ES512" {
			continue // as RS256 and PS256; RSA keys take long to make
		}
		keys[algorithm] = jwkstest.NewKey(t, algorithm, algorithm)
		all = append(all, keys[algorithm])
	}
	free := jwkstest.NewKey(t, "any of RSA", "RS256")
	delete(free.JWK, "alg")
	provider := jwkstest.New(append(all, free)...)
	byDefault, every := judge(t, provider, TokenConfig{}), judge(t, provider, TokenConfig{Algorithms: JWKSAlgorithms})
	for algorithm, key := range keys {
		want := map[bool]string{true: taken, false: refused}[slices.Contains(DefaultJWKSAlgorithms, algorithm)]
		expect(t, byDefault, key.Sign(t, ana(nil)), want, algorithm+" by default")
		expect(t, every, key.Sign(t, ana(nil)), taken, algorithm+", all configured")
	}
	for _, algorithm := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"} {
		token := jwkstest.Sign(t, jwt.GetSigningMethod(algorithm), free.Private, map[string]any{"kid": free.ID}, ana(nil))
		expect(t, every, token, taken, algorithm+" by a key for all of RSA")
	}
	for _, c := range []struct{ key, algorithm string }{{"RS256", "PS256"}, {"PS256", "RS256"}, {"RS256", "RS512"}} {
		key := keys[c.key]
		token := jwkstest.Sign(t, jwt.GetSigningMethod(c.algorithm), key.Private, map[string]any{"kid": key.ID}, ana(nil))
		expect(t, every, token, refused, c.algorithm+" by a key for "+c.key)
	}
	delete(keys["ES256"].JWK, "alg")
	provider = jwkstest.New(keys["ES256"])
	expect(t, judge(t, provider, TokenConfig{Algorithms: JWKSAlgorithms}), es384ByP256(t, keys["ES256"]), refused, "ES384 by a key of P-256")
}

// es384ByP256 signs a token by SHA-384 with a key of the curve P-256, which ES384 does not allow: RFC 7518, section 3.4.
func es384ByP256(t *testing.T, key *jwkstest.Key) string {
	t.Helper()
	signing := unsigned(t, map[string]any{"alg": "ES384", "kid": key.ID}, ana(nil))
	hash := sha512.Sum384([]byte(signing))
	r, s, err := ecdsa.Sign(rand.Reader, key.Private.(*ecdsa.PrivateKey), hash[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := append(r.FillBytes(make([]byte, 48)), s.FillBytes(make([]byte, 48))...)
	if !ecdsa.Verify(key.Private.Public().(*ecdsa.PublicKey), hash[:], new(big.Int).SetBytes(signature[:48]), new(big.Int).SetBytes(signature[48:])) {
		t.Fatal("the signature is no good")
	}
	return signing + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// unsigned is a token without its signature.
func unsigned(t testing.TB, header, claims any) string {
	t.Helper()
	var parts []string
	for _, part := range []any{header, claims} {
		text, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, base64.RawURLEncoding.EncodeToString(text))
	}
	return strings.Join(parts, ".")
}

// TestKeyConfusion signs by HS256 with what anybody knows of a public key, and not at all.
func TestKeyConfusion(t *testing.T) {
	t.Parallel()
	key := jwkstest.NewKey(t, "1", "RS256")
	delete(key.JWK, "alg")
	der, err := x509.MarshalPKIXPublicKey(key.Private.Public())
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := json.Marshal(key.JWK)
	if err != nil {
		t.Fatal(err)
	}
	provider := jwkstest.New(key)
	every := append([]string{HS256, "HS384", "HS512", "none"}, JWKSAlgorithms...)
	for name, tokens := range map[string]*Tokens{
		"JWKS":            judge(t, provider, TokenConfig{}),
		"JWKS and secret": judge(t, provider, TokenConfig{Secrets: [][]byte{[]byte(newSecret)}, Algorithms: []string{HS256, "RS256"}}),
		"all algorithms":  judge(t, provider, TokenConfig{Secrets: [][]byte{[]byte(newSecret)}, Algorithms: every}),
	} {
		expect(t, tokens, key.Sign(t, ana(nil)), taken, name+": a good one")
		for form, secret := range map[string][]byte{
			"PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "DER": der, "JWK": jwk, "n": []byte(key.JWK["n"].(string)), "nothing": {},
		} {
			for _, method := range []jwt.SigningMethod{jwt.SigningMethodHS256, jwt.SigningMethodHS384, jwt.SigningMethodHS512} {
				for _, header := range []map[string]any{nil, {"kid": "1"}} {
					expect(t, tokens, jwkstest.Sign(t, method, secret, header, ana(nil)), refused, name+": "+method.Alg()+" by the "+form)
				}
			}
		}
		expect(t, tokens, jwkstest.Sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, map[string]any{"kid": "1"}, ana(nil)), refused, name+": alg none")
		expect(t, tokens, jwkstest.Sign(t, jwt.SigningMethodHS384, []byte(newSecret), nil, ana(nil)), refused, name+": HS384 by the secret")
	}
	secretAlone := NewTokens(TokenConfig{Secrets: [][]byte{[]byte(newSecret)}, Algorithms: every}, acme)
	expect(t, secretAlone, key.Sign(t, ana(nil)), refused, "RS256 where there is no JWKS")
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	asSecret := NewTokens(TokenConfig{Secrets: [][]byte{public}, Algorithms: every}, acme)
	expect(t, asSecret, key.Sign(t, ana(nil)), refused, "RS256 where the public key is the secret")
}

// TestHeaders follows nothing in a token's header but the name of a key that is in the set.
func TestHeaders(t *testing.T) {
	t.Parallel()
	mine := jwkstest.NewKey(t, "mine", "ES256")
	key, second := jwkstest.NewKey(t, "1", "ES256"), jwkstest.NewKey(t, "2", "ES256")
	nameless := jwkstest.NewKey(t, "", "ES256")
	delete(nameless.JWK, "kid")
	trap := jwkstest.New(mine)
	at := trap.Listen(t)
	pointers := map[string]any{"jku": at, "x5u": at, "jwk": mine.JWK, "x5c": []string{"AAAA"}, "iss": at, "typ": "JWT"}
	with := func(more map[string]any) map[string]any {
		header := maps.Clone(pointers)
		maps.Copy(header, more)
		return header
	}
	cases := map[string]struct {
		key    *jwkstest.Key
		header map[string]any
		want   string
	}{
		"pointers beside a good key":   {key, with(map[string]any{"kid": "1"}), taken},
		"pointers to another key":      {mine, with(map[string]any{"kid": "1"}), refused},
		"pointers and no name":         {mine, with(nil), refused},
		"pointers and its own name":    {mine, with(map[string]any{"kid": "mine"}), refused},
		"no name":                      {second, nil, taken},
		"no name, of the nameless":     {nameless, nil, taken},
		"an empty name":                {nameless, map[string]any{"kid": ""}, refused},
		"a name of the nameless":       {nameless, map[string]any{"kid": "3"}, refused},
		"another's name":               {key, map[string]any{"kid": "2"}, refused},
		"a number":                     {key, map[string]any{"kid": 1}, refused},
		"null":                         {key, map[string]any{"kid": nil}, refused},
		"a list":                       {key, map[string]any{"kid": []string{"1"}}, refused},
		"an object":                    {key, map[string]any{"kid": map[string]any{"1": "1"}}, refused},
		"a path":                       {key, map[string]any{"kid": "../../dev/null"}, refused},
		"SQL":                          {key, map[string]any{"kid": "x' UNION SELECT '1"}, refused},
		"an address":                   {mine, map[string]any{"kid": at}, refused},
		"NUL":                          {key, map[string]any{"kid": "1\x00"}, refused},
		"a long one":                   {key, map[string]any{"kid": strings.Repeat("1", 8000)}, refused},
		"too long a token":             {key, map[string]any{"kid": "1", "x": strings.Repeat("1", MaxTokenBytes)}, refused},
		"crit":                         {key, map[string]any{"kid": "1", "crit": []string{"exp"}, "exp": 1}, refused},
		"crit, empty":                  {key, map[string]any{"kid": "1", "crit": []string{}}, refused},
		"crit, null":                   {key, map[string]any{"kid": "1", "crit": nil}, refused},
		"an encoding that needs crit":  {key, map[string]any{"kid": "1", "crit": []string{"b64"}, "b64": false}, refused},
		"what nobody needs to know of": {key, map[string]any{"kid": "1", "cty": "x", "x5t": "AAAA", "nonce": "1"}, taken},
	}
	synctest.Test(t, func(t *testing.T) {
		provider := jwkstest.New(key, second, nameless)
		tokens := judge(t, provider, TokenConfig{})
		for name, c := range cases {
			time.Sleep(pauseUnknown) // else nobody can tell of a key that may be new
			reads := provider.Reads()
			expect(t, tokens, c.key.SignWith(t, c.header, ana(nil)), c.want, name)
			if name == "an empty name" && provider.Reads() != reads {
				t.Error("the set is read for a key without a name")
			}
		}
	})
	expect(t, NewTokens(TokenConfig{Secrets: [][]byte{[]byte(newSecret)}}, acme),
		jwkstest.Sign(t, jwt.SigningMethodHS256, []byte(newSecret), map[string]any{"crit": []string{"exp"}}, ana(nil)), refused, "crit by a secret")
	if got := trap.Reads(); got != 0 {
		t.Errorf("an address in a token was asked %d times", got)
	}
}

// TestTimes judges exp, nbf and iat to the nanosecond, with no leeway, of a token that is known as of one that is new.
func TestTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tokens := NewTokens(TokenConfig{Secrets: [][]byte{[]byte(newSecret)}}, acme)
		began := time.Now() // a whole second
		ends := began.Add(10 * time.Second).Unix()
		known, unknown := hs256(t, newSecret, map[string]any{"exp": ends}), hs256(t, newSecret, map[string]any{"exp": ends, "jti": "2"})
		early := hs256(t, newSecret, map[string]any{"nbf": began.Add(5 * time.Second).Unix()})
		ahead := hs256(t, newSecret, map[string]any{"iat": began.Add(5 * time.Second).Unix()})
		until := func(after time.Duration) { time.Sleep(time.Until(began.Add(after))) }
		expect(t, tokens, known, taken, "at the start")
		until(5*time.Second - 1)
		expect(t, tokens, early, refused, "a nanosecond before nbf")
		expect(t, tokens, ahead, refused, "a nanosecond before iat")
		until(5 * time.Second)
		expect(t, tokens, early, taken, "at nbf")
		expect(t, tokens, ahead, taken, "at iat")
		until(10*time.Second - 1)
		expect(t, tokens, known, taken, "known, a nanosecond before exp")
		until(10 * time.Second)
		expect(t, tokens, known, expired, "known, at exp")
		expect(t, tokens, known, expired, "known, at exp, once more")
		expect(t, tokens, unknown, expired, "new, at exp")
		expect(t, tokens, unknown+"A", refused, "of another signature, at exp")
	})
}
