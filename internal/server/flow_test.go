package server_test

import (
	"os"
	"testing"

	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/server/servertest"
)

func TestMain(m *testing.M) { os.Exit(localpgtest.Main(m)) }

func TestFlow(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{})
	data := s.Must(servertest.Admin(t, "ana@acme"), `mutation { createSharedChannel(input: {target: {handle: "globex"}, name: "launch"}) {
		sharedChannel { id name state } invitation { id state } errors { code message } } }`, nil)
	t.Log(data)
	servertest.Get[string](t, data, "createSharedChannel", "invitation", "id")
}
