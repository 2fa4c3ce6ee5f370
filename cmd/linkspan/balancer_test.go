//go:build long

package main_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// balancer is one address in front of replicas: it asks each again and again whether it is ready, and leads new connections
// to those that are.
type balancer struct {
	url  string
	turn atomic.Int64

	mu       sync.Mutex
	replicas []*serving
	ready    map[*serving]*url.URL
}

func newBalancer(t *testing.T) *balancer {
	t.Helper()
	b := &balancer{ready: make(map[*serving]*url.URL)}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			if to := b.next(); to != nil {
				p.SetURL(to)
			}
		},
		// A connection for each request: what a pool of idle ones does when one ends is the pool's affair.
		Transport: &http.Transport{DisableKeepAlives: true},
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	b.url = front.URL + "/graphql"
	ctx, cancel := context.WithCancel(context.Background())
	var asking sync.WaitGroup
	asking.Go(func() { b.run(ctx) })
	t.Cleanup(func() { cancel(); asking.Wait() })
	return b
}

// add puts a replica behind the balancer; one that ends needs not be taken away.
func (b *balancer) add(s *serving) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.replicas = append(b.replicas, s)
}

// has reports whether the balancer leads to the replica.
func (b *balancer) has(s *serving) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ready[s] != nil
}

func (b *balancer) run(ctx context.Context) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		b.mu.Lock()
		replicas := b.replicas
		b.mu.Unlock()
		for _, s := range replicas {
			status, _, err := s.readiness()
			at, _ := url.Parse(s.url) // it was asked there
			b.mu.Lock()
			delete(b.ready, s)
			if err == nil && status == http.StatusOK {
				b.ready[s] = &url.URL{Scheme: at.Scheme, Host: at.Host}
			}
			b.mu.Unlock()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// next is where the next connection goes; nil if no replica is ready.
func (b *balancer) next() *url.URL {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []*url.URL
	for _, s := range b.replicas {
		if at := b.ready[s]; at != nil {
			all = append(all, at)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[int(b.turn.Add(1))%len(all)]
}
