// Package jwkstest is an identity provider for tests: keys, tokens that they sign, and the JWKS where they are found.
package jwkstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// Key is a private key and how the JWKS tells of it.
type Key struct {
	ID      string // its kid
	Method  jwt.SigningMethod
	Private crypto.Signer
	JWK     map[string]any // its public half; a test may change it before it is published
}

// NewKey makes a key that signs by the algorithm. An RSA key has 2048 bits.
func NewKey(t testing.TB, id, algorithm string) *Key {
	t.Helper()
	var private crypto.Signer
	var err error
	switch algorithm {
	case "ES256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		private, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	key := &Key{ID: id, Method: jwt.GetSigningMethod(algorithm), Private: private}
	key.JWK = map[string]any{"kid": id, "use": "sig", "alg": algorithm}
	maps.Copy(key.JWK, publicJWK(t, private.Public()))
	return key
}

// publicJWK describes a public key: RFC 7518, section 6, and RFC 8037, section 2.
func publicJWK(t testing.TB, public crypto.PublicKey) map[string]any {
	t.Helper()
	text := base64.RawURLEncoding.EncodeToString
	switch public := public.(type) {
	case *rsa.PublicKey:
		return map[string]any{"kty": "RSA", "n": text(public.N.Bytes()), "e": text(big.NewInt(int64(public.E)).Bytes())}
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		half := len(point) / 2
		return map[string]any{"kty": "EC", "crv": public.Curve.Params().Name, "x": text(point[1 : 1+half]), "y": text(point[1+half:])}
	case ed25519.PublicKey:
		return map[string]any{"kty": "OKP", "crv": "Ed25519", "x": text(public)}
	}
	t.Fatalf("no JWK for %T", public)
	return nil
}

// Sign signs a token that names the key.
func (k *Key) Sign(t testing.TB, claims jwt.Claims) string {
	t.Helper()
	return k.SignWith(t, map[string]any{"kid": k.ID}, claims)
}

// SignWith signs a token with those fields in its header.
func (k *Key) SignWith(t testing.TB, header map[string]any, claims jwt.Claims) string {
	t.Helper()
	return Sign(t, k.Method, k.Private, header, claims)
}

// Sign signs a token by any method and key.
func Sign(t testing.TB, method jwt.SigningMethod, key any, header map[string]any, claims jwt.Claims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	maps.Copy(token.Header, header)
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// Set is the JWKS with those keys.
func Set(keys ...*Key) string {
	set := map[string][]any{"keys": {}}
	for _, key := range keys {
		set["keys"] = append(set["keys"], key.JWK)
	}
	text, err := json.Marshal(set)
	if err != nil {
		panic(err) // of texts alone
	}
	return string(text)
}
