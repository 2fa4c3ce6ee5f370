package gqldoc_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"linkspan/internal/gqldoc"
	"linkspan/internal/gqlobject"
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
	"a wide fragment in many places": func(n int) string {
		var b strings.Builder
		b.WriteString("{viewer{")
		for i := range 60 {
			fmt.Fprintf(&b, "a%d:sharedChannels(first:0){...F}", i)
		}
		b.WriteString("}}fragment F on SharedChannelConnection{nodes{")
		for i := range 60 {
			fmt.Fprintf(&b, "b%d:id ", i)
		}
		return b.String() + fmt.Sprintf("}}#%d", n)
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
				op, errs := ask(e, document(n), nil)
				if len(errs) > 0 && errs[0].Extensions["code"] == gqldoc.CodeLimit {
					t.Fatal(errs)
				}
				for range 2 {
					if len(errs) == 0 {
						collect(e, op)
					}
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

// collect finds what all selections of an operation come to, as executing it does.
func collect(e *gqldoc.Executor, op *graphql.OperationContext) {
	_, ctx := e.DispatchOperation(graphql.StartOperationTrace(context.Background()), op)
	var within func(selected ast.SelectionSet, types []string)
	within = func(selected ast.SelectionSet, types []string) {
		for _, field := range gqlobject.Fields(ctx, op, selected, types) {
			if len(field.Selections) > 0 {
				within(field.Selections, typesNamed(field.Definition.Type.Name()))
			}
		}
	}
	within(op.Operation.SelectionSet, typesNamed("Query"))
}

// typesNamed is the list of a type, the same each time.
func typesNamed(name string) []string {
	list, _ := lists.LoadOrStore(name, []string{name})
	return list.([]string)
}

var lists sync.Map

// TestSelectionsAreShared has requests of one document use what the first has found, unless that hangs on variables.
func TestSelectionsAreShared(t *testing.T) {
	t.Parallel()
	e := gqldoc.New(linkspan(t), gqldoc.Config{})
	found := func(document string, variables map[string]any) []graphql.CollectedField {
		op, errs := ask(e, document, variables)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		_, ctx := e.DispatchOperation(graphql.StartOperationTrace(context.Background()), op)
		return gqlobject.Fields(ctx, op, op.Operation.SelectionSet, typesNamed("Query"))
	}
	const same = `{ viewer { group { id } } }`
	if first, second := found(same, nil), found(same, nil); &first[0] != &second[0] {
		t.Error("the second request finds the fields by itself")
	}
	const hangs = `query($v: Boolean!) { viewer { __typename } more: viewer @include(if: $v) { __typename } }`
	for _, v := range []bool{true, false, true} {
		want := 1
		if v {
			want = 2
		}
		if fields := found(hangs, map[string]any{"v": v}); len(fields) != want {
			t.Errorf("with %t there are %d fields, want %d", v, len(fields), want)
		}
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
