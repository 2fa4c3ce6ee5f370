package bench

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"linkspan/internal/ids"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

const (
	// talkSpan is over how long the messages of a channel are spread, evenly: less than events are kept.
	talkSpan = 23 * 24 * time.Hour
	// operationsKept is how long the product remembers the runs of mutations.
	operationsKept = 48 * time.Hour
	// authorsOfAGroup have written in each channel, in turn with those of the other group.
	authorsOfAGroup = 4
	// vocabulary is how many words there are, some much more often than others.
	vocabulary = 20_000
	// wordsOfABody are in each message.
	wordsOfABody = 16
)

// talkFiller makes channels with messages for everyone, as the product would have made them by posts at that time, by COPY. Their
// rows lie in the order of time, those of all channels of a cluster mixed.
type talkFiller struct {
	*filler
	begin    time.Time
	messages int // of each channel
	channels map[string][]talkChannel
	written  atomic.Int64
	words    []string
}

// talkChannel is a channel with those who write in it.
type talkChannel struct {
	number  int // among all channels
	id      uuid.UUID
	slot    int16
	mark    string // of its words for everyone
	authors []talkAuthor
}

type talkAuthor struct {
	group, user uuid.UUID
	name        string
}

// filled is an installation with channels that everyone shares with a group on each shard in turn.
type filled struct {
	initiators map[string]string // a group on each shard, by the shard's name
	home       string            // the shard of everyone
	channels   []ids.Channel
}

// fillTalk makes that many channels with that many messages each in an empty installation, and tells how far it is.
func fillTalk(ctx context.Context, tb testing.TB, config shardrouter.Config, router *shardrouter.Router, channels, messages int) filled {
	tb.Helper()
	begin := time.Now().Add(-talkSpan - time.Hour)
	f := &talkFiller{filler: newFiller(config, router, begin), messages: messages, channels: make(map[string][]talkChannel), words: someWords()}
	f.filler.begin = f.filler.begin.Add(-time.Hour)
	f.begin = begin.Truncate(time.Microsecond)
	made := filled{initiators: make(map[string]string), home: config.Shards[len(config.Shards)-1].Name}
	f.register(everyone, made.home)
	for i, shard := range config.Shards {
		handle := fmt.Sprintf("group-%d", i+1)
		f.register(handle, shard.Name)
		made.initiators[shard.Name] = handle
	}
	for i := range channels {
		from, to := &f.groups[1+i%len(config.Shards)], &f.groups[0]
		id := f.link(from, to, i, messages)
		made.channels = append(made.channels, id)
		cluster := f.clusterOf(from.slot)
		f.channels[cluster] = append(f.channels[cluster], newTalkChannel(i, id, from, to))
		if (i+1)%fillBatch == 0 || i+1 == channels {
			f.copy(tb)
		}
	}
	fmt.Printf("made %d channels\n", channels)
	f.copyTalk(ctx, tb, channels)
	f.finish(tb)
	return made
}

func newTalkChannel(number int, id ids.Channel, groups ...*fillGroup) talkChannel {
	c := talkChannel{number: number, id: id.UUID(), slot: groups[0].slot, mark: markOfEveryone(id)}
	for i := range authorsOfAGroup {
		for _, group := range groups {
			name := "author-" + strconv.Itoa(i+1)
			c.authors = append(c.authors, talkAuthor{group.ID.UUID(), ids.UserOf(group.ID, name).UUID(), name})
		}
	}
	return c
}

// markOfEveryone is what the words of a channel's messages for everyone begin with (decision 17).
func markOfEveryone(id ids.Channel) string {
	key := id.Bytes()
	sum := xxhash.Sum64(append(key[:], make([]byte, 16)...))
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, sum)[:6])
}

// someWords are words of two to four syllables.
func someWords() []string {
	random := rand.New(rand.NewPCG(1, 2))
	all := make([]string, vocabulary)
	for i := range all {
		var word strings.Builder
		for range 2 + random.IntN(3) {
			word.WriteByte("bcdfghklmnprstvwz"[random.IntN(17)])
			word.WriteByte("aeiou"[random.IntN(5)])
		}
		all[i] = word.String()
	}
	return all
}

// talkTable is a table of which each message has a row, if row writes one.
type talkTable struct {
	name, columns string
	row           func(to []byte, c *talkChannel, n int) []byte
}

// copyTalk copies the messages, and what comes with each, on all clusters at once.
func (f *talkFiller) copyTalk(ctx context.Context, tb testing.TB, channels int) {
	tb.Helper()
	ctx, done := context.WithCancel(ctx)
	var telling, copying errgroup.Group
	telling.Go(func() error { f.tell(ctx, int64(channels*f.messages)); return nil })
	for _, shard := range f.config.Shards {
		copying.Go(func() error { return f.copyCluster(ctx, storetest.DSN(f.config, shard.Name), f.channels[shard.Name]) })
	}
	err := copying.Wait()
	done()
	if err := errors.Join(err, telling.Wait()); err != nil {
		tb.Fatal(err)
	}
}

// tell says how far it is, every few seconds.
func (f *talkFiller) tell(ctx context.Context, of int64) {
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			fmt.Printf("filled %d of %d messages\n", f.written.Load(), of)
		case <-ctx.Done():
			return
		}
	}
}
