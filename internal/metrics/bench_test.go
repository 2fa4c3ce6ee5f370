package metrics_test

import (
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"linkspan/internal/gqlhttp"
	"linkspan/internal/metrics"
	"linkspan/internal/server"
)

// BenchmarkCounting is what counting costs an operation, and a message of a subscription.
func BenchmarkCounting(b *testing.B) {
	m := metrics.New(discard)
	b.Run("operation", func(b *testing.B) {
		operation := server.Operation{Type: ast.Query, Name: "Listed"}
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				m.SignedIn(server.TokenOK)
				m.Began(operation)
				m.Answered(operation, 3*time.Millisecond)
			}
		})
	})
	b.Run("message", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				m.Delivered(0, time.Millisecond, false)
				m.Sent(gqlhttp.WebSocket)
			}
		})
	})
}
