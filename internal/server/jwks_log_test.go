package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"linkspan/internal/server/jwkstest"
)

// The log tells of keys that are passed over when they come, be the others the same, and not again with each read.
func TestJWKSLogsPassedKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key, mended := jwkstest.NewKey(t, "1", "ES256"), jwkstest.NewKey(t, "2", "ES256")
		curve, use := jwkstest.NewKey(t, "2", "ES384"), jwkstest.NewKey(t, "3", "ES256")
		use.JWK["use"] = "enc"
		provider := jwkstest.New(key)
		logger, text := logged()
		judge(t, provider, TokenConfig{Logger: logger})
		synctest.Wait()
		told := func() (lines, read int) {
			lines, read = strings.Count(text.String(), "are passed over"), strings.Count(text.String(), "was read")
			return lines, read
		}
		for i, c := range []struct {
			keys        []*jwkstest.Key
			lines, read int
		}{
			{[]*jwkstest.Key{key}, 0, 1}, {[]*jwkstest.Key{key, curve}, 1, 1}, {[]*jwkstest.Key{key, curve}, 1, 1}, {[]*jwkstest.Key{curve, key}, 1, 1},
			{[]*jwkstest.Key{key, use}, 2, 1}, {[]*jwkstest.Key{curve, key, use}, 3, 1}, {[]*jwkstest.Key{use, key, curve}, 3, 1},
			{[]*jwkstest.Key{key, mended, use}, 4, 2}, {[]*jwkstest.Key{key, mended}, 4, 2}, {[]*jwkstest.Key{mended}, 4, 3}, {[]*jwkstest.Key{mended, use}, 5, 3},
		} {
			provider.Has(c.keys...)
			time.Sleep(DefaultJWKSRefresh)
			synctest.Wait()
			if lines, read := told(); lines != c.lines || read != c.read {
				t.Errorf("set %d: %d lines of passed keys, %d of the set; want %d, %d", i, lines, read, c.lines, c.read)
			}
		}
		provider.Fails()
		time.Sleep(DefaultJWKSRefresh)
		synctest.Wait()
		provider.Has(mended, use)
		time.Sleep(DefaultJWKSRefresh)
		synctest.Wait()
		if lines, read := told(); lines != 6 || read != 4 {
			t.Errorf("behind a failure: %d lines of passed keys, %d of the set", lines, read)
		}
	})
}

// The query of the JWKS' address, or of the one that it redirects to, may hold a key of the provider's: it is never logged.
func TestJWKSLogHasNoQuery(t *testing.T) {
	t.Parallel()
	disorder := jwkstest.New()
	disorder.Fails()
	for name, does := range map[string]roundTripper{
		"out of reach": func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") },
		"in disorder":  disorder.Client().Transport.RoundTrip,
		"elsewhere": func(r *http.Request) (*http.Response, error) {
			header := http.Header{"Location": {"https://other.example/keys?code=hidden&to=" + r.URL.Query().Get("code")}}
			return &http.Response{StatusCode: http.StatusFound, Header: header, Body: http.NoBody, Request: r}, nil
		},
		"a set": jwkstest.New(jwkstest.NewKey(t, "1", "ES384")).Client().Transport.RoundTrip,
	} {
		for _, before := range []bool{false, true} {
			logger, text := logged()
			j := newJWKS("https://id.example/jwks?code=hidden", time.Minute, DefaultJWKSAlgorithms, logger)
			if before {
				j.last.Store(&readSet{&keySet{}, time.Now()})
			}
			j.client = &http.Client{Transport: does, CheckRedirect: jwksClient.CheckRedirect}
			set, err := j.read(t.Context())
			j.note(t.Context(), set, err)
			if log := text.String(); strings.Contains(log, "hidden") || !strings.Contains(log, "https://id.example/jwks?…") {
				t.Errorf("%s, read before: %v: the log has %s", name, before, log)
			}
		}
	}
	_, err := fetchJWKS(context.Background(), jwksClient, "https://id.example/\x7f?code=hidden")
	if err == nil || strings.Contains(err.Error(), "hidden") {
		t.Errorf("an address that is none: %v", err)
	}
}
