package shardrouter

// The SQL that binds a statement to the slots that a cluster owns.
//
// Every statement on a shard, read or write, starts from the owned slot, so that one plain read in the
// statement's own snapshot decides. No row means: not owned here, and the closure returns [ErrNotOwned].
//
//	SELECT m.body FROM `+Owned+` LEFT JOIN message AS m ON m.slot = owned.slot AND m.id = ?
//
// tells three cases apart: no row (not owned), a row of NULLs (owned, no such message), a row. A list
// hangs on with LEFT JOIN LATERAL (…) ON true. A write that may touch nothing needs the same care:
//
//	WITH owned AS (SELECT slot FROM `+Owned+`),
//	     changed AS (UPDATE message AS m SET … FROM owned WHERE m.slot = owned.slot AND … RETURNING m.id)
//	SELECT changed.id FROM owned LEFT JOIN changed ON true
//
// It is a plain read and not FOR SHARE. A mover fences a slot and then waits until the transactions
// that were open at that moment have ended; those that begin later see the fence.
const (
	// Owned is a FROM item with the column slot and one row if this cluster owns the slot, else none.
	// For bun: it takes one argument, the slot, at its place.
	Owned = "(SELECT slot FROM linkspan_shard.owned_slot WHERE slot = ? AND state = 'OWNED') AS owned"
	// OwnedMany is Owned for several slots. For bun: its argument is bun.List(slots).
	OwnedMany = "(SELECT slot FROM linkspan_shard.owned_slot WHERE slot IN (?) AND state = 'OWNED') AS owned"
	// OwnedFirst is Owned for pgx: the slot is the statement's first argument, $1.
	OwnedFirst = "(SELECT slot FROM linkspan_shard.owned_slot WHERE slot = $1 AND state = 'OWNED') AS owned"
	// OwnedFirstMany is OwnedMany for pgx: $1 is the []Slot.
	OwnedFirstMany = "(SELECT slot FROM linkspan_shard.owned_slot WHERE slot = ANY($1) AND state = 'OWNED') AS owned"
)

// States of a row in linkspan_shard.owned_slot. Only OwnedState is served.
const (
	ArrivingState = "ARRIVING" // a mover fills the slot here
	OwnedState    = "OWNED"    // served here
	FencedState   = "FENCED"   // a mover holds all statements off
	MovedState    = "MOVED"    // gone; moved_to and epoch tell where and since when
)
