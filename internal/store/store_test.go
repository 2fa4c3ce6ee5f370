package store_test

import (
	"context"
	"os"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/store"
	"linkspan/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(localpgtest.Main(m)) }

func group(t *testing.T, s *store.Store, handle string) channel.Group {
	t.Helper()
	g := channel.Group{ID: ids.NewGroup(), Handle: handle, Name: handle}
	err := s.Decide(t.Context(), func(ctx context.Context, tx channel.MainTx) error {
		_, err := tx.InsertGroup(ctx, g)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	step := channel.Step{
		Stream: channel.Stream{Subject: g.ID.Bytes(), Destination: channel.Destination{Group: g.ID}},
		Number: 1, Op: ids.NewOp(), Kind: channel.StepRegisterGroup, Effect: channel.Effect{Group: &g},
	}
	if err := (channel.Deliverer{Shards: s}).Deliver(t.Context(), step); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestInvitations(t *testing.T) {
	s, _ := storetest.Open(t, 3)
	acme, globex := group(t, s, "acme"), group(t, s, "globex")
	in := &channel.Invitation{
		ID: ids.NewInvitation(), ChannelID: ids.NewChannel(time.Now(), s.SlotOf(acme.ID)), State: channel.InvitationPending, Version: 1,
		FromGroup: acme, ToGroup: globex, Sender: channel.User{ID: ids.UserOf(acme.ID, "ana"), Name: "Ana", Group: acme},
		ProposedName: "launch", CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
	}
	step := channel.Step{
		Stream: channel.Stream{Subject: in.ChannelID.Bytes(), Destination: channel.Destination{Channel: in.ChannelID}},
		Number: 1, Op: ids.NewOp(), Kind: channel.StepCreateChannel, Effect: channel.Effect{Invitation: in},
	}
	d := channel.Deliverer{Shards: s, Hints: noHints{}}
	if err := d.Deliver(t.Context(), step); err != nil {
		t.Fatal(err)
	}
	found, err := s.Invitations(t.Context(), acme.ID, []ids.Invitation{in.ID})
	if err != nil || found[in.ID] == nil {
		t.Fatalf("%v %v", found, err)
	}
}

type noHints struct{}

func (noHints) Publish(channel.LogKey, int64) {}
