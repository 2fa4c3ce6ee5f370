package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Meters are where a server's state is read.
type Meters struct {
	Server    int               // its process
	Metrics   string            // the URL of its metrics
	Databases map[string]string // DSNs of its clusters, by their names; none: tables are not looked at
}

// Sample is a server's state at a time.
type Sample struct {
	Seconds     float64 `json:"seconds"` // since the begin
	Deeds       int     `json:"deeds"`   // with a good answer until then
	Resident    float64 `json:"residentBytes"`
	Heap        float64 `json:"heapBytes"` // of Go, in use
	Goroutines  float64 `json:"goroutines"`
	Connections float64 `json:"postgresConnections"`
	Sockets     float64 `json:"sockets"`
	Tables      float64 `json:"tableBytes"` // of all clusters
	Indexes     float64 `json:"indexBytes"`
	LiveRows    float64 `json:"liveRows"`
	DeadRows    float64 `json:"deadRows"`
}

// openMeters are meters that are read.
type openMeters struct {
	Meters
	databases []*pgx.Conn
}

// open connects with the databases. close must be called, if there is no error.
func (m Meters) open(ctx context.Context) (*openMeters, error) {
	opened := &openMeters{Meters: m}
	for name, dsn := range m.Databases {
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			opened.close()
			return nil, fmt.Errorf("load: cluster %s can't be reached: %w", name, err)
		}
		opened.databases = append(opened.databases, conn)
	}
	return opened, nil
}

func (m *openMeters) close() {
	for _, conn := range m.databases {
		_ = conn.Close(context.Background()) // it has only read
	}
}

// sample reads all meters.
func (m *openMeters) sample(ctx context.Context, began time.Time) (s Sample, err error) {
	s.Seconds = time.Since(began).Seconds()
	resident, err := residentBytes(m.Server)
	if err != nil {
		return s, err
	}
	s.Resident = float64(resident)
	scraped, err := Scrape(ctx, m.Metrics)
	if err != nil {
		return s, err
	}
	var idle float64
	for family, into := range map[string]*float64{
		"go_memstats_heap_inuse_bytes": &s.Heap, "go_goroutines": &s.Goroutines, "linkspan_connections_open": &s.Sockets,
		"linkspan_pool_acquired_connections": &s.Connections, "linkspan_pool_idle_connections": &idle,
	} {
		var none error
		*into, none = scraped.Sum(family)
		err = errors.Join(err, none)
	}
	s.Connections += idle
	for _, conn := range m.databases {
		var tables, indexes, live, dead float64
		err = errors.Join(err, conn.QueryRow(ctx, `
			SELECT coalesce(sum(pg_table_size(relid)), 0)::float8, coalesce(sum(pg_indexes_size(relid)), 0)::float8,
				coalesce(sum(n_live_tup), 0)::float8, coalesce(sum(n_dead_tup), 0)::float8
			FROM pg_stat_user_tables`).Scan(&tables, &indexes, &live, &dead))
		s.Tables, s.Indexes, s.LiveRows, s.DeadRows = s.Tables+tables, s.Indexes+indexes, s.LiveRows+live, s.DeadRows+dead
	}
	return s, err
}

// measure is something that is to be flat: in the last third of the time at most a tenth more than in the middle third, by the
// medians, or at most slack more.
type measure struct {
	what  string
	slack float64
	of    func(Sample) float64
	known func(Sample) bool
}

var measures = []measure{
	{"RSS MB", 8, func(s Sample) float64 { return s.Resident / (1 << 20) }, always},
	{"heap MB", 8, func(s Sample) float64 { return s.Heap / (1 << 20) }, always},
	{"goroutines", 50, func(s Sample) float64 { return s.Goroutines }, always},
	{"Postgres connections", 4, func(s Sample) float64 { return s.Connections }, always},
	{"sockets", 10, func(s Sample) float64 { return s.Sockets }, always},
	{"table bytes a row", 20, func(s Sample) float64 { return s.Tables / s.LiveRows }, hasRows},
	{"index bytes a row", 20, func(s Sample) float64 { return s.Indexes / s.LiveRows }, hasRows},
	{"dead rows in 1,000", 50, func(s Sample) float64 { return 1000 * s.DeadRows / s.LiveRows }, hasRows},
}

func always(Sample) bool { return true }

func hasRows(s Sample) bool { return s.LiveRows > 0 }

// minSamples are needed for a verdict.
const minSamples = 6

// Verdict is whether something was flat.
type Verdict struct {
	What   string  `json:"what"`
	Middle float64 `json:"middleThird"` // the median
	Last   float64 `json:"lastThird"`
	Flat   bool    `json:"flat"`
}

// judge returns the verdicts; none: there are too few samples.
func judge(samples []Sample) (all []Verdict) {
	if len(samples) < minSamples {
		return nil
	}
	third := len(samples) / 3
	middle, last := samples[len(samples)-2*third:len(samples)-third], samples[len(samples)-third:]
	for _, m := range measures {
		if !slices.ContainsFunc(samples, func(s Sample) bool { return !m.known(s) }) {
			v := Verdict{What: m.what, Middle: medianOf(middle, m.of), Last: medianOf(last, m.of)}
			v.Flat = v.Last <= max(v.Middle*1.1, v.Middle+m.slack)
			all = append(all, v)
		}
	}
	return all
}

func medianOf(samples []Sample, of func(Sample) float64) float64 {
	sorted := slices.SortedFunc(func(yield func(float64) bool) {
		for _, s := range samples {
			if !yield(of(s)) {
				return
			}
		}
	}, cmp.Compare[float64])
	return sorted[len(sorted)/2]
}
