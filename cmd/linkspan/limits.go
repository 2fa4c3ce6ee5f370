package main

import (
	"fmt"

	"linkspan/internal/gqldoc"
	"linkspan/internal/server"
)

// limitFlags are the settings of what clients may send and keep open, and of what a document may cost.
type limitFlags struct {
	MaxBody       int  `name:"max-body-bytes" default:"1048576" env:"LINKSPAN_MAX_BODY_BYTES" help:"Most bytes of a request's body, and of a message on a WebSocket."`
	MaxConnected  int  `name:"max-connections" default:"100" env:"LINKSPAN_MAX_CONNECTIONS" help:"Most WebSockets and streams that one user may have open, in this process."`
	MaxOperations int  `default:"100" env:"LINKSPAN_MAX_OPERATIONS" help:"Most operations at once on one WebSocket."`
	MaxDepth      int  `default:"20" env:"LINKSPAN_MAX_DEPTH" help:"Most levels of fields within each other in a document, and of lists and objects in a value."`
	MaxAliases    int  `default:"500" env:"LINKSPAN_MAX_ALIASES" help:"Most aliases in a document."`
	MaxComplexity int  `default:"25000" env:"LINKSPAN_MAX_COMPLEXITY" help:"Most fields that an operation's answer could hold, pages at their full length."`
	MaxTokens     int  `default:"15000" env:"LINKSPAN_MAX_TOKENS" help:"Most tokens of a document."`
	Introspection bool `default:"true" negatable:"" env:"LINKSPAN_INTROSPECTION" help:"Let clients ask for the schema, and let errors suggest names of it."`
}

func (f limitFlags) check() error {
	for _, limit := range []struct {
		name  string
		value int
	}{
		{"BODY_BYTES", f.MaxBody}, {"CONNECTIONS", f.MaxConnected}, {"OPERATIONS", f.MaxOperations},
		{"DEPTH", f.MaxDepth}, {"ALIASES", f.MaxAliases}, {"COMPLEXITY", f.MaxComplexity}, {"TOKENS", f.MaxTokens},
	} {
		if limit.value < 1 {
			return fmt.Errorf("LINKSPAN_MAX_%s is %d: it must be at least 1", limit.name, limit.value)
		}
	}
	return nil
}

func (f limitFlags) connections() server.Connections {
	return server.Connections{MaxBodyBytes: int64(f.MaxBody), MaxOpen: f.MaxConnected, MaxOperations: f.MaxOperations}
}

func (f limitFlags) limits() gqldoc.Limits {
	return gqldoc.Limits{Depth: f.MaxDepth, Aliases: f.MaxAliases, Complexity: f.MaxComplexity, Tokens: f.MaxTokens}
}
