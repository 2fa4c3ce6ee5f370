package main

import (
	"fmt"

	"linkspan/internal/gqldoc"
)

// limitFlags are the settings of what a document may cost.
type limitFlags struct {
	MaxDepth      int  `default:"20" env:"LINKSPAN_MAX_DEPTH" help:"Most levels of fields within each other in a document."`
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
		{"DEPTH", f.MaxDepth}, {"ALIASES", f.MaxAliases}, {"COMPLEXITY", f.MaxComplexity}, {"TOKENS", f.MaxTokens},
	} {
		if limit.value < 1 {
			return fmt.Errorf("LINKSPAN_MAX_%s is %d: it must be at least 1", limit.name, limit.value)
		}
	}
	return nil
}

func (f limitFlags) limits() gqldoc.Limits {
	return gqldoc.Limits{Depth: f.MaxDepth, Aliases: f.MaxAliases, Complexity: f.MaxComplexity, Tokens: f.MaxTokens}
}
