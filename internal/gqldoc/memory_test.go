package gqldoc_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"linkspan/internal/gqldoc"
)

// fat are documents that take much memory for their length; the number makes each another one.
var fat = map[string]func(n int) string{
	"operations that each page a large fragment": func(n int) string {
		var b strings.Builder
		for i := range 40 {
			fmt.Fprintf(&b, "query Q%d($f:Int){viewer{...F}}", i)
		}
		b.WriteString("fragment F on Viewer{")
		for i := range 50 {
			fmt.Fprintf(&b, "a%d:sharedChannels(first:$f){logCursor}", i)
		}
		return b.String() + fmt.Sprintf("}#%d", n)
	},
	"a page by each of many variables": func(n int) string {
		var variables, fields strings.Builder
		for i := range 90 {
			fmt.Fprintf(&variables, "$v%d:Int ", i)
			fmt.Fprintf(&fields, "a%d:sharedChannels(first:$v%[1]d last:$v%[1]d){nodes{id}}", i)
		}
		return "query(" + variables.String() + "){viewer{" + fields.String() + fmt.Sprintf("}}#%d", n)
	},
	"a long list": func(n int) string {
		return "{nodes(ids:[" + strings.Repeat("1 ", 2400) + fmt.Sprintf("]){id}}#%d", n)
	},
	"a long list as a default": func(n int) string {
		return "query($i:[ID!]!=[" + strings.Repeat("1 ", 2400) + fmt.Sprintf("]){nodes(ids:$i){id}}#%d", n)
	},
}

// TestCacheMemory fills the cache with documents of each kind, and finds the heap grown by little more than its bound.
// It measures the process, so nothing runs beside it.
func TestCacheMemory(t *testing.T) {
	const bound, documents = 32 << 20, 400
	s := linkspan(t)
	for kind, document := range fat {
		t.Run(kind, func(t *testing.T) {
			e := gqldoc.New(s, gqldoc.Config{CacheBytes: bound, CacheEntries: 1 << 20})
			before := heap()
			for n := range documents {
				if _, errs := ask(e, document(n), nil); len(errs) > 0 && errs[0].Extensions["code"] == gqldoc.CodeLimit {
					t.Fatal(errs)
				}
			}
			if took := heap() - before; took > bound*3/2 {
				t.Errorf("it takes %d KiB, the bound is %d", took>>10, bound>>10)
			} else {
				t.Logf("%d KiB", took>>10)
			}
			runtime.KeepAlive(e)
		})
	}
}

// heap is how many bytes are in use.
func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first has freed of pools
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
