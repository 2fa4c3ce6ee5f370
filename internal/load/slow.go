package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// narrowBuffer is how many bytes the system takes for a slow subscriber that does not read. The least that Linux gives is about
	// that.
	narrowBuffer = 4 << 10
	// narrowSegment is what a packet over a network holds. On loopback it would be 64 KB, and the server's end of each socket would
	// take over a megabyte before it is full.
	narrowSegment = 1400
	// aliveEvery is how often a slow subscriber says that it is there.
	aliveEvery = 3 // seconds
	// turnsASecond is in how many parts the slow subscribers do what they do each second.
	turnsASecond = 50
	// firstStuffing is the number of the first mark of those that stuff; probes have lower ones.
	firstStuffing = 1 << 30
	// stuffingTimeout is for all of it to come to those beside the slow ones.
	stuffingTimeout = time.Minute
)

// Slow are subscribers that hardly read, beside those whose delays are measured. So that they are not taken for dead, they say
// something now and then.
type Slow struct {
	Subscribers         // of GraphQL
	BytesPerSecond int  // every other one reads so many; the rest reads nothing
	Stuff          Call // what is posted until the buffers between the server and them are full; {{mark}} in it counts for nobody
	Stuffings      int  // how often
}

// dawdlers are open slow subscribers.
type dawdlers struct {
	sockets []*socket
	stop    context.CancelFunc
	dawdle  sync.WaitGroup
}

// open opens the slow subscribers, waits until each has its first message, and stuffs them, until those beside them have what that
// took. close must be called, if there is no error.
func (s Slow) open(ctx context.Context, beside *ledger) (*dawdlers, error) {
	if s.Count == 0 {
		return &dawdlers{stop: func() {}}, nil
	}
	if s.Protocol != GraphQL {
		return nil, fmt.Errorf("load: slow subscribers do not speak %q", s.Protocol)
	}
	stuff, err := s.Stuff.prepare()
	if err != nil {
		return nil, err
	}
	sockets, err := s.openAll(func(i int) (*socket, error) {
		k, err := s.openOne(ctx, i, narrow)
		if err == nil {
			if err = k.until(`"type":"next"`); err != nil {
				k.net.Close()
			}
		}
		return k, err
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	all := &dawdlers{sockets: sockets, stop: stop}
	all.dawdle.Go(func() { all.run(ctx, s.BytesPerSecond) })
	k, err := stuff.dial(ctx, 1)
	for number := 0; number < s.Stuffings && err == nil; number++ {
		err = k.send(mark{time.Now().UnixNano(), 0, firstStuffing + number})
	}
	for late := time.Now().Add(stuffingTimeout); err == nil && int(beside.stuffed.Load()) < s.Stuffings*len(beside.accounts); {
		if err = wait(ctx, 5*time.Millisecond); err == nil && time.Now().After(late) {
			err = fmt.Errorf("it has not come to all who read after %v", stuffingTimeout)
		}
	}
	if err != nil {
		all.close()
		return nil, fmt.Errorf("load: what stuffs slow subscribers: %w", err)
	}
	return all, nil
}

// narrow makes a socket's way as narrow as that of a slow client over a network.
func narrow(_, _ string, raw syscall.RawConn) error {
	var buffer, segment error
	err := raw.Control(func(descriptor uintptr) {
		buffer = unix.SetsockoptInt(int(descriptor), unix.SOL_SOCKET, unix.SO_RCVBUF, narrowBuffer)
		segment = unix.SetsockoptInt(int(descriptor), unix.IPPROTO_TCP, unix.TCP_MAXSEG, narrowSegment)
	})
	return errors.Join(err, buffer, segment)
}

// run reads a little each second, and says that all are there, until ctx ends. What the server has ended is left alone. They take turns, for
// clients do not all do so at once.
func (d *dawdlers) run(ctx context.Context, bytesPerSecond int) {
	little := make([]byte, bytesPerSecond)
	for turn := 0; wait(ctx, time.Second/turnsASecond) == nil; turn++ {
		second := turn / turnsASecond
		for i := turn % turnsASecond; i < len(d.sockets); i += turnsASecond {
			k := d.sockets[i]
			if i/turnsASecond%2 == 0 && len(little) > 0 {
				readSome(k.net, little)
			}
			if (second+i)%aliveEvery == 0 && k.net.SetWriteDeadline(time.Now().Add(time.Second)) == nil {
				_ = k.text(`{"type":"pong"}`) // it may be cut off: that is what becomes of the slow
			}
		}
	}
}

// readSome reads what is there, up to a length, without waiting.
func readSome(from net.Conn, into []byte) {
	raw, err := from.(syscall.Conn).SyscallConn()
	if err == nil {
		_ = raw.Read(func(descriptor uintptr) bool { // what is read, and that it has ended, does not matter
			_, _ = unix.Read(int(descriptor), into)
			return true
		})
	}
}

// close ends the slow subscribers.
func (d *dawdlers) close() {
	d.stop()
	d.dawdle.Wait()
	for _, k := range d.sockets {
		k.net.Close()
	}
}
