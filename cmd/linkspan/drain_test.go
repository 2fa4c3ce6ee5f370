//go:build long

package main_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/gqlclient"
	"linkspan/internal/server/servertest"
	"linkspan/internal/store/storetest"
)

const createChannel = `mutation($input: CreateSharedChannelInput!) { createSharedChannel(input: $input) {
	invitation { id } errors { code message } } }`

// registerGroups makes groups.
func registerGroups(t testing.TB, url string, handles ...string) {
	t.Helper()
	operator := &gqlclient.Client{URL: url, Token: servertest.Operator(t)}
	for _, handle := range handles {
		var answer struct {
			RegisterGroup struct{ Group *struct{ ID string } }
		}
		err := operator.Do(t.Context(), `mutation($input: RegisterGroupInput!) { registerGroup(input: $input) { group { id } } }`,
			"", map[string]any{"input": map[string]any{"handle": handle, "name": handle}}, &answer)
		if err != nil || answer.RegisterGroup.Group == nil {
			t.Fatalf("register %s: %v", handle, err)
		}
	}
}

// TestSIGTERMDrains ends a replica while it works on a request and has a socket open.
func TestSIGTERMDrains(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	config := storetest.Config(t, 3)
	s := startServe(t, serveEnv(config, "LINKSPAN_DRAIN_DELAY=1s"))
	registerGroups(t, s.url, "acme", "globex")
	ana := &gqlclient.Client{URL: s.url, Token: servertest.Admin(t, "ana@acme")}
	socket, err := (&gqlclient.Client{URL: s.url, Token: servertest.Admin(t, "gil@globex")}).Dial(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	inbox, err := socket.Subscribe(`subscription { inbox { __typename cursor } }`, "", nil)
	if err == nil {
		_, err = inbox.Next(ctx) // the checkpoint
	}
	if err != nil {
		t.Fatal(err)
	}

	// A lock in main holds the request up.
	main, err := pgx.Connect(ctx, config.MainDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer main.Close(context.WithoutCancel(ctx))
	if _, err := main.Exec(ctx, `BEGIN; LOCK TABLE linkspan_main.invitation IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	var answer struct {
		CreateSharedChannel struct {
			Invitation *struct{ ID string }
			Errors     []struct{ Code string }
		}
	}
	go func() {
		input := map[string]any{"target": map[string]any{"handle": "globex"}, "name": "late", "idempotencyKey": "late"}
		answered <- ana.Do(ctx, createChannel, "", map[string]any{"input": input}, &answer)
	}()
	servertest.Eventually(t, "the request waits", func() (waits bool) {
		err := main.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted
			AND relation = 'linkspan_main.invitation'::regclass)`).Scan(&waits)
		if err != nil {
			t.Fatal(err)
		}
		return waits
	})

	s.terminate()
	_, err = inbox.Next(ctx)
	var closed *gqlclient.CloseError
	if !errors.As(err, &closed) || closed.Code != gqlclient.CloseRestart {
		t.Errorf("the socket ended with %v", err)
	}
	if _, _, err := s.readiness(); err == nil {
		t.Error("it takes connections while it closes sockets")
	}
	select {
	case err := <-answered:
		t.Errorf("the request did not wait: %v", err)
	default:
	}
	if _, err := main.Exec(ctx, `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil || answer.CreateSharedChannel.Invitation == nil {
		t.Errorf("the request under way got %v, %v", err, answer)
	}
	s.await()
}
