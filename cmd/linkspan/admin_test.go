package main

import (
	"errors"
	"net"
	"strings"
	"testing"
)

// A given address must be there; dev's own is left where another program has it.
func TestListenAdmin(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	for given, otherwise := range map[string]string{"": "", "off": "127.0.0.1:0"} {
		if listener, err := listenAdmin(given, otherwise); listener != nil || err != nil {
			t.Errorf("given %q, else %q: %v, %v", given, otherwise, listener, err)
		}
	}
	var without *adminTakenError
	if _, err := listenAdmin(address, "127.0.0.1:0"); err == nil || errors.As(err, &without) ||
		!strings.Contains(err.Error(), address+" is taken") || !strings.Contains(err.Error(), "LINKSPAN_ADMIN_LISTEN=") {
		t.Errorf("a given address that is taken: %v", err)
	}
	if _, err := listenAdmin("nowhere:x", ""); err == nil || !strings.Contains(err.Error(), "LINKSPAN_ADMIN_LISTEN") {
		t.Errorf("no address: %v", err)
	}
	if _, err := listenAdmin("", address); !errors.As(err, &without) || !strings.Contains(err.Error(), address+" is taken by another program: going on without") {
		t.Errorf("dev's own that is taken: %v", err)
	}
	listener, err := listenAdmin("127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if url := adminURL(listener); url != "http://"+listener.Addr().String()+"/metrics" || adminURL(nil) != "" {
		t.Errorf("the metrics are at %q", url)
	}
}
