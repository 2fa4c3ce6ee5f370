// Package live is the hub that lets subscribers follow logs, and the hints that make it quick.
//
// A subscriber pulls: it has its own position, and each [Subscription.Next] returns what comes right behind it. The
// newest events of a log that somebody follows sit in memory once; whoever is further behind reads the log in pages.
// Nothing is pushed, so a slow subscriber delays nobody and costs no more than its position.
//
// The invariants it keeps:
//
//   - What a subscriber gets is the log from its position on: dense, in order, nothing twice. Events enter only right
//     behind the newest that is known, of the same history: by reads that continue there, or straight from the
//     transaction of this process that wrote them. What comes from there ahead of others waits for them, but not for long.
//   - A log is registered before its head is read, so that no event falls between the two.
//   - A hint only makes a read due. Lost, doubled, late, too low or too high, it changes no result: the poll finds what
//     no hint told, and a read that finds nothing changes nothing.
//   - Each log is read at its head by one goroutine at a time, however many follow it; everybody who asks for news
//     while it reads shares the next read, which begins after they asked.
//   - A log whose history changes, or that falls behind what it had shown, ends all its subscriptions with
//     CURSOR_EXPIRED. No subscriber is carried silently from one history into another.
//   - Nothing is kept for a log that nobody follows.
//
// Who watches its group's list of channels (lists.go) gets no events, only which channels moved since it last asked, each
// once: that is all that is kept for it. A hint counts by the number that it names, so that none is told twice; the poll
// compares where all the channels stand, and how far the users who watch have read.
//
// It is no queue and no store: it delivers nothing that the log does not hold, and knows nothing of what events mean or
// who may see them.
package live
