//go:build long

package server_test

import (
	"testing"

	"linkspan/internal/server/servertest"
)

// oneDatabase is a server whose one shard shares main's database.
func oneDatabase(t *testing.T) *place {
	t.Helper()
	return newPlace(servertest.New(t, servertest.Options{Shards: -1}), "")
}

func TestSuiteInOneDatabase(t *testing.T) {
	t.Parallel()
	runSuite(t, oneDatabase(t))
}

func TestBadInputInOneDatabase(t *testing.T) {
	t.Parallel()
	sendBadInput(t, oneDatabase(t))
}
