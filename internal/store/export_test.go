package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// KeyedQueries are the statements that find rows by their keys on every request, by name.
var KeyedQueries = map[string]string{
	"one channel":                    sidesOfOne,
	"one channel at a moment":        sidesOfOneNow,
	"the moment of a channel":        momentOfOne,
	"some channels":                  sidesOfSome,
	"one channel for an operator":    sidesOfOneForOperator,
	"some channels for an operator":  sidesOfSomeForOperator,
	"one invitation":                 copyOfOne,
	"some invitations":               copiesOfSome,
	"users":                          usersOf,
	"how a reader sees a channel":    sight,
	"who is listed":                  listedMembers,
	"a member":                       writeMember,
	"a page of an inbox":             readInbox,
	"the channel of an invitation":   channelOfInvitation,
	"the lock of an invitation":      lockInvitation,
	"the facts of an invitation":     factsOfInvitation.facts,
	"the history of an invitation":   factsOfInvitation.history,
	"the lock of a name's holder":    lockNameHolder,
	"the facts of a name's holder":   factsOfNameHolder.facts,
	"a decision on an invitation":    writeMove,
	"a channel in main":              readChannel,
	"links with a channel":           readLinks,
	"the open ones of a group":       factsOfOpenWith.facts,
	"one more invitation":            insertInvitation,
	"a decision on links":            writeLinks,
	"a sharing policy":               readPolicy,
	"what a group thinks of another": readStance,
	"two groups and sharing":         readParties,
	"an outbox step":                 appendStep,
	"an audit from its beginning":    auditFromBeginning,
	"an audit from its end":          auditFromEnd,
	"the heads of audits":            lockHeads,
}

// ScribeQueries are the statements that find what audits lack, by name.
var ScribeQueries = map[string]string{"what there is": readUnaudited}

// MessageQueries are the statements that find messages by their keys, by name.
var MessageQueries = map[string]string{
	"some messages": readMessages[takingPart], "some messages of any side": readMessages[anySide], "what they have said": readVersions, "posts": authorsOfPosts, "what posts reply to": rootsOfPosts,
	"an edit": changeTexts[channel.EventMessageEdited][0], "a deletion for a group": changeTexts[channel.EventMessageDeleted][1],
	"a reaction": changeTexts[channel.EventReactionAdded][0], "a mark": markRead,
}

// DueSides and DeleteOutdated are the statements about what groups keep no longer.
var (
	DueSides       = dueSides
	DeleteOutdated = deleteOutdated
)

// PageQueries are the statements that read messages with what belongs to them, by name.
var PageQueries = map[string]string{
	"some messages": readMessages[takingPart], "messages from the beginning": messagePages[takingPart][0], "messages from the end": messagePages[takingPart][1],
	"replies from the beginning": replyPages[takingPart][0], "replies from the end": replyPages[takingPart][1],
	"what was found, the newest first":     foundPages[channel.SearchNewest][takingPart][0],
	"what was found by rank, from the end": foundPages[channel.SearchRank][takingPart][1],

	"some messages of any side": readMessages[anySide], "messages of any side from the end": messagePages[anySide][1],
	"replies of any side from the beginning": replyPages[anySide][0],
	"what any side finds, the newest first":  foundPages[channel.SearchNewest][anySide][0],
}

// QueriesOfOne are the statements that read one object, by name.
var QueriesOfOne = map[string]string{
	"one channel": sidesOfOne, "one channel for an operator": sidesOfOneForOperator, "one invitation": copyOfOne,
	"what is unread in one channel": unreadOfOne,
}

// UnreadQueries are the statements that count what is unread, in one channel and in some.
var UnreadQueries = map[string]string{"one": unreadOfOne, "some": unreadOfSome}

// SetPlan is what the statements of posts run with.
const SetPlan = setPlan

// PostQueries are the statements of posts that find rows, by name, each with an index that it finds them by.
var PostQueries = map[string]struct{ Text, Index string }{
	"locks": {lockLogs, "channel_log_pkey"}, "rooms": {roomsOfPosts, "channel_side_pkey"}, "authors": {authorsOfPosts, "channel_user_pkey"},
	"roots": {rootsOfPosts, "message_pkey"}, "writes": {writePosts, "channel_log_pkey"}, "writes to known channels": {writeKnown, "channel_side_pkey"}, "private heads": {raiseSides, "channel_side_pkey"},
	"replies": {countReplies, "message_pkey"},
}

