// Package proof has tests alone: what the design promises of a channel's life, proven on real Postgres, one main and three
// shards.
//
// The tests share a model: the rules of the contract in memory, one operation after the other. What an operation may do is in
// model_test.go; what a channel is, with the links and the invitations of many groups, in life_test.go; what is said there in
// saying_test.go; what groups think of each other and say about sharing in stances_test.go and approvals_test.go. A verb more is a case in model.decide, and
// a mutation in mutations_test.go, links_test.go or stances_test.go. Against the model are held
//
//   - races (races_test.go): each two of accepting, accepting by another user, declining, revoking, expiry, and creating
//     with the same key, with another input under it, or with the same name, from two processes at one moment. The answers
//     must be those of one order of the two, and every table must be as after that order. So race what may happen to an invitation that waits for
//     an approval (approval_races_test.go), blocks with what they are about (block_races_test.go), and partings, roles, names, approvals, blocks, trust
//     and policies about a channel of three groups that a fourth is asked to share (link_races_test.go);
//   - lives (lives_test.go): random operations of three groups, pairs at once, time that runs out, processes that close and
//     ones that die between a decision and its delivery. They talk, too; conversations are led on their own as well
//     (TestConversations), with answers that are lost behind a commit.
//
// Of the conversation alone: a page and what follows its cursor, and subscribers that resume, while 32 write at two processes
// (talk_test.go); pages both ways meanwhile (talk_pages_test.go); what is left of logs whose old events are removed
// (retention_test.go).
//
// What is compared (facts_test.go): main's channels, invitations with their history, shard referential table, policies and what groups think of each other,
// the channel shards with their sides, logs, messages and who deleted them, both groups' lists and inbox logs; and at the end all of internal/check, and
// the audits.
//
// Behind the build tag long, for `make test-restart` and `make test-long`, through HTTP and WebSocket:
//
//   - resume (resume_test.go): readers that drop their sockets and resume, and pages that are followed from their cursors,
//     while the server is replaced and half its hints are lost;
//   - replicas (replicas_test.go): two over one NATS server, and without it;
//   - trouble and failover (trouble_test.go, failover_test.go): each thing that may befall a cluster while the main job is
//     played, and the death of primaries with synchronous standbys.
//
// LINKSPAN_TEST_LONG=1 runs 200 races of each two instead of 10 (or 4), 5,000 lives instead of 300, and takes 1,000
// pages of a conversation instead of 24.
package proof
