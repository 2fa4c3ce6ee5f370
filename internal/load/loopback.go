package load

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Loopback parses the URL of a server, which must have one of the schemes and be on this machine, with its port.
func Loopback(text string, schemes ...string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("load: %q is no URL", text)
	}
	if !slices.Contains(schemes, u.Scheme) {
		return nil, fmt.Errorf("load: %s: the URL must begin with %s://", text, strings.Join(schemes, ":// or "))
	}
	if _, _, err := net.SplitHostPort(u.Host); err != nil {
		return nil, fmt.Errorf("load: %s: the URL must have a port", text)
	}
	address, err := netip.ParseAddr(u.Hostname())
	if u.Hostname() != "localhost" && (err != nil || !address.IsLoopback()) {
		return nil, fmt.Errorf("load: %s is not on this machine: put no other under load", text)
	}
	return u, nil
}
