package load

import (
	"errors"
	"syscall"
	"time"
)

// Processes are those whose CPU and memory are read, from /proc.
type Processes struct {
	Server   int   // process id; 0: none
	Postgres []int // of postmasters; their backends are counted with them
}

// Usage is CPU time that was taken during a run, and for how long the run was.
type Usage struct {
	Seconds         float64 `json:"seconds"`
	ServerSeconds   float64 `json:"serverCpuSeconds"`
	PostgresSeconds float64 `json:"postgresCpuSeconds"`
	OwnSeconds      float64 `json:"ownCpuSeconds"` // of the load itself
}

// reading is what the meters show at a time.
type reading struct {
	at                    time.Time
	server, postgres, own time.Duration
}

func (p Processes) read() (r reading, err error) {
	r.at = time.Now()
	if p.Server != 0 {
		s, statErr := readStat(p.Server)
		r.server, err = s.cpu, statErr
	}
	postgres, postgresErr := familyCPU(p.Postgres)
	r.postgres = postgres
	var own syscall.Rusage
	ownErr := syscall.Getrusage(syscall.RUSAGE_SELF, &own)
	r.own = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	return r, errors.Join(err, postgresErr, ownErr)
}

// since is what was used from an earlier reading until this one.
func (r reading) since(earlier reading) Usage {
	return Usage{
		Seconds: r.at.Sub(earlier.at).Seconds(), ServerSeconds: (r.server - earlier.server).Seconds(),
		PostgresSeconds: (r.postgres - earlier.postgres).Seconds(), OwnSeconds: (r.own - earlier.own).Seconds(),
	}
}

// micros is so many seconds in microseconds a piece.
func micros(seconds float64, pieces int) float64 {
	if pieces == 0 {
		return 0
	}
	return seconds * 1e6 / float64(pieces)
}
