package shardrouter

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The golden file says where ids and slots are placed. When it changes, every stored row is in the wrong
// place: the code is wrong, not the file.
func TestPlacementsGolden(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	fmt.Fprintln(&text, "# SlotOf: id, slot")
	random := rand.NewChaCha8([32]byte{})
	for i := range 64 {
		var id [16]byte
		switch {
		case i == 1:
			id = [16]byte(bytes.Repeat([]byte{0xff}, 16))
		case i > 1 && i < 18:
			id[i-2] = 1
		case i >= 18:
			binary.BigEndian.PutUint64(id[:], random.Uint64())
			binary.BigEndian.PutUint64(id[8:], random.Uint64())
		}
		fmt.Fprintf(&text, "%x %d\n", id, SlotOf(id))
	}
	for _, names := range [][]string{{"a"}, {"a", "b"}, {"a", "b", "c"}, {"a", "b", "c", "d"}} {
		fmt.Fprintf(&text, "# Deal(%s): 64 slots a line\n", strings.Join(names, ", "))
		for line := range slices.Chunk(dealt(names), 64) {
			fmt.Fprintln(&text, strings.Join(line, ""))
		}
	}
	path := filepath.Join("testdata", "placements.golden")
	if *update {
		if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("placements (-golden +now):\n%s", diff)
	}
}

func dealt(names []string) []string {
	placed := Deal(names)
	return placed[:]
}

func TestDealIsEven(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 8; n++ {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf("shard-%d", i+1))
		}
		counts := make(map[string]int)
		for _, name := range dealt(names) {
			counts[name]++
		}
		for _, name := range names {
			if mean := float64(Slots) / float64(n); float64(counts[name]) < 0.85*mean || float64(counts[name]) > 1.15*mean {
				t.Errorf("of %d clusters %s has %d slots, the mean is %.0f", n, name, counts[name], mean)
			}
		}
	}
}

func TestDealWithoutClusters(t *testing.T) {
	t.Parallel()
	if Deal(nil) != [Slots]string{} {
		t.Error("no clusters own slots")
	}
}

var clusterNames = rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9-]{1,12}`), 1, 8, rapid.ID[string])

// A cluster more takes slots and moves none between the others; about 1/n of them.
func TestDealMovesLittle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := clusterNames.Draw(t, "names")
		added := rapid.StringMatching(`[A-Z]{1,12}`).Draw(t, "added")
		before, after := dealt(names), dealt(append(slices.Clone(names), added))
		moved := 0
		for slot := range before {
			if before[slot] != after[slot] {
				moved++
				if after[slot] != added {
					t.Fatalf("slot %d went from %q to %q when %q was added", slot, before[slot], after[slot], added)
				}
			}
		}
		if share := Slots / (len(names) + 1); moved < share*7/10 || moved > share*13/10 {
			t.Fatalf("%d slots moved to one of %d clusters, want about %d", moved, len(names)+1, share)
		}
	})
}

func TestDealIgnoresOrderAndRepetition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := clusterNames.Draw(t, "names")
		shuffled := rapid.Permutation(append(slices.Clone(names), names[0])).Draw(t, "shuffled")
		if diff := cmp.Diff(dealt(names), dealt(shuffled)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzSlotOf(f *testing.F) {
	f.Add(make([]byte, 16))
	f.Add(bytes.Repeat([]byte{0xff}, 16))
	f.Add([]byte("0123456789abcdef"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var id [16]byte
		copy(id[:], b)
		slot := SlotOf(id)
		if slot >= Slots {
			t.Errorf("SlotOf(%x) = %d", id, slot)
		}
		if again := SlotOf(id); again != slot {
			t.Errorf("SlotOf(%x) is %d, then %d", id, slot, again)
		}
	})
}

func FuzzDeal(f *testing.F) {
	f.Add("a b c")
	f.Add("")
	f.Add("b a b \x00 \xff")
	f.Fuzz(func(t *testing.T, text string) {
		names := strings.Fields(text)
		if len(names) > 16 {
			return
		}
		placed := Deal(names)
		slices.Reverse(names)
		if Deal(names) != placed {
			t.Fatalf("Deal(%q) depends on the order", names)
		}
		for slot, name := range placed {
			if len(names) > 0 && !slices.Contains(names, name) {
				t.Fatalf("slot %d is on %q, which is none of %q", slot, name, names)
			}
		}
	})
}
