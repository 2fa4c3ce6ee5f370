package store

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// Messages are posted in groups: what comes to a cluster while a commit is on its way goes in the next one.
// Nobody waits for a clock: who comes alone goes at once.

const (
	maxPosts     = 256              // in one commit
	maxPostBytes = 1 << 20          // of the bodies in one commit, unless it is of one post
	busyFor      = 10 * time.Second // how long a post waits at most for a channel that was taken out
)

// post is a message on its way. What became of it is set when done is closed.
type post struct {
	ctx     context.Context
	change  *channel.Change
	words   string // of the body, as [vector] spells them: made by the caller, for the lane serves one after the other
	state   atomic.Int32
	out     time.Time // since when it waits for a channel that was taken out
	done    chan struct{}
	row     changeRow
	known   authorNames
	changed channel.Changed
	err     error
}

// The states of a post.
const (
	waits int32 = iota
	goes        // in a group that is being committed
	gone        // its caller, while it waited
)

// lanes are those of all clusters.
type lanes struct {
	bySlot bool // see [PostBySlot]
	known  *knownRooms
	perCluster[lane]
}

// perCluster has one of something for each cluster, made when it is first asked for.
type perCluster[T any] struct {
	mu sync.Mutex
	of map[*shardrouter.Database]*T
}

func (p *perCluster[T]) get(d *shardrouter.Database, made func() *T) *T {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil {
		p.of = map[*shardrouter.Database]*T{}
	}
	if p.of[d] == nil {
		p.of[d] = made()
	}
	return p.of[d]
}

// lane takes the posts to a cluster's channels, one group after the other. A channel that somebody else holds is taken out
// of it, so that it delays nobody but itself.
type lane struct {
	database *shardrouter.Database
	bySlot   bool // see [PostBySlot]
	known    *knownRooms

	mu      sync.Mutex
	waiting []*post
	running bool                     // a goroutine takes what waits
	busy    map[ids.Channel]*[]*post // what waits for channels that were taken out; a goroutine takes it for each
	patient chan struct{}            // has a place for each of their commits at once
}

// lane returns the lane of a cluster. A quarter of the connections, or one, is for commits that wait for channels that were taken out.
func (l *lanes) lane(d *shardrouter.Database) *lane {
	return l.get(d, func() *lane {
		places := max(1, int(d.Pool().Config().MaxConns)/4)
		return &lane{database: d, bySlot: l.bySlot, known: l.known, busy: map[ids.Channel]*[]*post{}, patient: make(chan struct{}, places)}
	})
}

// post posts a message together with others, and returns when it is durable. Where ctx ends while it still waits nothing has
// happened; what is being committed is waited for.
func (s *Store) post(ctx context.Context, c *channel.Change) (channel.Changed, error) {
	var p *post
	words := vector(c.Body, mark(c.Message.Channel, c.Message.Owner))
	err := s.router.Route(ctx, slotOfChannel(c.Message.Channel), func(d *shardrouter.Database) error {
		p = &post{ctx: ctx, change: c, words: words, done: make(chan struct{})}
		s.lanes.lane(d).take(p)
		select {
		case <-p.done:
		case <-ctx.Done():
			if p.state.CompareAndSwap(waits, gone) {
				return ctx.Err()
			}
			<-p.done
		}
		return p.err
	})
	if err != nil {
		return channel.Changed{}, translate(err)
	}
	s.happened(p.changed, c)
	return p.changed, nil
}

// take lets a post wait for the next commit, and sees to it that there is one.
func (l *lane) take(p *post) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if queue := l.busy[p.change.Message.Channel]; queue != nil {
		p.out = time.Now()
		*queue = append(*queue, p)
		return
	}
	l.begin(p)
}

// begin has posts wait for the next commit. It needs mu.
func (l *lane) begin(posts ...*post) {
	l.waiting = append(l.waiting, posts...)
	if !l.running && len(l.waiting) > 0 {
		l.running = true
		go l.run()
	}
}

