package check

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"linkspan/shardrouter"
)

// acrossInvariants are those that take more than one cluster to judge.
var acrossInvariants = []Invariant{
	slotOwner, groupSlot, nameKey, stepReached, groupInbox, groupPolicy, groupBlock, channelShard, channelSide, listedInvitation, listedChannel, stray,
}

var (
	slotOwner = Invariant{"slot-owner",
		"Each of the 4096 slots is owned by the one cluster that main names, in the same epoch."}
	groupSlot = Invariant{"group-slot", "A group's slot is the hash of its id."}
	nameKey   = Invariant{"name-key", "A link's name key is made from its name."}
	stray     = Invariant{"stray", "What a shard holds, main knows of."}
)

// ownership is a row of main's slot table or of a shard's owned_slot.
type ownership struct {
	Slot  int16
	At    string // the cluster that main names, or the state on the shard
	Epoch int64
}

// slots compares main's slot table with what the shards own. A slot that is being moved is left to its mover.
func (c *checker) slots(ctx context.Context) error {
	owners, err := ownerships(ctx, c.router.Main(),
		`SELECT slot, cluster, epoch FROM linkspan_main.slot WHERE state = 'SETTLED' ORDER BY slot`)
	if err != nil {
		return err
	}
	named := make(map[int16]ownership, len(owners))
	for _, o := range owners {
		named[o.Slot] = o
	}
	if len(owners) != shardrouter.Slots {
		n, err := c.movingSlots(ctx)
		if err != nil {
			return err
		}
		if len(owners)+n != shardrouter.Slots {
			c.breach(Breach{slotOwner.Name, shardrouter.MainName, "slots", fmt.Sprintf("%d of %d are in the table", len(owners)+n, shardrouter.Slots)})
		}
	}
	for _, name := range c.router.Clusters() {
		database, _ := c.router.Cluster(name)
		owned, err := ownerships(ctx, database, `SELECT slot, state, epoch FROM linkspan_shard.owned_slot ORDER BY slot`)
		if err != nil {
			return err
		}
		here := make(map[int16]ownership, len(owned))
		for _, o := range owned {
			here[o.Slot] = o
			if at, settled := named[o.Slot]; settled && o.At == "OWNED" && at.At != name {
				c.breach(Breach{slotOwner.Name, name, fmt.Sprintf("slot %d", o.Slot), "OWNED here, and main names " + at.At})
			}
		}
		for _, at := range owners {
			if at.At != name {
				continue
			}
			switch o, ok := here[at.Slot]; {
			case !ok || o.At != "OWNED":
				state := "unknown"
				if ok {
					state = o.At
				}
				c.breach(Breach{slotOwner.Name, name, fmt.Sprintf("slot %d", at.Slot), "main names this cluster, where it is " + state})
			case o.Epoch != at.Epoch:
				c.breach(Breach{slotOwner.Name, name, fmt.Sprintf("slot %d", at.Slot),
					fmt.Sprintf("epoch %d here, %d in main", o.Epoch, at.Epoch)})
			}
		}
	}
	return nil
}

func (c *checker) movingSlots(ctx context.Context) (n int, err error) {
	err = c.router.Main().ReadPgx(ctx, func(ctx context.Context, conn shardrouter.Conn) error {
		return conn.QueryRow(ctx, `SELECT count(*) FROM linkspan_main.slot WHERE state <> 'SETTLED'`).Scan(&n)
	})
	return n, failed(shardrouter.MainName, "slots", err)
}

func ownerships(ctx context.Context, database *shardrouter.Database, query string) (found []ownership, err error) {
	err = database.ReadPgx(ctx, func(ctx context.Context, conn shardrouter.Conn) error {
		rows, err := conn.Query(ctx, query)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[ownership])
		return err
	})
	return found, failed(database.Name(), "slots", err)
}

// failed says where reading a part went wrong; nil stays nil.
func failed(cluster, part string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("check: %s on %s: %w", part, cluster, err)
}
