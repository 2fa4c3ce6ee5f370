// Package gqlobject is how the code in graph makes objects and lists out of what is there already: without a context for each
// leaf, a map for each object and a goroutine for each element, which gqlgen has for what must be waited for, and without finding
// out for each request what a document's selections come to. The command rewrite puts it in place of gqlgen's own.
package gqlobject

import (
	"bytes"
	"context"
	"io"
	"sync"

	"github.com/99designs/gqlgen/graphql"
)

// Object is an object whose fields have been resolved.
type Object struct {
	Fields []graphql.CollectedField
	Values []graphql.Marshaler // one for each
}

// MarshalGQL implements [graphql.Marshaler]. Where several fields have one name, as from fragments on an interface and on a
// type of it, the first is written.
func (o Object) MarshalGQL(w io.Writer) {
	separator := `{"`
	for i := range o.Fields {
		if o.repeats(i) {
			continue
		}
		io.WriteString(w, separator)
		io.WriteString(w, o.Fields[i].Alias) // a name has nothing to escape
		io.WriteString(w, `":`)
		o.Values[i].MarshalGQL(w)
		separator = `,"`
	}
	if len(o.Fields) == 0 {
		io.WriteString(w, `{`)
	}
	io.WriteString(w, `}`)
}

// repeats reports whether a field before that one has its name.
func (o Object) repeats(i int) bool {
	for k := range i {
		if o.Fields[k].Alias == o.Fields[i].Alias {
			return true
		}
	}
	return false
}

// List makes a list one element after the other. An element that panics is null, with an error at its place.
func List(ctx context.Context, length int, element func(ctx context.Context, i int) graphql.Marshaler) graphql.Array {
	list := make(graphql.Array, length)
	for i := range list {
		list[i] = recovered(graphql.WithFieldContext(ctx, &graphql.FieldContext{Index: &i}), i, element)
	}
	return list
}

func recovered(ctx context.Context, i int, element func(ctx context.Context, i int) graphql.Marshaler) (made graphql.Marshaler) {
	defer func() {
		if r := recover(); r != nil {
			graphql.AddError(ctx, graphql.Recover(ctx, r))
			made = graphql.Null
		}
	}()
	return element(ctx, i)
}

// Deferred is where an object's fields go that a client wants later; where it wants none, it is empty.
func Deferred(ctx context.Context, fields []graphql.CollectedField) graphql.DeferredGroup {
	for i := range fields {
		if fields[i].IsDeferred() {
			return graphql.NewDeferredGroup(ctx)
		}
	}
	return graphql.DeferredGroup{}
}

// Answer is what a whole answer is written into, once: it grows in memory that answers share one after the other, and is copied
// when its length is known.
type Answer struct{ growing *bytes.Buffer }

var growing = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxKeptBytes is how large memory may be that is kept for answers to come.
const maxKeptBytes = 256 << 10

// Write implements [io.Writer].
func (a *Answer) Write(p []byte) (int, error) { return a.buffer().Write(p) }

// WriteString implements [io.StringWriter].
func (a *Answer) WriteString(s string) (int, error) { return a.buffer().WriteString(s) }

func (a *Answer) buffer() *bytes.Buffer {
	if a.growing == nil {
		a.growing = growing.Get().(*bytes.Buffer)
	}
	return a.growing
}

// Bytes returns what was written since the beginning, or since Bytes was last called.
func (a *Answer) Bytes() []byte {
	if a.growing == nil {
		return nil
	}
	written := bytes.Clone(a.growing.Bytes())
	if a.growing.Cap() <= maxKeptBytes {
		a.growing.Reset()
		growing.Put(a.growing)
	}
	a.growing = nil
	return written
}