// run commits what waits until nothing does.
func (l *lane) run() {
	for {
		runtime.Gosched() // callers who are about to come go first, and with this group instead of the next
		l.mu.Lock()
		group := nextGroup(&l.waiting)
		if len(group) == 0 {
			l.running = false
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		l.commit(group, lockShortly)
	}
}

// runBusy commits what waits for a channel that was taken out, until it is through: then the rest goes with all others again. Channels take turns at the
// places: one that somebody holds for long keeps none of them.
func (l *lane) runBusy(id ids.Channel) {
	for through := false; !through; {
		l.patient <- struct{}{}
		l.mu.Lock()
		queue := l.busy[id]
		*queue = slices.DeleteFunc(*queue, func(p *post) bool { return !p.waitsOn() })
		group := nextGroup(queue)
		l.mu.Unlock()
		if len(group) > 0 {
			l.commit(group, lockPatiently)
		}
		<-l.patient
		l.mu.Lock()
		if through = !slices.ContainsFunc(group, (*post).waits); through {
			delete(l.busy, id)
			l.begin(*queue...)
		}
		l.mu.Unlock()
	}
}

// takeOut has posts wait for their channels apart from the others, before what came for these meanwhile.
func (l *lane) takeOut(posts []*post) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range slices.Backward(posts) {
		if p.out.IsZero() {
			p.out = time.Now()
		}
		p.state.Store(waits)
		if !p.waitsOn() {
			continue
		}
		id := p.change.Message.Channel
		queue := l.busy[id]
		if queue == nil {
			queue = &[]*post{}
			l.busy[id] = queue
			go l.runBusy(id)
		}
		*queue = slices.Insert(*queue, 0, p)
	}
}

func (p *post) waits() bool { return p.state.Load() == waits }

// waitsOn reports whether a post that waits for a channel that was taken out goes on waiting. Its caller may have left, and found before that it goes, so that
// it waits for an answer; or it has waited for busyFor. Then it is told.
func (p *post) waitsOn() bool {
	err := p.ctx.Err()
	if err == nil && time.Since(p.out) > busyFor {
		err = channel.Unavailable(errBusy)
	}
	if err == nil || !p.state.CompareAndSwap(waits, gone) {
		return err == nil
	}
	p.err = err
	close(p.done)
	return false
}

var errBusy = errors.New("store: somebody else holds the channel")

// nextGroup takes the posts of one commit off a queue. Whose caller has gone are dropped; of two with one operation the second
// waits, and finds then what the first did.
func nextGroup(queue *[]*post) (group []*post) {
	type operation struct {
		channel ids.Channel
		id      ids.Op
	}
	operations := map[operation]bool{}
	left := (*queue)[:0:0]
	bytes := 0
	for _, p := range *queue {
		op := operation{p.change.Message.Channel, p.change.Op.ID}
		size := len(p.change.Body)
		if operations[op] || len(group) == maxPosts || len(group) > 0 && bytes+size > maxPostBytes {
			left = append(left, p)
			continue
		}
		if p.state.CompareAndSwap(waits, goes) {
			operations[op], bytes = true, bytes+size
			group = append(group, p)
		}
	}
	*queue = left
	return group
}

// locking is how the logs of a group's channels are locked.
type locking int

const (
	lockShortly   locking = iota // all, or none if one is busy for longer than busyAfter
	lockFree                     // those that nobody holds, and then all or none as before
	lockPatiently                // all, or none if one is busy for longer than patientFor
)

const (
	busyAfter  = "20ms"  // how long others wait for each lock that somebody holds
	patientFor = "250ms" // how long what waits for a channel that was taken out waits for each lock, before other such channels have their turn
)

// Settings of a group's transaction alone. Planning its statements anew would take longer than to run them, and their rows are found by
// their keys also before there are statistics.
const (
	setPlan      = `SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true)`
	setBusyAfter = setPlan + `, set_config('lock_timeout', '` + busyAfter + `', true)`
	setPatient   = setPlan + `, set_config('lock_timeout', '` + patientFor + `', true)`
)

// lockLogs has the changes of each channel follow each other, as lockLog does, in one order, so that nobody waits for who waits.
// Each row is found by its whole key, one behind the other: a join would read all logs where a cluster has some hundred. Arguments: slots, channels.
const (
	lockEach = `
	SELECT l.channel_id FROM (
		SELECT * FROM unnest($1::smallint[], $2::uuid[]) AS w (slot, channel_id) ORDER BY slot, channel_id
	) AS w JOIN LATERAL (
		SELECT l.channel_id FROM linkspan_shard.channel_log AS l WHERE l.slot = w.slot AND l.channel_id = w.channel_id FOR UPDATE`
	lockLogs = lockEach + `) AS l ON true`
	// lockFreeLogs is lockLogs for those that nobody holds.
	lockFreeLogs = lockEach + ` SKIP LOCKED) AS l ON true`
)

