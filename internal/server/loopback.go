package server

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// isLoopback reports whether a host name or address is this machine's for itself, whoever is asked.
func isLoopback(name string) bool {
	if strings.EqualFold(name, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(name)
	return err == nil && address.IsLoopback() && address.Zone() == ""
}

// isLoopbackHost reports it of a Host header, with or without a port.
func isLoopbackHost(host string) bool {
	if name, port, err := net.SplitHostPort(host); err == nil {
		_, err := strconv.ParseUint(port, 10, 16)
		return err == nil && isLoopback(name)
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	return isLoopback(host)
}
