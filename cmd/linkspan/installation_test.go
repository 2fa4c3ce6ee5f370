package main

import (
	"bytes"
	"encoding/json"
	"log"
	"log/slog"
	"net"
	"testing"
)

// It is not parallel: the default logger is the process's.
func TestWhatLibrariesLogIsJSON(t *testing.T) {
	before, writer, flags := slog.Default(), log.Writer(), log.Flags()
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(writer)
		log.SetFlags(flags)
	})
	var out bytes.Buffer
	newLogger(&out, slog.LevelInfo)
	log.Printf("unable to %s", "upgrade")
	slog.Info("by slog")
	lines := json.NewDecoder(&out)
	for _, want := range []string{"unable to upgrade", "by slog"} {
		var line struct{ Msg string }
		if err := lines.Decode(&line); err != nil || line.Msg != want {
			t.Errorf("got %q, %v, want %q", line.Msg, err, want)
		}
	}
}

func TestEndpointIsForAClientOnThisMachine(t *testing.T) {
	t.Parallel()
	for listening, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080/graphql",
		"0.0.0.0:8080":   "http://127.0.0.1:8080/graphql",
		"[::]:90":        "http://127.0.0.1:90/graphql",
		"[::1]:8080":     "http://[::1]:8080/graphql",
		"10.1.2.3:8080":  "http://10.1.2.3:8080/graphql",
	} {
		address, err := net.ResolveTCPAddr("tcp", listening)
		if err != nil {
			t.Fatal(err)
		}
		if got := endpointAt(address); got != want {
			t.Errorf("%s: %s, want %s", listening, got, want)
		}
	}
}
