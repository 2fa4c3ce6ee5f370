package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"linkspan/internal/channel"
	"linkspan/shardrouter"
)

// Channels are opened in groups (docs/decisions/0032-channels-are-opened-in-groups.md): what is asked of a cluster while some of the
// connections are busy with others goes with the next of these that is free, in one round trip. Nobody waits for a clock: who comes alone
// goes at once.

const (
	maxOpenings = 16                     // in one round trip
	queues      = 500 * time.Millisecond // how long an opening waits for a group at most, and then goes as any other read
)

// opening is a channel that somebody opens. What became of it is set when done is closed.
type opening struct {
	ctx    context.Context
	parts  func(*channel.Opened) []part // made anew for each attempt
	state  atomic.Int32                 // waits, or goes: who changes it has it read
	done   chan struct{}
	opened channel.Opened
	err    error
}

// openings are the doors of all clusters.
type openings struct{ perCluster[door] }

// door takes what is opened on a cluster, a few groups at once.
type door struct {
	database *shardrouter.Database
	most     int // groups at once

	mu      sync.Mutex
	waiting []*opening
	running int
}

// door returns that of a cluster. A quarter of the connections is for groups, but two where there are as many: a slow one must not hold
// up all others.
func (o *openings) door(d *shardrouter.Database) *door {
	return o.get(d, func() *door {
		connections := int(d.Pool().Config().MaxConns)
		return &door{database: d, most: min(connections, max(2, connections/4))}
	})
}

// open opens a channel by those parts, with others or alone.
func (d *door) open(ctx context.Context, parts func(*channel.Opened) []part) (channel.Opened, error) {
	o := &opening{ctx: ctx, parts: parts, done: make(chan struct{})}
	d.take(o)
	late := time.NewTimer(queues)
	defer late.Stop()
	for {
		select {
		case <-o.done:
			return o.opened, o.err
		case <-ctx.Done():
			return channel.Opened{}, ctx.Err()
		case <-late.C:
			if o.state.CompareAndSwap(waits, goes) {
				d.read([]*opening{o})
			}
		}
	}
}

func (d *door) take(o *opening) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting = append(d.waiting, o)
	if d.running < d.most {
		d.running++
		go d.run()
	}
}

// run opens what waits until nothing does.
func (d *door) run() {
	for {
		runtime.Gosched() // callers who are about to come go first, and with this group instead of the next
		group := d.next()
		if len(group) == 0 {
			return
		}
		d.read(group)
	}
}

// next takes a group off what waits. Whose caller has gone, or went alone, are dropped. Where nothing waits run has ended.
func (d *door) next() (group []*opening) {
	d.mu.Lock()
	defer d.mu.Unlock()
	taken := 0
	for _, o := range d.waiting {
		if len(group) == maxOpenings {
			break
		}
		if taken++; o.ctx.Err() == nil && o.state.CompareAndSwap(waits, goes) {
			group = append(group, o)
		}
	}
	clear(d.waiting[:taken])
	if d.waiting = d.waiting[taken:]; len(group) == 0 {
		d.running--
	}
	return group
}

// read opens a group, and tells each what became of it. Where that fails whose statement it was has the error, if that is known; those
// behind it go again, each alone.
func (d *door) read(group []*opening) {
	ctx := group[0].ctx
	if len(group) > 1 {
		ctx = context.WithoutCancel(ctx)
	}
	answered, culprit := 0, unknown
	err := safely(func() error {
		return d.database.ReadPgx(ctx, func(ctx context.Context, conn shardrouter.Conn) (err error) {
			answered, culprit = 0, unknown
			answered, culprit, err = openTogether(ctx, conn, group)
			return err
		})
	})
	for i, o := range group {
		if err != nil && i >= answered {
			if culprit != unknown && i != culprit {
				go d.read([]*opening{o})
				continue
			}
			o.opened, o.err = channel.Opened{}, err
		}
		close(o.done)
	}
}

// unknown is no place in a group.
const unknown = -1

// openTogether sends the parts of a group in one round trip, and returns how many of it are answered, and where there is an error whose
// it is. Of an opening only the first part must succeed: where Postgres refuses another it counts as not read, as do those behind it.
func openTogether(ctx context.Context, conn shardrouter.Conn, group []*opening) (answered, culprit int, err error) {
	var batch pgx.Batch
	culprit = unknown
	for i, o := range group {
		o.opened, o.err = channel.Opened{}, nil
		parts := o.parts(&o.opened)
		for j, p := range parts {
			batch.Queue(p.query, p.args...).Query(func(rows pgx.Rows) error {
				owned, err := scanOwned(rows, p.scan)
				switch refused := (*pgconn.PgError)(nil); {
				case j > 0 && errors.As(err, &refused):
					answered = i + 1
				case err != nil:
					culprit = i
				case len(owned) > 0:
					p.read()
				case j == 0:
					o.err = shardrouter.ErrNotOwned
				}
				if err == nil && j == len(parts)-1 {
					answered = i + 1
				}
				return err
			})
		}
	}
	if err = conn.Send(ctx, &batch); answered == len(group) {
		return answered, unknown, nil
	}
	if err != nil && culprit == unknown && 0 < answered {
		culprit = answered - 1 // whose last parts were refused
	}
	return answered, culprit, err
}

// safely runs fn, for callers who wait in other goroutines: a panic there would end the process.
func safely(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("store: panic: %v\n%s", r, debug.Stack())
		}
	}()
	return fn()
}
