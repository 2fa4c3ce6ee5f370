package store_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/store"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

// A channel that is opened has what is read of it apart.
func TestAChannelIsOpenedAsItIsRead(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		id, _ := w.talkIn("launch", 5)
		ctx := t.Context()
		place := channel.Place{Public: 4}
		for name, reader := range map[string]channel.User{
			"the author": w.user(w.acme, "ana"), "a reader": w.user(w.acme, "ben"), "a stranger": w.user(w.globex, "gil"),
		} {
			for _, r := range []channel.MessageRange{{Limit: 3}, {Limit: 2, Backward: true, Before: &place}} {
				opened, err := w.OpenChannel(ctx, as(reader.ID), id, true, &r)
				w.must(err)
				channels, unreadable := w.Channels(ctx, anyOf(reader.ID.Group), []ids.Channel{id})
				counts, uncounted := w.Unread(ctx, as(reader.ID), []ids.Channel{id})
				rows, err := w.ListMessages(ctx, as(reader.ID), id, r)
				w.must(err)
				if len(unreadable)+len(uncounted) > 0 {
					t.Fatal(unreadable, uncounted)
				}
				n := counts[id]
				if opened.Messages != nil {
					opened.Messages.Written = nil
				}
				if want := (channel.Opened{Channel: channels[id], Unread: &n, Messages: &rows}); !reflect.DeepEqual(opened, want) {
					t.Errorf("%s: opened with %+v it is %+v, and apart %+v", name, r, opened, want)
				}
				if mine := reader.ID.Group == w.acme.ID; mine != (opened.Channel != nil) || mine != (len(rows.Messages) > 0) || (name == "a reader") != (n > 0) {
					t.Errorf("%s: %+v, %d unread: this test tests nothing", name, opened.Channel, n)
				}
			}
			alone, err := w.OpenChannel(ctx, as(reader.ID), id, false, nil)
			if w.must(err); alone.Unread != nil || alone.Messages != nil {
				t.Errorf("%s: nothing else was wanted: %+v", name, alone)
			}
		}
	})
}

// What can't be read of a channel does not keep the channel from being read, and what is kept need not be.
func TestAChannelIsOpenedWithoutWhatCantBeRead(t *testing.T) {
	t.Parallel()
	config := storetest.Config(t, 0)
	config.PoolSize, config.StatementTimeout = 1, 300*time.Millisecond
	w := newWorld(t, config, store.PagesMB(0))
	keeping := w.another(store.PagesMB(store.DefaultPagesMB))
	id, _ := w.talkIn("launch", 1)
	reader, r := w.user(w.acme, "ben"), channel.MessageRange{Limit: 3}
	if opened, err := w.OpenChannel(t.Context(), as(reader.ID), id, true, &r); err != nil || opened.Messages == nil {
		t.Fatalf("%+v, %v", opened, err) // its statements are prepared now
	}
	for range 2 { // what is opened again is kept
		if opened, err := keeping.OpenChannel(t.Context(), as(reader.ID), id, true, &r); err != nil || opened.Messages == nil {
			t.Fatalf("%+v, %v", opened, err)
		}
	}
	_, other := storetest.OpenConfig(t, storetestAt(config))
	tx, err := other.Main().Pool().Begin(t.Context())
	w.must(err)
	defer func() { w.must(tx.Rollback(context.WithoutCancel(t.Context()))) }()
	_, err = tx.Exec(t.Context(), `LOCK TABLE linkspan_shard.message IN ACCESS EXCLUSIVE MODE`)
	w.must(err)
	opened, err := w.OpenChannel(t.Context(), as(reader.ID), id, true, &r)
	if err != nil || opened.Channel == nil || opened.Unread != nil || opened.Messages != nil {
		t.Errorf("while messages can't be read: %+v, %v", opened, err)
	}
	opened, err = keeping.OpenChannel(t.Context(), as(reader.ID), id, true, &r)
	if err != nil || opened.Channel == nil || opened.Unread == nil || *opened.Unread != 1 || opened.Messages == nil || len(opened.Messages.Messages) != 1 {
		t.Errorf("while messages can't be read, with those that were read before: %+v, %v", opened, err)
	}
}

// storetestAt is the installation with limits of its own, for who stands in the way.
func storetestAt(config shardrouter.Config) shardrouter.Config {
	config.PoolSize, config.StatementTimeout = 0, 0
	return config
}
