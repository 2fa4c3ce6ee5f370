// Package shardrouter runs closures on the database that a slot lives on. It knows slots, clusters,
// pools and closures, and no table of the domain.
//
// # Where a slot lives
//
// There are 4096 slots. [Bootstrap] deals them to the clusters once; from then on the table
// linkspan_main.slot is the truth, and each shard repeats in linkspan_shard.owned_slot which slots it
// owns. A [Router] keeps the map in memory and never asks whether it is still right: instead every
// statement on a shard checks the slot itself (see [Owned]). A router with an old map is refused, learns
// where the slot went, and runs the closure there.
//
// # Invariants
//
//   - A statement has an effect, or an answer, only on the cluster that owns the slot at that moment.
//   - Of two claims about a slot the one with the higher epoch holds. A map in memory never goes back.
//   - A connection serves nothing before it has proved to be the right installation and cluster, to be
//     writable, and to read backslashes in strings as backslashes.
//   - A cluster that is down fails its own slots only: at once, with [*UnavailableError], without waiting
//     in turn for a timeout. One prober a cluster finds out when it is back, and when one that nobody uses
//     is down.
//   - A COMMIT is not interrupted by the caller's going away. When its outcome cannot be known, that is
//     an error of its own, [*OutcomeUnknownError], or the closure runs again if it is [Repeatable].
//   - No closure runs inside another's transaction: at most one transaction is open per operation.
//
// # Which errors come back
//
// A closure's own error comes back as it is, wrapped PgErrors of constraints included, and rolls its
// transaction back. Serialization failures and deadlocks (40001, 40P01) run the closure again. What says
// that the cluster cannot serve (SQLSTATE classes 08, 53 and 57P, 25006, a broken or refused connection,
// silence) becomes [*UnavailableError]. The end of the caller's context is ctx.Err(). For this to work a
// closure wraps errors of the database with %w and neither hides nor replaces them.
//
// # What a closure is
//
// It may run several times, so it has no effect outside the database and sets its results anew each
// time. It uses the context and the handle that it is given, returns nothing of either, and calls
// nothing of this package. It is quick: a connection is held meanwhile.
package shardrouter
