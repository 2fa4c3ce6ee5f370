package main

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// defaultURL is the endpoint that listen and tour take if LINKSPAN_URL gives none.
const defaultURL = "http://127.0.0.1:8080/graphql"

// endpointAt is the URL of the GraphQL endpoint for a client on this machine.
func endpointAt(listening net.Addr) string { return "http://" + hereAt(listening) + "/graphql" }

// hereAt is the address for a client on this machine.
func hereAt(listening net.Addr) string {
	address := listening.String()
	if at, err := netip.ParseAddrPort(address); err == nil && at.Addr().IsUnspecified() {
		address = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port()).String()
	}
	return address
}

// pageAt is the URL of the GraphiQL page, with a user where the server signs users in by name.
func pageAt(listening net.Addr) string {
	url := strings.TrimSuffix(endpointAt(listening), "graphql") + "graphiql"
	if at, err := netip.ParseAddrPort(listening.String()); err == nil && at.Addr().IsLoopback() {
		url += "?as=ana@acme"
	}
	return url
}

// welcome says where the dev server is and what to try next: blocks that can be pasted into new terminals, in the
// directory where dev was started.
type welcome struct {
	url     string
	dataDir string
	log     string // where it goes
	metrics string // where they are; "": nowhere
	secret  bool   // whether LINKSPAN_JWT_SECRET signs the tokens
	page    string // where GraphiQL is; "": nowhere
}

func (w welcome) String() string {
	var env strings.Builder
	if w.dataDir != defaultDataDir {
		fmt.Fprintf(&env, "export LINKSPAN_DATA=%s\n    ", shellQuote(w.dataDir))
	}
	if w.url != defaultURL {
		fmt.Fprintf(&env, "export LINKSPAN_URL=%s\n    ", shellQuote(w.url))
	}
	where := "In another terminal"
	if w.secret {
		where += ", with the same LINKSPAN_JWT_SECRET"
	}
	browser := ""
	if w.page != "" {
		browser = "  In a browser, each step of the main job in a tab of its own: " + w.page + "\n"
	}
	ending := "    "
	if w.metrics != "" {
		ending += "Metrics: " + w.metrics + "\n  "
	}
	return fmt.Sprintf(`ready: %[1]s

  Groups acme, globex and initech; users ana@acme, gil@globex, ivy@initech (admins), ben@acme, hua@globex (members).
%[7]s  %[2]s:

    # watch two groups share a channel and talk in it, step by step
    %[3]sbin/linkspan tour

    # by hand: listen as Gil of globex ...
    %[3]sexport LINKSPAN_TOKEN=$(bin/linkspan token gil@globex)
    bin/linkspan listen

    # ... in a third terminal ask as Ana of acme ...
    %[3]scurl -s %[4]s -w '\n' -H 'Content-Type: application/json' \
      -H "Authorization: Bearer $(bin/linkspan token ana@acme)" \
      -d '{"query":"mutation { createSharedChannel(input: {target: {handle: \"globex\"}, name: \"hello\"}) { %[5]s } }"}'

    # ... and there accept as Gil: this first, then the command that the listener has printed
    export LINKSPAN_TOKEN=$(bin/linkspan token gil@globex)

  The log: %[6]s%[8]sCtrl-C ends the server and its clusters; the data stays.
`, w.url, where, env.String(), shellQuote(w.url), welcomeFields, w.log, browser, ending)
}

// welcomeFields is what the request in the welcome asks for.
const welcomeFields = `sharedChannel { id name state } errors { message ... on NameTakenError { suggestion } }`
