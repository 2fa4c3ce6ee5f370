package store

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"linkspan/internal/channel"
	"linkspan/shardrouter"
)

// Channels are opened in groups (docs/decisions/0032-channels-are-opened-in-groups.md): what is asked of a cluster while a quarter of the
// connections are busy with others goes with the next of these that is free, in one round trip. Nobody waits for a clock: who comes
// alone goes at once.

// maxOpenings go in one round trip.
const maxOpenings = 16

// opening is a channel that somebody opens. What became of it is set when done is closed.
type opening struct {
	ctx    context.Context
	parts  func(*channel.Opened) []part // made anew for each attempt
	done   chan struct{}
	opened channel.Opened
	err    error
}

// openings are the doors of all clusters.
type openings struct {
	mu sync.Mutex
	of map[*shardrouter.Database]*door
}

// door takes what is opened on a cluster, a few groups at once.
type door struct {
	database *shardrouter.Database
	most     int // groups at once

	mu      sync.Mutex
	waiting []*opening
	running int
}

// door returns that of a cluster.
func (o *openings) door(d *shardrouter.Database) *door {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.of == nil {
		o.of = map[*shardrouter.Database]*door{}
	}
	if o.of[d] == nil {
		o.of[d] = &door{database: d, most: max(1, int(d.Pool().Config().MaxConns)/4)}
	}
	return o.of[d]
}

// open opens a channel by those parts, with others or alone.
func (d *door) open(ctx context.Context, parts func(*channel.Opened) []part) (channel.Opened, error) {
	o := &opening{ctx: ctx, parts: parts, done: make(chan struct{})}
	d.take(o)
	select {
	case <-o.done:
		return o.opened, o.err
	case <-ctx.Done():
		return channel.Opened{}, ctx.Err()
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

// next takes a group off what waits. Whose caller has gone are dropped. Where nothing waits run has ended.
func (d *door) next() (group []*opening) {
	d.mu.Lock()
	defer d.mu.Unlock()
	taken := 0
	for _, o := range d.waiting {
		if len(group) == maxOpenings {
			break
		}
		if taken++; o.ctx.Err() == nil {
			group = append(group, o)
		}
	}
	if d.waiting = d.waiting[taken:]; len(group) == 0 {
		d.running--
	}
	return group
}

// read opens a group, and tells each what became of it. Where Postgres refuses one, that and those behind it go again, each alone.
func (d *door) read(group []*opening) {
	var left []*opening
	err := d.database.ReadPgx(context.WithoutCancel(group[0].ctx), func(ctx context.Context, conn shardrouter.Conn) error {
		answered, err := openTogether(ctx, conn, group)
		if refused := (*pgconn.PgError)(nil); len(group) > 1 && errors.As(err, &refused) {
			left, err = group[answered:], nil
		}
		return err
	})
	for _, o := range group[:len(group)-len(left)] {
		if err != nil {
			o.opened, o.err = channel.Opened{}, err
		}
		close(o.done)
	}
	for _, o := range left {
		go d.read([]*opening{o})
	}
}

// openTogether sends the parts of a group in one round trip, and returns how many of it are answered. Of an opening only the first part
// must succeed: where Postgres refuses another it counts as not read, as do those behind it.
func openTogether(ctx context.Context, conn shardrouter.Conn, group []*opening) (answered int, err error) {
	var batch pgx.Batch
	for i, o := range group {
		o.opened, o.err = channel.Opened{}, nil
		for j, p := range o.parts(&o.opened) {
			batch.Queue(p.query, p.args...).Query(func(rows pgx.Rows) error {
				var unfit error // a row that is not what it must be is the trouble of this opening alone
				owned, err := scanOwned(rows, func(row pgx.Rows) error {
					unfit = p.scan(row)
					return unfit
				})
				if err != nil && unfit == nil {
					return err
				}
				switch answered = i + 1; {
				case unfit != nil:
					o.err = errors.Join(o.err, unfit)
				case len(owned) > 0:
					p.read()
				case j == 0:
					o.err = shardrouter.ErrNotOwned
				}
				return nil
			})
		}
	}
	err = conn.Send(ctx, &batch)
	if refused := (*pgconn.PgError)(nil); answered == len(group) && errors.As(err, &refused) {
		err = nil
	}
	return answered, err
}
