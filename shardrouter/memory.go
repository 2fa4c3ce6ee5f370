package shardrouter

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// keptMemory is about half of the memory, in bytes, that a server's process keeps from one statement for the next.
const keptMemory = 2 << 20

// keepMemory has the server's process that serves a connection keep the memory of a statement for the next one, where its C library
// is glibc; elsewhere it does nothing. By itself glibc gives back what lies free at the end of the heap if that is more than 128 kB,
// which is less than many a statement takes: the system then makes new pages for each of them, for more than it costs to execute.
// Which connections that befalls hangs on where a cached plan lies. Once a larger piece was freed than it takes from the heap, glibc
// keeps twice as much as that: see M_TRIM_THRESHOLD in mallopt(3). What it returns is a [*notServingError].
func keepMemory(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, `SELECT length(repeat(' ', $1))`, keptMemory); err != nil {
		return &notServingError{err}
	}
	return nil
}
