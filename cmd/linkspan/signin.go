package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"linkspan/internal/server"
)

// minJWKSRefresh is the least time between two reads of a JWKS that are due.
const minJWKSRefresh = time.Second

// claimFlags are the claims that all tokens have, for those who sign them and for those who take them.
type claimFlags struct {
	Issuer   string `name:"jwt-issuer" env:"LINKSPAN_JWT_ISSUER" help:"The iss that tokens must have. Default: any."`
	Audience string `name:"jwt-audience" default:"linkspan" env:"LINKSPAN_JWT_AUDIENCE" help:"The aud that tokens must have."`
}

func (f claimFlags) check() error {
	if f.Audience == "" {
		return fmt.Errorf("LINKSPAN_JWT_AUDIENCE is empty: name one, or unset it for %s", server.Audience)
	}
	return nil
}

// signInFlags say whose tokens serve takes; the secrets come from the environment.
type signInFlags struct {
	JWKSURL     string        `name:"jwks-url" placeholder:"URL" env:"LINKSPAN_JWKS_URL" help:"Where an identity provider has the public keys of its tokens; https, or http on loopback."`
	JWKSRefresh time.Duration `name:"jwks-refresh" default:"5m" env:"LINKSPAN_JWKS_REFRESH" help:"How often they are read anew."`
	Algorithms  []string      `name:"jwt-algorithms" placeholder:"ALG" env:"LINKSPAN_JWT_ALGORITHMS" help:"By which tokens may be signed. Default: HS256 with a secret, RS256,PS256,ES256,EdDSA with a JWKS."`
}

// tokens is whose tokens are taken by these settings and those secrets. Its error says what is wrong or unclear with them.
func (f signInFlags) tokens(secrets [][]byte, claims claimFlags) (server.TokenConfig, error) {
	config := server.TokenConfig{
		Secrets: secrets, JWKSURL: f.JWKSURL, JWKSRefresh: f.JWKSRefresh, Algorithms: f.Algorithms,
		Issuer: claims.Issuer, Audience: claims.Audience,
	}
	if err := f.checkJWKS(); err != nil {
		return config, err
	}
	return config, f.checkAlgorithms(len(secrets) > 0)
}

func (f signInFlags) checkJWKS() error {
	if f.JWKSURL == "" {
		return nil
	}
	if err := server.CheckJWKSURL(f.JWKSURL); err != nil {
		return fmt.Errorf("LINKSPAN_JWKS_URL can't be used: %w", err)
	}
	if f.JWKSRefresh < minJWKSRefresh || f.JWKSRefresh > server.MaxKeyAge {
		return fmt.Errorf("LINKSPAN_JWKS_REFRESH is %v: it must be from %v to %v", f.JWKSRefresh, minJWKSRefresh, server.MaxKeyAge)
	}
	return nil
}

// checkAlgorithms says whether the algorithms and the kinds of keys fit: each must be there for the other, and both kinds
// at once only if it is said that this is meant.
func (f signInFlags) checkAlgorithms(secret bool) error {
	jwks := f.JWKSURL != ""
	if !secret && !jwks {
		return fmt.Errorf("LINKSPAN_JWT_SECRET is not set: give a random key of at least %d bytes, "+
			"such as `openssl rand -hex 32` prints; or set LINKSPAN_JWKS_URL to where an identity provider has its keys", minSecretBytes)
	}
	if f.Algorithms == nil {
		if secret && jwks {
			return errors.New("LINKSPAN_JWT_SECRET and LINKSPAN_JWKS_URL are both set: unset one of them; or, if tokens of either " +
				"are to be taken, say so by the algorithms of both, as in LINKSPAN_JWT_ALGORITHMS=HS256,RS256")
		}
		return nil
	}
	for _, algorithm := range f.Algorithms {
		if algorithm != server.HS256 && !slices.Contains(server.JWKSAlgorithms, algorithm) {
			return fmt.Errorf("LINKSPAN_JWT_ALGORITHMS has %q: it may have %s for the secret and %s for a JWKS",
				algorithm, server.HS256, strings.Join(server.JWKSAlgorithms, ", "))
		}
	}
	bySecret := slices.Contains(f.Algorithms, server.HS256)
	byJWKS := slices.ContainsFunc(f.Algorithms, func(algorithm string) bool { return algorithm != server.HS256 })
	switch {
	case bySecret && !secret:
		return errors.New("LINKSPAN_JWT_ALGORITHMS has HS256, and no secret is set: set LINKSPAN_JWT_SECRET, or leave HS256 away")
	case byJWKS && !jwks:
		return fmt.Errorf("LINKSPAN_JWT_ALGORITHMS is %s, which takes public keys: set LINKSPAN_JWKS_URL, or leave all but HS256 away",
			strings.Join(f.Algorithms, ","))
	case secret && !bySecret:
		return errors.New("LINKSPAN_JWT_SECRET is set, and LINKSPAN_JWT_ALGORITHMS lacks HS256: unset the secret, or add HS256")
	case jwks && !byJWKS:
		return errors.New("LINKSPAN_JWKS_URL is set, and LINKSPAN_JWT_ALGORITHMS has HS256 alone, which takes no public keys: " +
			"unset the URL, or add the algorithm of its keys, as in HS256,RS256")
	}
	return nil
}
