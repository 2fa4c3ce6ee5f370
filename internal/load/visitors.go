package load

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// visitors are subscribers that come and go.
type visitors struct {
	config           MixedConfig
	visits, received atomic.Int64
	lost             atomic.Int64
	first            atomic.Pointer[error]
}

// run has as many as there are to be there at any time, until ctx ends.
func (v *visitors) run(ctx context.Context) {
	// Dialling to a deadline fails a moment before the context ends, and would look like a fault.
	going, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	context.AfterFunc(ctx, stop)
	ctx = going
	var visiting sync.WaitGroup
	for i := range v.config.Visitors.Count {
		visiting.Go(func() {
			slow := v.config.Slow > 0 && i%v.config.Slow == v.config.Slow-1
			for ctx.Err() == nil {
				err := v.visit(ctx, i, slow)
				switch {
				case ctx.Err() != nil:
				case err == nil:
					v.visits.Add(1)
				case !slow: // what is slow may be cut off
					v.lost.Add(1)
					v.first.CompareAndSwap(nil, &err)
					_ = wait(ctx, time.Second) // its error is that of ctx
				}
			}
		})
	}
	visiting.Wait()
}

// visit subscribes, stays for a while and goes. The error is that it ended before.
func (v *visitors) visit(ctx context.Context, i int, slow bool) error {
	who := v.config.Visitors
	who.Variables = make(map[string]any)
	channel := v.config.Channels[rand.IntN(len(v.config.Channels))]
	for name, value := range v.config.Visitors.Variables {
		if text, ok := value.(string); ok {
			value = strings.ReplaceAll(text, "{{channel}}", channel)
		}
		who.Variables[name] = value
	}
	control := socketControl(nil)
	if slow {
		control = narrow
	}
	k, err := who.openOne(ctx, i, control)
	if err != nil {
		return err
	}
	defer k.net.Close()
	ctx, leave := context.WithTimeout(ctx, v.config.Stay/10+rand.N(v.config.Stay*9/10))
	defer leave()
	context.AfterFunc(ctx, func() { k.net.Close() })
	if slow {
		for ; wait(ctx, aliveEvery*time.Second) == nil; _ = k.text(`{"type":"pong"}`) { // it may be cut off
			if err := k.net.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
				return err
			}
		}
		return nil
	}
	reading := readers{read: func(int, mark, time.Time) { v.received.Add(1) }}
	if err := reading.follow(i, k, who.Protocol); ctx.Err() == nil {
		return err
	}
	return nil
}

func (v *visitors) tell(result *MixedResult) {
	result.Visits, result.Deliveries, result.Lost = int(v.visits.Load()), int(v.received.Load()), int(v.lost.Load())
	if first := v.first.Load(); first != nil {
		result.FirstLost = (*first).Error()
	}
}
