package shardrouter

import (
	"encoding/binary"
	"math"

	"github.com/cespare/xxhash/v2"
)

// Slot is one of the 4096 logical shards, 0 to 4095. Whatever belongs together has the same slot and
// lives on the same cluster.
type Slot uint16

// Slots is the number of slots. It is part of ids and of stored rows and never changes.
const Slots = 4096

// NoSlot stands for "no slot" where an error or a log line may have one. It is not a valid slot.
const NoSlot Slot = math.MaxUint16

// SlotOf is the slot of an id: its xxhash64 modulo 4096. It is the same on every machine and for ever; a
// golden file holds it.
func SlotOf(id [16]byte) Slot {
	return Slot(xxhash.Sum64(id[:]) % Slots)
}

// Deal places every slot on one of the clusters by rendezvous hashing. The order of names and repeated
// names do not matter. A cluster more takes about 1/n of the slots, from the others alike, and moves no
// other slot. Without clusters every place is "".
//
// It deals once, at the first start; afterwards the table in the main database is the truth.
func Deal(clusters []string) [Slots]string {
	var (
		placed [Slots]string
		best   [Slots]uint64
		key    []byte
	)
	for _, name := range clusters {
		for slot := range placed {
			key = binary.BigEndian.AppendUint16(key[:0], uint16(slot))
			key = append(key, name...)
			score := xxhash.Sum64(key)
			// The smaller name wins a tie, so that the order of names cannot matter.
			if placed[slot] == "" || score > best[slot] || score == best[slot] && name < placed[slot] {
				placed[slot], best[slot] = name, score
			}
		}
	}
	return placed
}
