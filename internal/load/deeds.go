package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// kept is how many of its own messages a connection remembers.
const kept = 50

// Deed is one of the things that a mixed load does.
type Deed struct {
	Name   string
	Weight int    // how often it is done, beside the others
	Body   string // of a request. In it stand {{channel}}, {{n}}, {{mark}}, and {{message}} for one that the connection made in the channel
	Want   string // what a good answer has in it
	Makes  bool   // a message, whose id is the first in the answer's "message"
	Ends   bool   // the message
}

// doers do the deeds, each over a connection of its own as a user of its own.
type doers struct {
	config MixedConfig
	calls  calls
	sum    int // of the weights
	done   atomic.Int64

	mu     sync.Mutex
	good   map[string]int
	errors int
	first  string
}

func newDoers(config MixedConfig) (*doers, error) {
	prepared, err := Call{URL: config.URL, Body: "{}", Tokens: config.Tokens}.prepare()
	if err != nil {
		return nil, err
	}
	d := &doers{config: config, calls: prepared, good: make(map[string]int)}
	for _, deed := range config.Deeds {
		d.sum += deed.Weight
	}
	switch {
	case len(config.Channels) == 0:
		return nil, errors.New("load: no channel is given")
	case len(config.Deeds) == 0 || !config.Deeds[0].Makes || d.sum == 0:
		return nil, errors.New("load: the first deed must make a message")
	}
	return d, nil
}

// run does deeds until ctx ends. Answers may come up to answerGrace later.
func (d *doers) run(ctx context.Context) {
	until, ok := ctx.Deadline()
	if !ok {
		return
	}
	turn := turns(ctx, d.config.PerSecond, until)
	late, stop := context.WithDeadline(context.WithoutCancel(ctx), until.Add(answerGrace))
	defer stop()
	var working sync.WaitGroup
	for i := range d.config.Connections {
		working.Go(func() {
			one := doer{doers: d, writer: i + 1}
			for turn() {
				one.act(late)
			}
			one.close()
		})
	}
	working.Wait()
}

func (d *doers) tell(result *MixedResult) {
	d.mu.Lock()
	defer d.mu.Unlock()
	result.Deeds, result.Errors, result.FirstError = maps.Clone(d.good), d.errors, d.first
}

// doer is one connection, and what it made.
type doer struct {
	*doers
	writer, n int
	conn      *conn
	made      []madeMessage
}

type madeMessage struct{ id, channel string }

// act does one deed.
func (d *doer) act(ctx context.Context) {
	deed := d.choose()
	what := madeMessage{channel: d.config.Channels[rand.IntN(len(d.config.Channels))]}
	at := -1
	if strings.Contains(deed.Body, "{{message}}") {
		at = rand.IntN(len(d.made))
		what = d.made[at]
	}
	d.n++
	m := mark{time.Now().UnixNano(), d.writer, d.n}
	body := strings.NewReplacer("{{mark}}", string(m.append(nil)), "{{message}}", what.id, "{{channel}}", what.channel, "{{n}}", strconv.Itoa(d.n)).Replace(deed.Body)
	err := d.send(ctx, body, deed.Want)
	d.note(deed, err)
	if err != nil {
		return
	}
	switch {
	case deed.Makes:
		if id, ok := madeID(d.conn.answer.Bytes()); ok {
			d.made = append(d.made, madeMessage{id, what.channel})
			d.made = d.made[max(0, len(d.made)-kept):]
		}
	case deed.Ends:
		d.made[at] = d.made[len(d.made)-1]
		d.made = d.made[:len(d.made)-1]
	}
}

// choose is a deed at random, by the weights; the first while there is no message.
func (d *doer) choose() Deed {
	left := rand.IntN(d.sum)
	for _, deed := range d.config.Deeds {
		if left -= deed.Weight; left < 0 {
			if len(d.made) == 0 && strings.Contains(deed.Body, "{{message}}") {
				break
			}
			return deed
		}
	}
	return d.config.Deeds[0]
}

func (d *doer) send(ctx context.Context, body, want string) (err error) {
	if d.conn == nil {
		if d.conn, err = d.calls.dial(ctx, d.writer); err != nil {
			return err
		}
	}
	d.conn.path = d.calls.path.append(d.conn.path[:0], mark{})
	d.conn.payload = append(d.conn.payload[:0], body...)
	err = d.conn.exchange(want)
	if bad := (*badAnswer)(nil); err != nil && !errors.As(err, &bad) {
		d.close()
	}
	return err
}

func (d *doer) close() {
	if d.conn != nil {
		d.conn.net.Close()
		d.conn = nil
	}
}

func (d *doers) note(deed Deed, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		d.good[deed.Name]++
		d.done.Add(1)
		return
	}
	if d.errors++; d.errors == 1 {
		d.first = fmt.Sprintf("%s: %v", deed.Name, err)
	}
}

// madeID is the id of the message that an answer tells of.
func madeID(answer []byte) (id string, ok bool) {
	_, rest, ok := bytes.Cut(answer, []byte(`"message":{"id":"`))
	if !ok {
		return "", false
	}
	text, _, ok := bytes.Cut(rest, []byte{'"'})
	return string(text), ok
}
