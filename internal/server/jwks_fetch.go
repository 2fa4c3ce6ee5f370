package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// maxJWKSBytes is the greatest length of a JWKS.
	maxJWKSBytes = 1 << 20
	// fetchTimeout bounds a read of a JWKS, from the look-up of its host to its last byte.
	fetchTimeout = 5 * time.Second
)

// CheckJWKSURL says what is wrong with the address of a JWKS: it must be https, or http on this machine's loopback.
func CheckJWKSURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return errors.New("it is no URL: give one as in https://id.example.com/.well-known/jwks.json")
	case u.User != nil:
		return errors.New("it has a user or password, which would be sent in the open: give an address that needs none")
	case u.Fragment != "":
		return errors.New("it has a fragment (#): leave that away")
	case u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return errors.New("it must begin with https:// (http:// is for loopback alone): whoever can change what it says signs in as anybody")
}

// withoutQuery is an address as the log may have it: the query may hold a key of the provider's.
func withoutQuery(address string) string {
	bare, _, cut := strings.Cut(address, "?")
	if cut {
		bare += "?…"
	}
	return bare
}

// withoutAddress is an error of a request without the address that net/http puts before it.
func withoutAddress(err error) error {
	if of := (*url.Error)(nil); errors.As(err, &of) {
		return of.Err
	}
	return err
}

// jwksClient follows no redirect, and keeps no connection.
var jwksClient = &http.Client{
	Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// fetchJWKS gets a JWKS, in bounded time and size. The error has no query of an address.
func fetchJWKS(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, withoutAddress(err)
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := client.Do(request)
	if err != nil {
		return nil, withoutAddress(err)
	}
	defer func() { _ = response.Body.Close() }() // it was read, or is of no use
	if response.StatusCode != http.StatusOK {
		if to := response.Header.Get("Location"); to != "" {
			return nil, fmt.Errorf("it answers %d and points to %.200q, which is not followed: give the address itself", response.StatusCode, withoutQuery(to))
		}
		return nil, fmt.Errorf("it answers %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxJWKSBytes+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxJWKSBytes {
		return nil, fmt.Errorf("it is longer than %d bytes", maxJWKSBytes)
	}
	return body, nil
}