// LockTexts are the statements that lock the logs of posts.
var LockTexts = []string{lockLogs, lockFreeLogs}

// TakenOut is how many channels of a cluster are taken out of its lane.
func (s *Store) TakenOut(d *shardrouter.Database) int {
	l := s.lanes.lane(d)
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.busy)
}

// FoundPages are the statements of searches, of sides that take part and of any, the first for pages from the beginning; SearchArgs are
// their arguments but for the slot.
var (
	FoundPages = foundPages
	SearchArgs = searchArgs
)

// Mark, Searchable and Vector make what message_words has; Asked is what is searched for in it.
var (
	Asked      = asked
	Mark       = mark
	Searchable = searchable
	Vector     = vector
)

// PostResult is what became of a post.
type PostResult struct {
	Changed channel.Changed
	Err     error
}

// PostTogether posts to channels of one cluster in one group, whatever waits there.
func (s *Store) PostTogether(ctx context.Context, d *shardrouter.Database, changes ...channel.Change) []PostResult {
	group := make([]*post, len(changes))
	for i := range changes {
		group[i] = &post{ctx: ctx, change: &changes[i], words: vector(changes[i].Body, mark(changes[i].Message.Channel, changes[i].Message.Owner)), done: make(chan struct{})}
	}
	s.lanes.lane(d).commit(group, lockShortly)
	results := make([]PostResult, len(changes))
	for i, p := range group {
		<-p.done
		results[i] = PostResult{p.changed, p.err}
	}
	return results
}

// OpenTogether opens channels of one cluster in one group, whatever waits there, each by such queries, and returns what they found.
func (s *Store) OpenTogether(ctx context.Context, d *shardrouter.Database, queries ...[]string) (found [][]string, errs []error) {
	found = make([][]string, len(queries))
	var group []*opening
	for i, texts := range queries {
		group = append(group, &opening{ctx: ctx, done: make(chan struct{}), parts: partsOf(texts, &found[i])})
	}
	s.openings.door(d).read(group)
	for _, o := range group {
		<-o.done
		errs = append(errs, o.err)
	}
	return found, errs
}

// OpenBy opens a channel by such queries.
func (s *Store) OpenBy(ctx context.Context, d *shardrouter.Database, queries ...string) (found []string, err error) {
	_, err = s.openings.door(d).open(ctx, partsOf(queries, &found))
	return found, err
}

func partsOf(queries []string, found *[]string) func(*channel.Opened) []part {
	return func(*channel.Opened) (parts []part) {
		*found = nil
		for _, text := range queries {
			var last string
			parts = append(parts, part{text, nil, func(row pgx.Rows) error {
				if string(row.RawValues()[1]) == "panic" {
					panic("a row that is there")
				}
				return row.Scan(nil, &last)
			}, func() { *found = append(*found, last) }})
		}
		return parts
	}
}

// Sights is [sights].
type Sights = sights

// Join is [sights.join].
func (s *sights) Join(ctx context.Context, side ids.Side, see func(context.Context) (channel.Sight, error)) (channel.Sight, error) {
	return s.join(ctx, side, see)
}

// MovePage has a page that is kept be of a server that was started so much later, and returns when the one was that it is of.
func (s *Store) MovePage(id ids.Channel, reader channel.Reader, r *channel.MessageRange, by time.Duration) time.Time {
	kept, _ := s.pages.find(id, reader, r)
	was := kept.version.server
	kept.version.server = was.Add(by)
	return was
}

// ChannelsRead returns what Postgres tells, as JSON, of how it reads a range of a reader's list of channels.
func (s *Store) ChannelsRead(ctx context.Context, reader channel.Reader, r channel.Range) (plan string, err error) {
	err = s.read(ctx, reader.User.Group, func(ctx context.Context, db bun.IDB, slot shardrouter.Slot) (bool, error) {
		query, args := listOfChannels(reader, slot, r)
		return true, db.NewRaw("EXPLAIN (ANALYZE, FORMAT JSON) "+query, args...).Scan(ctx, &plan)
	})
	return plan, err
}

// ForgetOpened has no page be known to have been opened.
func (s *Store) ForgetOpened() { clear(s.pages.opened[:]) }

// MoveRoom has a channel that is known be of a server that was started so much later.
func (s *Store) MoveRoom(id ids.Channel, by time.Duration) {
	known, _ := s.lanes.known.lru.Get(id)
	known.server = known.server.Add(by)
}
