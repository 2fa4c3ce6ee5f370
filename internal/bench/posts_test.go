package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
	"linkspan/internal/store"
)

const (
	postCallers  = 32
	manyCallers  = 64 // of one channel
	postChannels = 60
	postSlices   = 5
	postSlice    = time.Second

	postConnections = 16 // to each cluster, ours and those of the yardsticks
)

// BenchmarkPosts measures how many messages a second can be posted by callers who each wait for their answer: to channels at
// random on three clusters, and to one channel; through HTTP, at the service below it, and at the store below that. Beside them, in
// slices that take turns, what a program without any of this would do by raw pgx: one INSERT a message, and for one channel a counter
// and an INSERT in a transaction.
func BenchmarkPosts(b *testing.B) {
	p := newPosting(b, durable(b, postConnections, "shard-1", "shard-2", "shard-3"))
	bySlot := *p.s.Service
	bySlot.Conversation = store.New(p.s.Router, store.PostBySlot(true))
	random := func() poster { return p.channels[rand.IntN(len(p.channels))] }
	hot := p.channels[0]
	ways := []struct {
		name    string
		callers int
		post    func() error
	}{
		{"bare INSERT", postCallers, p.bareInsert},
		{"random, at the service", postCallers, func() error { return p.atService(p.s.Service, random()) }},
		{"random, by slot", postCallers, func() error { return p.atService(&bySlot, random()) }},
		{"random, by HTTP", postCallers, func() error { return p.byHTTP(random()) }},
		{"bare counter", manyCallers, p.bareCounter},
		{"one, at the store", manyCallers, func() error { return p.atStore(hot) }},
		{"one, at the service", manyCallers, func() error { return p.atService(p.s.Service, hot) }},
		{"one, by HTTP", manyCallers, func() error { return p.byHTTP(hot) }},
	}
	const ofAYardstick = 4 // ways, itself the first
	rates, times := make([][]float64, len(ways)), make([][]time.Duration, len(ways))
	for b.Loop() {
		for slice := range postSlices + 1 {
			for i, way := range ways {
				took := p.closedLoop(way.callers, way.post)
				if slice > 0 { // the first warms up
					rates[i] = append(rates[i], float64(len(took))/postSlice.Seconds())
					times[i] = append(times[i], took...)
				}
			}
		}
	}
	fmt.Printf("\n%-24s %10s %10s %10s %9s %9s %8s\n", "posting", "a second", "least", "most", "p50 ms", "p99 ms", "÷ bare")
	for i, way := range ways {
		slices.Sort(rates[i])
		slices.Sort(times[i])
		bare := rates[i/ofAYardstick*ofAYardstick]
		at := func(q float64) float64 {
			return float64(times[i][int(q*float64(len(times[i])-1))]) / float64(time.Millisecond)
		}
		rate, n := rates[i][len(rates[i])/2], len(rates[i])
		fmt.Printf("%-24s %10.0f %10.0f %10.0f %9.2f %9.2f %8.2f\n", way.name, rate, rates[i][0], rates[i][n-1], at(0.5), at(0.99), rate/bare[len(bare)/2])
	}
	fmt.Println()
	b.ReportMetric(rates[3][len(rates[3])/2]/rates[0][len(rates[0])/2], "random/bare")
	b.ReportMetric(rates[7][len(rates[7])/2]/rates[4][len(rates[4])/2], "one/bare")
	b.ReportMetric(0, "ns/op")
}

// posting is channels of two groups on every cluster, and the same clusters by raw pgx.
type posting struct {
	b        *testing.B
	s        *servertest.Server
	channels []poster
	pools    []*pgxpool.Pool
}

// poster is a user and its group's channel.
type poster struct {
	channel ids.Channel
	viewer  *channel.Viewer
	token   string
}

