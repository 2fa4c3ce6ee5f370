package main

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"linkspan/internal/channel"
	"linkspan/internal/gqldoc"
	"linkspan/internal/server"
)

// TestLimitFlags has the flags' defaults be those of the package, takes each from its variable, and refuses what lets
// nothing through.
func TestLimitFlags(t *testing.T) {
	parse := func() serverFlags {
		var flags serverFlags
		parser, err := kong.New(&flags)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(nil); err != nil {
			t.Fatal(err)
		}
		return flags
	}
	limits := func(flags serverFlags) gqldoc.Limits {
		config, err := flags.edge()
		if err != nil || config.NoIntrospection == flags.Introspection {
			t.Errorf("%v, introspection off: %v", err, config.NoIntrospection)
		}
		return config.Limits
	}
	names := []string{"DEPTH", "ALIASES", "COMPLEXITY", "TOKENS", "BODY_BYTES", "CONNECTIONS", "OPERATIONS"}
	flags, d := parse(), gqldoc.DefaultLimits()
	if got := limits(flags); got.Depth != d.Depth || got.Aliases != d.Aliases || got.Complexity != d.Complexity || got.Tokens != d.Tokens {
		t.Errorf("the flags' defaults are %+v, the package's %+v", got, d)
	}
	if got, want := flags.connections(), (server.Connections{MaxBodyBytes: server.MaxBodyBytes, MaxOpen: 100, MaxOperations: 100}); got != want {
		t.Errorf("the flags' defaults are %+v, want %+v", got, want)
	}
	if flags.LogRetention != channel.DefaultLogRetention || flags.InvitationTTL != channel.DefaultInvitationTTL {
		t.Errorf("by default events are kept for %v, invitations for %v", flags.LogRetention, flags.InvitationTTL)
	}
	if !flags.Introspection || flags.check() != nil {
		t.Errorf("by default: introspection %v, %v", flags.Introspection, flags.check())
	}
	t.Setenv("LINKSPAN_INTROSPECTION", "false")
	for _, name := range names {
		t.Setenv("LINKSPAN_MAX_"+name, "7")
	}
	flags = parse()
	if want := (gqldoc.Limits{Depth: 7, Aliases: 7, Complexity: 7, Tokens: 7}); limits(flags) != want || flags.Introspection {
		t.Errorf("from the environment: %+v, introspection %v", limits(flags), flags.Introspection)
	}
	if got, want := flags.connections(), (server.Connections{MaxBodyBytes: 7, MaxOpen: 7, MaxOperations: 7}); got != want {
		t.Errorf("from the environment: %+v", got)
	}
	for _, name := range names {
		t.Setenv("LINKSPAN_MAX_"+name, "0")
		if err := parse().check(); err == nil || !strings.Contains(err.Error(), "LINKSPAN_MAX_"+name) {
			t.Errorf("%s of 0: %v", name, err)
		}
		t.Setenv("LINKSPAN_MAX_"+name, "7")
	}
}
