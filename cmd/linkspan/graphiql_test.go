package main

import (
	"net"
	"os"
	"testing"

	"github.com/alecthomas/kong"
)

func TestPageSignsInWhereTheServerDoes(t *testing.T) {
	t.Parallel()
	for listening, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080/graphiql?as=ana@acme",
		"[::1]:8080":     "http://[::1]:8080/graphiql?as=ana@acme",
		"0.0.0.0:8080":   "http://127.0.0.1:8080/graphiql",
		"10.1.2.3:8080":  "http://10.1.2.3:8080/graphiql",
	} {
		address, err := net.ResolveTCPAddr("tcp", listening)
		if err != nil {
			t.Fatal(err)
		}
		if got := pageAt(address); got != want {
			t.Errorf("%s: %s, want %s", listening, got, want)
		}
	}
}

// It is not parallel: it sets the environment.
func TestGraphiQLIsForDevUnlessAskedFor(t *testing.T) {
	for _, test := range []struct {
		env, flag  string
		dev, serve bool
	}{
		{"", "", true, false},
		{"", "--graphiql", true, true},
		{"true", "", true, true},
		{"false", "", false, false},
		{"true", "--no-graphiql", false, true},
	} {
		t.Setenv("LINKSPAN_GRAPHIQL", test.env) // which sets back what was there
		if test.env == "" {
			os.Unsetenv("LINKSPAN_GRAPHIQL")
		}
		for command, want := range map[string]bool{"dev": test.dev, "serve": test.serve} {
			var commands cli
			parser, err := kong.New(&commands)
			if err != nil {
				t.Fatal(err)
			}
			args := []string{command, test.flag}
			if test.flag == "" || test.flag == "--no-graphiql" && command == "serve" { // it is off there anyway
				args = args[:1]
			}
			if _, err := parser.Parse(args); err != nil {
				t.Fatalf("%v: %v", args, err)
			}
			served, signsIn := commands.Serve.graphiql() != nil, false
			if command == "dev" {
				page := commands.Dev.graphiql([]byte("secret"))
				served = page != nil
				signsIn = served && page.Token != nil
			} else if served {
				signsIn = commands.Serve.graphiql().Token != nil
			}
			if served != want || signsIn != (want && command == "dev") {
				t.Errorf("LINKSPAN_GRAPHIQL=%s %v: served %v, signs in %v", test.env, args, served, signsIn)
			}
		}
	}
}
