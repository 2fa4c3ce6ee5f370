// Package channel is the domain: groups, invitations, shared channels and inboxes; their types, their rules, and the
// ports through which the rules reach databases and listeners.
//
// The invariants it keeps:
//
//   - Whatever can refuse is decided in one transaction of the main database ([Main.Decide]); a refusal leaves nothing.
//   - What follows on other clusters is written into that same transaction as steps of the outbox. The request drives
//     them itself; what it can't finish is finished later. A step takes effect once, in the order of its stream.
//   - An answer that says that something happened is given after the asker's own clusters have it.
//   - What a viewer may not see and what does not exist look the same.
//
// It knows neither SQL nor GraphQL nor which cluster holds what. Types that GraphQL shows are bound to the schema by
// name; the package imports no other room but ids.
package channel
