package shardrouter

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
)

func TestReadMany(t *testing.T) {
	t.Parallel()
	r, config := newRouter(t, "a", "b", "c")
	var slots []Slot
	for i := range 10 {
		for _, cluster := range r.Clusters() {
			slot := slotOn(t, r, cluster, i)
			slots = append(slots, slot, slot)
			if err := noteWays[0].write(t.Context(), r, slot, 1, cluster); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, readMany := range map[string]func(ctx context.Context, db bun.IDB, slots []Slot) (map[Slot]string, error){
		"says which it does not own": readNotes,
		"says only that": func(ctx context.Context, db bun.IDB, slots []Slot) (map[Slot]string, error) {
			notes, err := readNotes(ctx, db, slots)
			if err != nil {
				return nil, ErrNotOwned
			}
			return notes, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := openRouter(t, config)
			slot := slotOn(t, r, "a", 3)
			execute(t, config.dsn("b"), `INSERT INTO linkspan_shard.note (slot, id, body) VALUES ($1, 1, 'b, moved') ON CONFLICT DO NOTHING`, int16(slot))
			move(t, config, slot, "a", "b", lookup[int64](t, config.MainDSN, `SELECT epoch + 1 FROM linkspan_main.slot WHERE slot = $1`, int16(slot)))

			var mu sync.Mutex
			got := make(map[Slot]string)
			failed := r.ReadMany(t.Context(), slots, func(ctx context.Context, db bun.IDB, slots []Slot) error {
				notes, err := readMany(ctx, db, slots)
				mu.Lock()
				defer mu.Unlock()
				maps.Copy(got, notes)
				return err
			})
			if failed != nil {
				t.Fatal(failed)
			}
			want := make(map[Slot]string)
			for _, slot := range slots {
				want[slot] = r.ClusterOf(slot)
			}
			want[slot] = "b, moved"
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
			move(t, config, slot, "b", "a", lookup[int64](t, config.MainDSN, `SELECT epoch + 1 FROM linkspan_main.slot WHERE slot = $1`, int16(slot)))
		})
	}
}

// readNotes is how a store reads many slots: what is owned is returned, what is not is named.
func readNotes(ctx context.Context, db bun.IDB, slots []Slot) (map[Slot]string, error) {
	var rows []struct {
		Slot Slot
		Body string
	}
	err := db.NewRaw(`SELECT owned.slot, coalesce(n.body, '') AS body FROM `+OwnedMany+`
		LEFT JOIN linkspan_shard.note AS n ON n.slot = owned.slot AND n.id = 1`, bun.List(slots)).Scan(ctx, &rows)
	if err != nil {
		return nil, err
	}
	notes := make(map[Slot]string)
	for _, row := range rows {
		notes[row.Slot] = row.Body
	}
	lost := slices.DeleteFunc(slots, func(slot Slot) bool { _, ok := notes[slot]; return ok })
	if len(lost) > 0 {
		return notes, NotOwned(lost...)
	}
	return notes, nil
}

func TestReadManyNamesTheSlotsThatFailed(t *testing.T) {
	t.Parallel()
	config := installed(t, "a", "b")
	config.RetryBudget = 50 * time.Millisecond
	config.Shards = slices.Clone(config.Shards)
	config.Shards[1].DSN = "host=" + t.TempDir() + " user=x dbname=x"
	r := openRouter(t, config)
	fenced := slotOn(t, r, "a", 1)
	execute(t, config.dsn("a"), `UPDATE linkspan_shard.owned_slot SET state = 'FENCED' WHERE slot = $1`, int16(fenced))
	slots := []Slot{slotOn(t, r, "b", 1), slotOn(t, r, "b", 0), fenced, slotOn(t, r, "a", 0)}
	var mu sync.Mutex
	var got []Slot
	failed := r.ReadMany(t.Context(), slots, func(ctx context.Context, db bun.IDB, slots []Slot) error {
		notes, err := readNotes(ctx, db, slots)
		mu.Lock()
		defer mu.Unlock()
		got = slices.AppendSeq(got, maps.Keys(notes))
		return err
	})
	if !slices.Equal(got, []Slot{slots[3]}) {
		t.Errorf("read %v, want %v alone", got, slots[3])
	}
	if len(failed) != 2 || failed[0].Cluster != "a" || !slices.Equal(failed[0].Slots, []Slot{fenced}) ||
		failed[1].Cluster != "b" || !slices.Equal(failed[1].Slots, []Slot{slots[1], slots[0]}) {
		t.Fatalf("failed: %+v", failed)
	}
	for _, failure := range failed {
		var unavailable *UnavailableError
		if !errors.As(failure, &unavailable) || unavailable.Cluster != failure.Cluster {
			t.Errorf("%v, want %s to be unavailable", failure.Err, failure.Cluster)
		}
	}
	if failed := r.ReadMany(t.Context(), nil, nil); failed != nil {
		t.Errorf("no slots: %v", failed)
	}
}
