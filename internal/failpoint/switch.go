package failpoint

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// Arrival is the N-th time, from 1, that a point is reached since a command was obeyed.
type Arrival struct {
	Point string `json:"point"`
	N     int    `json:"n"`
}

// String is as in `acceptSharedChannel/Write/after#2`.
func (a Arrival) String() string { return fmt.Sprintf("%s#%d", a.Point, a.N) }

// Action is what a process is told to do at points.
type Action string

// The actions. Each takes the place of the one before, and lets go on what was paused.
const (
	Off    Action = "off"    // nothing
	Record Action = "record" // report each arrival
	Kill   Action = "kill"   // die at the arrival, as by kill -9
	Pause  Action = "pause"  // report the arrival and wait there for the next command
)

// Command tells a process what to do at which arrival; Off and Record need none.
type Command struct {
	Do Action  `json:"do"`
	At Arrival `json:"at"`
}

// Report is what a process says: that it obeys a command from now on, or that it has arrived.
type Report struct {
	Obeyed bool    `json:"obeyed"`
	At     Arrival `json:"at"`
}

// Switch obeys commands that come as JSON, and reports in JSON. It is safe for concurrent use.
type Switch struct {
	die func()

	mu       sync.Mutex
	reports  *json.Encoder
	command  Command
	counts   map[string]int
	released chan struct{} // closed by the next command
}

// NewSwitch waits for the first command and returns a switch that obeys it, and later ones. die must end the process at
// once: it is called at a kill's arrival, and when the commands end, for then nobody is there any more.
func NewSwitch(commands io.Reader, reports io.Writer, die func()) *Switch {
	s := &Switch{die: die, reports: json.NewEncoder(reports), released: make(chan struct{})}
	incoming := json.NewDecoder(commands)
	s.take(incoming)
	go func() {
		for s.take(incoming) {
		}
	}()
	return s
}

// take obeys the next command; false when there are no more.
func (s *Switch) take(incoming *json.Decoder) bool {
	var command Command
	if err := incoming.Decode(&command); err != nil {
		s.die()
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.released)
	s.command, s.counts, s.released = command, make(map[string]int), make(chan struct{})
	s.report(Report{Obeyed: true, At: command.At})
	return true
}

// report needs mu.
func (s *Switch) report(r Report) {
	if err := s.reports.Encode(r); err != nil {
		s.die()
	}
}

// At implements [At].
func (s *Switch) At(point string) {
	s.mu.Lock()
	s.counts[point]++
	here := Arrival{Point: point, N: s.counts[point]}
	switch {
	case s.command.Do == Record:
		s.report(Report{At: here})
	case s.command.At != here:
	case s.command.Do == Kill:
		s.die()
	case s.command.Do == Pause:
		s.report(Report{At: here})
		released := s.released
		s.mu.Unlock()
		<-released
		return
	}
	s.mu.Unlock()
}
