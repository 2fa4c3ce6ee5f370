package main_test

import (
	"strings"
	"testing"
)

const (
	aSecret       = "LINKSPAN_JWT_SECRET=0123456789abcdef0123456789abcdef"
	previous      = "LINKSPAN_JWT_SECRET_PREVIOUS=fedcba9876543210fedcba9876543210"
	aJWKS         = "LINKSPAN_JWKS_URL=https://id.example.com/jwks.json"
	algorithmsEnv = "LINKSPAN_JWT_ALGORITHMS="
)

// Settings of sign-in that can't work, or leave open what is meant, are refused by name in one line; those that can get as
// far as the clusters, of which there are none.
func TestServeRefusesUnclearSignIn(t *testing.T) {
	t.Parallel()
	const clear = "LINKSPAN_MAIN_DSN"
	for name, test := range map[string]struct {
		env  []string
		want string
	}{
		"no key":                      {nil, "LINKSPAN_JWKS_URL"},
		"a secret":                    {[]string{aSecret}, clear},
		"two secrets":                 {[]string{aSecret, previous}, clear},
		"a JWKS":                      {[]string{aJWKS}, clear},
		"a JWKS on loopback":          {[]string{"LINKSPAN_JWKS_URL=http://127.0.0.1:1/jwks"}, clear},
		"both, as it says":            {[]string{aSecret, aJWKS, algorithmsEnv + "HS256,RS256"}, clear},
		"algorithms of the secret":    {[]string{aSecret, algorithmsEnv + "HS256"}, clear},
		"algorithms of the JWKS":      {[]string{aJWKS, algorithmsEnv + "ES384,EdDSA"}, clear},
		"an empty list":               {[]string{aSecret, algorithmsEnv}, clear},
		"issuer and audience":         {[]string{aJWKS, "LINKSPAN_JWT_ISSUER=https://id.example.com/", "LINKSPAN_JWT_AUDIENCE=api"}, clear},
		"both, as it does not say":    {[]string{aSecret, aJWKS}, "LINKSPAN_JWT_ALGORITHMS=HS256,RS256"},
		"both, and one says nothing":  {[]string{aSecret, aJWKS, algorithmsEnv + "RS256"}, "lacks HS256"},
		"both, and HS256 alone":       {[]string{aSecret, aJWKS, algorithmsEnv + "HS256"}, "LINKSPAN_JWKS_URL is set"},
		"HS256 with a JWKS":           {[]string{aJWKS, algorithmsEnv + "HS256"}, "set LINKSPAN_JWT_SECRET, or leave HS256 away"},
		"HS256 among others":          {[]string{aJWKS, algorithmsEnv + "RS256,HS256"}, "set LINKSPAN_JWT_SECRET, or leave HS256 away"},
		"RS256 with a secret":         {[]string{aSecret, algorithmsEnv + "RS256"}, "set LINKSPAN_JWKS_URL"},
		"none":                        {[]string{aJWKS, algorithmsEnv + "none"}, `has "none"`},
		"HS512":                       {[]string{aSecret, algorithmsEnv + "HS512"}, `has "HS512"`},
		"no such algorithm":           {[]string{aJWKS, algorithmsEnv + "rs256"}, `has "rs256"`},
		"previous alone":              {[]string{previous}, "LINKSPAN_JWT_SECRET_PREVIOUS is set without"},
		"previous with a JWKS":        {[]string{previous, aJWKS}, "LINKSPAN_JWT_SECRET_PREVIOUS is set without"},
		"previous is short":           {[]string{aSecret, "LINKSPAN_JWT_SECRET_PREVIOUS=short"}, "LINKSPAN_JWT_SECRET_PREVIOUS has 5 bytes"},
		"previous is the same":        {[]string{aSecret, strings.Replace(aSecret, "SECRET=", "SECRET_PREVIOUS=", 1)}, "are the same"},
		"JWKS over http":              {[]string{"LINKSPAN_JWKS_URL=http://id.example.com/"}, "LINKSPAN_JWKS_URL can't be used"},
		"JWKS in a file":              {[]string{"LINKSPAN_JWKS_URL=/etc/jwks.json"}, "LINKSPAN_JWKS_URL can't be used"},
		"no pause between reads":      {[]string{aJWKS, "LINKSPAN_JWKS_REFRESH=0"}, "LINKSPAN_JWKS_REFRESH"},
		"longer than keys are good":   {[]string{aJWKS, "LINKSPAN_JWKS_REFRESH=25h"}, "LINKSPAN_JWKS_REFRESH"},
		"an empty audience":           {[]string{aSecret, "LINKSPAN_JWT_AUDIENCE="}, "LINKSPAN_JWT_AUDIENCE is empty"},
		"algorithms, but no key":      {[]string{algorithmsEnv + "HS256"}, "LINKSPAN_JWT_SECRET is not set"},
		"a password in the JWKS' URL": {[]string{"LINKSPAN_JWKS_URL=https://u:hidden@id.example.com/"}, "user or password"},
	} {
		out, errs, code := output(t, test.env, "serve")
		if code == 0 || out != "" || !strings.Contains(errs, test.want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: exit %d, %q, %q, want %s", name, code, out, errs, test.want)
		}
		for _, secret := range []string{"0123456789abcdef", "fedcba", "hidden"} {
			if strings.Contains(errs, secret) {
				t.Errorf("%s: %s is in %q", name, secret, errs)
			}
		}
	}
}
