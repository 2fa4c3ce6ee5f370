package main

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestFlagsHaveVariables has each flag of each command but --help be read from a variable, and one variable mean one thing
// in all commands.
func TestFlagsHaveVariables(t *testing.T) {
	t.Parallel()
	parser := newParser(new(cli))
	flagOf := map[string]string{} // by variable
	commands := 0
	err := kong.Visit(parser.Model, func(node kong.Visitable, next kong.Next) error {
		command, ok := node.(*kong.Node)
		if !ok {
			return next(nil)
		}
		commands++
		for _, flag := range command.Flags {
			switch {
			case flag.Name == "help":
			case len(flag.Envs) != 1 || !strings.HasPrefix(flag.Envs[0], "LINKSPAN_"):
				t.Errorf("--%s of %q has the variables %q", flag.Name, command.Name, flag.Envs)
			case flagOf[flag.Envs[0]] != "" && flagOf[flag.Envs[0]] != flag.Name:
				t.Errorf("%s is --%s and --%s", flag.Envs[0], flag.Name, flagOf[flag.Envs[0]])
			default:
				flagOf[flag.Envs[0]] = flag.Name
			}
		}
		return next(nil)
	})
	if err != nil || commands != 10 || len(flagOf) < 20 {
		t.Errorf("%d commands with %d variables were looked at: %v", commands, len(flagOf), err)
	}
}