func newPosting(b *testing.B, s *servertest.Server) *posting {
	b.Helper()
	p := &posting{b: b, s: s}
	for _, shard := range s.Config.Shards {
		config, err := pgxpool.ParseConfig(shard.DSN)
		if err != nil {
			b.Fatal(err)
		}
		config.MaxConns = postConnections
		pool, err := pgxpool.NewWithConfig(b.Context(), config)
		if err == nil {
			_, err = pool.Exec(b.Context(), `
				CREATE TABLE bare (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), channel integer NOT NULL, at timestamptz NOT NULL DEFAULT now(), body text NOT NULL);
				CREATE TABLE counter (channel integer PRIMARY KEY, head bigint NOT NULL);
				CREATE TABLE counted (channel integer, number bigint, body text NOT NULL, PRIMARY KEY (channel, number));
				INSERT INTO counter VALUES (1, 0)`)
		}
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(pool.Close)
		p.pools = append(p.pools, pool)
	}
	decider := servertest.Admin(b, "gil@other")
	s.Register("other")
	for i := range postChannels {
		group := s.Register(fmt.Sprintf("group-%d", i))
		token := servertest.Admin(b, "ana@"+group.Handle)
		created := s.Must(token, createDocument, map[string]any{"name": "launch", "target": "other"})
		s.Must(decider, acceptDocument, map[string]any{
			"id": servertest.Get[string](b, created, "createSharedChannel", "invitation", "id"), "name": fmt.Sprintf("launch-%d", i),
		})
		id, err := ids.Parse(servertest.Get[string](b, created, "createSharedChannel", "sharedChannel", "id"))
		if err != nil {
			b.Fatal(err)
		}
		user := channel.User{ID: ids.UserOf(group.ID, "ana"), Group: group, Name: "ana"}
		p.channels = append(p.channels, poster{id.Channel, &channel.Viewer{User: user, Group: group, Role: channel.RoleAdmin}, token})
	}
	return p
}

// closedLoop has callers post one after the other for a slice, and returns how long each post took.
func (p *posting) closedLoop(callers int, post func() error) (took []time.Duration) {
	p.b.Helper()
	ctx, cancel := context.WithTimeout(p.b.Context(), postSlice)
	defer cancel()
	each := make([][]time.Duration, callers)
	var calling sync.WaitGroup
	for caller := range callers {
		calling.Go(func() {
			for ctx.Err() == nil {
				started := time.Now()
				if err := post(); err != nil {
					p.b.Error(err)
					return
				}
				each[caller] = append(each[caller], time.Since(started))
			}
		})
	}
	calling.Wait()
	return slices.Concat(each...)
}

func (p *posting) bareInsert() error {
	i := rand.IntN(postChannels)
	_, err := p.pools[i%len(p.pools)].Exec(p.b.Context(), `INSERT INTO bare (channel, body) VALUES ($1, $2)`, i, wordsOfMessage)
	return err
}

func (p *posting) bareCounter() error {
	return pgx.BeginFunc(p.b.Context(), p.pools[0], func(tx pgx.Tx) error {
		var number int64
		err := tx.QueryRow(p.b.Context(), `UPDATE counter SET head = head + 1 WHERE channel = 1 RETURNING head`).Scan(&number)
		if err == nil {
			_, err = tx.Exec(p.b.Context(), `INSERT INTO counted VALUES (1, $1, $2)`, number, wordsOfMessage)
		}
		return err
	})
}

func (p *posting) atStore(to poster) error {
	done, err := p.s.Store.Change(p.b.Context(), channel.Change{
		Kind: channel.EventMessagePosted, By: to.viewer.User, Body: wordsOfMessage, Message: ids.Message{Channel: to.channel},
		Op: channel.Operation{ID: ids.NewOp(), Mutation: "postMessage"},
	})
	if err == nil && !done.Done {
		err = fmt.Errorf("refused: %+v", done.Standing)
	}
	return err
}

func (p *posting) atService(service *channel.Service, to poster) error {
	payload, err := service.PostMessage(p.b.Context(), to.viewer, channel.PostMessageInput{ChannelID: to.channel, Body: wordsOfMessage})
	if err == nil && len(payload.Errors) > 0 {
		err = fmt.Errorf("refused: %v", payload.Errors)
	}
	return err
}

func (p *posting) byHTTP(to poster) error {
	answer := p.s.For(p.b).Post(to.token, postDocument, map[string]any{"channel": to.channel.String(), "body": wordsOfMessage})
	if len(answer.Errors) > 0 {
		return fmt.Errorf("%s", answer.Body)
	}
	return nil
}
