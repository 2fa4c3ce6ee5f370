//go:build long

package shardrouter

import (
	"context"
	"errors"
	"strconv"
	"testing"
)

// One process may make the whole installation between two statements of another.
func TestBootstrapOvertaken(t *testing.T) {
	t.Parallel()
	for n := int64(2); n <= 10; n++ {
		t.Run(strconv.FormatInt(n, 10), func(t *testing.T) {
			t.Parallel()
			config := newConfig(t, "a", "b")
			slow := config
			var overtaken error
			slow.tracer = &statementTracer{at: n, then: func() { overtaken = Bootstrap(t.Context(), config) }}
			bootstrapped(t, slow)
			if overtaken != nil {
				t.Error(overtaken)
			}
			checkInstallation(t, config)
		})
	}
}

// Interrupted at each of its statements in turn, and then run again, Bootstrap ends in the same state.
func TestBootstrapAfterACrashAnywhere(t *testing.T) {
	t.Parallel()
	count := &statementTracer{}
	whole := newConfig(t, "a", "b")
	whole.tracer = count
	bootstrapped(t, whole)
	statements := count.started.Load()
	if statements < 10 {
		t.Fatalf("only %d statements: this test tests nothing", statements)
	}
	for n := int64(1); n <= statements; n++ {
		t.Run(strconv.FormatInt(n, 10), func(t *testing.T) {
			t.Parallel()
			config := newConfig(t, "a", "b")
			ctx, cancel := context.WithCancel(t.Context())
			interrupted := config
			interrupted.tracer = &statementTracer{at: n, then: cancel}
			if err := Bootstrap(ctx, interrupted); !errors.Is(err, context.Canceled) {
				t.Fatalf("interrupted at statement %d: %v, want canceled", n, err)
			}
			bootstrapped(t, config)
			checkInstallation(t, config)
		})
	}
}
