package gqlhttp

import (
	"runtime"
	"sync"
)

// crew sends what is made for an audience to those who wait for it: a few goroutines go from one to the next, so that an event
// for ten thousand needs no ten thousand. They wait for nobody; who has to wait does so in a goroutine of its own.
type crew struct {
	mu      sync.Mutex
	queue   []round
	working int
}

// round is flows that the same is handed to, or that look for themselves (nil).
type round struct {
	flows []*flow
	what  *handing
}

// turn is how many flows a goroutine sends to before it lets others work.
const turn = 32

// add has a flow look for itself soon.
func (c *crew) add(f *flow) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if last := len(c.queue) - 1; last >= 0 && c.queue[last].what == nil {
		c.queue[last].flows = append(c.queue[last].flows, f)
	} else {
		c.queue = append(c.queue, round{flows: []*flow{f}})
	}
	c.begin(1)
}

// hand has an event handed to flows.
func (c *crew) hand(flows []*flow, what *handing) {
	if len(flows) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, round{flows, what})
	c.begin((len(flows) + turn - 1) / turn)
}

// begin has up to that many more goroutines work. It needs mu.
func (c *crew) begin(more int) {
	for ; more > 0 && c.working < runtime.GOMAXPROCS(0); more-- {
		c.working++
		go c.work()
	}
}

func (c *crew) work() {
	for r := c.take(); r.flows != nil; r = c.take() {
		if r.what == nil {
			for _, f := range r.flows {
				f.pass()
			}
		} else {
			got := make([]*flow, 0, turn)
			for _, f := range r.flows {
				if f.receive(r.what) {
					got = append(got, f)
				}
			}
			r.what.audience.again(got, r.what)
		}
		runtime.Gosched()
	}
}

// take returns some flows of the first round; none: the goroutine ends.
func (c *crew) take() round {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		c.queue = nil
		c.working--
		return round{}
	}
	first := &c.queue[0]
	n := min(turn, len(first.flows))
	taken := round{first.flows[:n], first.what}
	if first.flows = first.flows[n:]; len(first.flows) == 0 {
		c.queue = c.queue[1:]
	}
	return taken
}
