//go:build long

package main

import (
	"errors"
	"fmt"
	"testing"

	"linkspan/internal/failpoint"
	"linkspan/internal/ids"
	"linkspan/internal/localpg"
	"linkspan/internal/localpg/localpgtest"
)

// outdate has a party keep its messages for a day, and makes all that was said two days old.
func (k *talkKilled) outdate(by *party) error {
	id, err := ids.Parse(k.channel)
	if err != nil {
		return err
	}
	var failed error
	exec := func(cluster, text string, more ...any) {
		_, err := k.pools[cluster].Exec(k.t.Context(), text, append([]any{id.Channel}, more...)...)
		failed = errors.Join(failed, err)
	}
	const older = ` - interval '48 hours' WHERE channel_id = $1`
	exec(crashShards[0], `UPDATE linkspan_shard.message SET created_at = created_at`+older)
	exec(crashShards[0], `UPDATE linkspan_shard.channel_event SET at = at`+older+` AND kind = 'MESSAGE_POSTED'`)
	exec("main", `UPDATE linkspan_main.shard_referential SET retention_days = 1 WHERE channel_id = $1 AND group_id = $2`, by.id)
	exec(crashShards[0], `UPDATE linkspan_shard.channel_side SET retention_days = 1, retention_due_at = now() WHERE channel_id = $1 AND group_id = $2`, by.id)
	return failed
}

// left is how many messages of a party are not deleted.
func (k *talkKilled) left(of *party) (n int, err error) {
	err = k.pools[crashShards[0]].QueryRow(k.t.Context(), `
		SELECT count(*) FROM linkspan_shard.message WHERE author_group_id = $1 AND state <> 'DELETED'`, of.id).Scan(&n)
	return n, err
}

// TestOutdatedKilled kills the program before and behind transactions that delete what is old. The next one goes on: each message is
// deleted once, nobody's else is, and listeners hear it.
func TestOutdatedKilled(t *testing.T) {
	t.Parallel()
	const said = 225 // of each: three transactions
	clusters := localpgtest.Clusters(t, true, crashClusters()...)
	l := newLanes(t, 1, func(int) *localpg.Clusters { return clusters })[0]
	l.running(0)
	k := &talkKilled{crashRun: &crashRun{lane: l, from: l.group(crashShards[0]), to: l.group(crashShards[1])}}
	if err := errors.Join(created(k.crashRun), accept(k.crashRun).failed()); err != nil {
		t.Fatal(err)
	}
	ears := []*ear[channelEntry]{k.listen(k.from), k.listen(k.to)}
	for n := range 2 * said {
		key := fmt.Sprint(n)
		if _, err := k.insist(t.Context(), []*party{k.from, k.to}[n%2], postDocument, key, map[string]any{"channelId": k.channel, "body": key}); err != nil {
			t.Fatal(err)
		}
	}
	for i, point := range []string{"deleteOutdated/before", "deleteOutdated/after", "deleteOutdated/after"} {
		at := failpoint.Arrival{Point: point, N: 1}
		l.p.command(failpoint.Command{Do: failpoint.Kill, At: at})
		if i == 0 {
			if err := k.outdate(k.from); err != nil {
				t.Fatal(err)
			}
		}
		l.p.waitDead(at)
		if left, err := k.left(k.from); err != nil || left != said-100*i {
			t.Errorf("killed for the %d. time, %d are left, %v", i+1, left, err)
		}
		l.serve(l.start(0, failpoint.Command{Do: failpoint.Off}))
	}
	if err := within(crashPatience, func() error {
		left, err := k.left(k.from)
		if err == nil && left > 0 {
			err = fmt.Errorf("%d are left", left)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	if left, err := k.left(k.to); err != nil || left != said {
		t.Errorf("of the other's %d are left, %v", left, err)
	}
	for _, e := range ears {
		log, err := k.log(e.who)
		if err != nil || len(log) != 3*said {
			t.Fatalf("%d events, %v", len(log), err)
		}
		if err := within(converges, func() error { return e.hasHeard(log) }); err != nil {
			t.Error(err)
		}
		e.close()
	}
	l.checkAll()
	l.p.kill()
}
