package gqlhttp

import (
	"runtime"
	"sync"
)

// crew sends what is made for an audience to those who wait for it: a few goroutines go from one to the next, so that an event
// for ten thousand needs no ten thousand. They wait for nobody; who has to wait does so in a goroutine of its own.
type crew struct {
	mu      sync.Mutex
	queue   []*flow
	working int
}

// turn is how many flows a goroutine sends to before it lets others work.
const turn = 32

// add has a flow sent to soon.
func (c *crew) add(f *flow) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, f)
	if c.working < runtime.GOMAXPROCS(0) {
		c.working++
		go c.work()
	}
}

func (c *crew) work() {
	for flows := c.take(); flows != nil; flows = c.take() {
		for _, f := range flows {
			f.pass()
		}
		runtime.Gosched()
	}
}

// take returns the next flows; nil: there are none, and the goroutine ends.
func (c *crew) take() []*flow {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		c.queue = nil
		c.working--
		return nil
	}
	flows := c.queue[:min(turn, len(c.queue))]
	c.queue = c.queue[len(flows):]
	return flows
}
