package failpoint_test

import (
	"encoding/json"
	"io"
	"testing"

	"linkspan/internal/failpoint"
)

// process is a switch as its process and its test have it. A real process is killed in cmd/linkspan.
type process struct {
	*failpoint.Switch
	commands *json.Encoder
	reports  *json.Decoder
	died     chan struct{}
}

func start(t *testing.T, first failpoint.Command) *process {
	t.Helper()
	commands, commandsIn := io.Pipe()
	reportsOut, reports := io.Pipe()
	p := &process{commands: json.NewEncoder(commandsIn), reports: json.NewDecoder(reportsOut), died: make(chan struct{}, 1)}
	made := make(chan struct{})
	go func() {
		p.Switch = failpoint.NewSwitch(commands, reports, func() { p.died <- struct{}{} })
		close(made)
	}()
	t.Cleanup(func() {
		commandsIn.Close()
		<-p.died
	})
	p.command(t, first)
	<-made
	return p
}

func (p *process) command(t *testing.T, c failpoint.Command) {
	t.Helper()
	if err := p.commands.Encode(c); err != nil {
		t.Fatal(err)
	}
	if r := p.report(t); !r.Obeyed || r.At != c.At {
		t.Fatalf("%v is answered with %v", c, r)
	}
}

func (p *process) report(t *testing.T) (r failpoint.Report) {
	t.Helper()
	if err := p.reports.Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRecord(t *testing.T) {
	t.Parallel()
	p := start(t, failpoint.Command{Do: failpoint.Record})
	go func() {
		for _, point := range []string{"a", "b", "a"} {
			p.At(point)
		}
	}()
	for _, want := range []failpoint.Arrival{{Point: "a", N: 1}, {Point: "b", N: 1}, {Point: "a", N: 2}} {
		if r := p.report(t); r.Obeyed || r.At != want {
			t.Errorf("%v instead of %v", r, want)
		}
	}
}

// Arrivals are counted from the command on.
func TestKill(t *testing.T) {
	t.Parallel()
	p := start(t, failpoint.Command{Do: failpoint.Off})
	p.At("a")
	p.command(t, failpoint.Command{Do: failpoint.Kill, At: failpoint.Arrival{Point: "a", N: 2}})
	p.At("a")
	p.At("b")
	p.At("b")
	select {
	case <-p.died:
		t.Fatal("it died before")
	default:
	}
	p.At("a")
	<-p.died
}

// Who waits at a point does not hold up others, and goes on with the next command.
func TestPause(t *testing.T) {
	t.Parallel()
	at := failpoint.Arrival{Point: "a", N: 1}
	p := start(t, failpoint.Command{Do: failpoint.Pause, At: at})
	passed := make(chan struct{})
	go func() {
		p.At("a")
		close(passed)
	}()
	if r := p.report(t); r.At != at {
		t.Fatalf("%v", r)
	}
	p.At("a")
	p.At("b")
	select {
	case <-passed:
		t.Fatal("it did not wait")
	default:
	}
	p.command(t, failpoint.Command{Do: failpoint.Off})
	<-passed
}