// commit commits a group, and tells each what became of it.
func (l *lane) commit(group []*post, how locking) {
	ctx := context.WithoutCancel(group[0].ctx)
	if how == lockShortly {
		left := group
		err := safely(func() (err error) {
			left, err = l.tryKnown(ctx, group)
			return err
		})
		switch {
		case isLockTimeout(err):
			how = lockFree
		case err != nil && !isOfOne(err):
			fail(group, err)
			return
		}
		if len(left) < len(group) {
			tell(group, left)
		}
		group = left
	}
	if len(group) > 0 {
		l.commitJudged(ctx, group, how)
	}
}

// commitJudged commits posts that are to be judged first. What can't be written for a reason of its own fails alone.
func (l *lane) commitJudged(ctx context.Context, group []*post, how locking) {
	var out []*post
	err := safely(func() (err error) {
		out, err = l.try(ctx, group, how)
		return err
	})
	switch {
	case err == nil:
		l.takeOut(out)
		tell(group, out)
	case how == lockShortly && isLockTimeout(err):
		l.commitJudged(ctx, group, lockFree)
	case isLockTimeout(err): // of another row than a log, or patience is over
		l.takeOut(group)
	case len(group) > 1 && isOfOne(err):
		half := len(group) / 2
		l.commitJudged(ctx, group[:half], how)
		l.commitJudged(ctx, group[half:], how)
	default:
		fail(group, err)
	}
}

// tell tells posts what became of them, but those that are left.
func tell(group, left []*post) {
	for _, p := range group {
		if !slices.Contains(left, p) {
			close(p.done)
		}
	}
}

func fail(group []*post, err error) {
	for _, p := range group {
		p.err = err
		close(p.done)
	}
}

// try posts what it can of a group in one transaction, and returns those whose channels somebody else holds.
func (l *lane) try(ctx context.Context, group []*post, how locking) (out []*post, err error) {
	var rooms map[ids.Channel]*room
	var placed []*post
	err = l.database.WritePgx(ctx, func(ctx context.Context, tx *shardrouter.Tx) error {
		rooms, placed, out = nil, nil, nil
		setting, lock := setBusyAfter, lockLogs
		switch how {
		case lockPatiently:
			setting = setPatient
		case lockFree:
			lock = lockFreeLogs
		}
		tx.Queue(setting)
		free := map[ids.Channel]bool{}
		for _, part := range l.parts(group) {
			locked := tx.Queue(lock, logsOf(part)...)
			if how == lockFree {
				locked.Query(func(rows pgx.Rows) error {
					var id ids.Channel
					_, err := pgx.ForEachRow(rows, []any{&id}, func() error { free[id] = true; return nil })
					return err
				})
			}
		}
		posts := group
		if how == lockFree {
			if err := tx.Flush(ctx); err != nil {
				return err
			}
			if posts, out = apart(group, func(p *post) bool { return free[p.channelID()] }); len(posts) == 0 {
				return nil
			}
		}
		var err error
		if rooms, err = judge(ctx, tx, l.parts(posts)); err != nil {
			return err
		}
		placed = place(posts, rooms)
		for _, part := range l.parts(placed) {
			write(tx, part)
		}
		return nil
	}, shardrouter.Repeatable())
	if err == nil {
		l.known.learn(rooms, placed)
		l.known.judged.Add(int64(len(placed)))
	}
	return out, err
}

// parts are the posts that each statement is about: all, or those of each slot, in the order in which their logs are locked.
func (l *lane) parts(posts []*post) (parts [][]*post) {
	if !l.bySlot {
		return [][]*post{posts}
	}
	bySlot := onSlots(slices.Values(posts), func(p *post) shardrouter.Slot { return slotOfChannel(p.channelID()) })
	for _, slot := range slices.Sorted(maps.Keys(bySlot)) {
		parts = append(parts, bySlot[slot])
	}
	return parts
}

// logsOf are the channels of posts, each once.
func logsOf(posts []*post) []any { return about(firstOfEach(posts)) }

func isLockTimeout(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "55P03"
}

// isOfOne reports whether an error may be of one post alone: of its data, or of their size.
func isOfOne(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23") || strings.HasPrefix(pg.Code, "54"))
}
