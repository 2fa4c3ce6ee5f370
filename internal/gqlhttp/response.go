package gqlhttp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/99designs/gqlgen/graphql"
)

// maxKept is the greatest capacity of a buffer that is kept for later, in bytes.
const maxKept = 64 << 10

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func takeBuffer() *bytes.Buffer {
	b := buffers.Get().(*bytes.Buffer)
	b.Reset()
	return b
}

func giveBuffer(b *bytes.Buffer) {
	if b.Cap() <= maxKept {
		buffers.Put(b)
	}
}

// writeResponse writes a response as JSON. The executor's data are JSON already and are taken as they are. There are no
// data where no operation began (GraphQL, 7.1).
func writeResponse(b *bytes.Buffer, response *graphql.Response) {
	b.WriteByte('{')
	separator := ""
	if len(response.Errors) > 0 {
		b.WriteString(`"errors":`)
		writeJSON(b, response.Errors)
		separator = ","
	}
	if response.Data != nil {
		b.WriteString(separator)
		b.WriteString(`"data":`)
		b.Write(response.Data)
		separator = ","
	}
	if len(response.Extensions) > 0 {
		b.WriteString(separator)
		b.WriteString(`"extensions":`)
		writeJSON(b, response.Extensions)
	}
	b.WriteByte('}')
}

// writeJSON writes a value that the executor made. That it can't be written is a mistake of the program: it panics.
func writeJSON(b *bytes.Buffer, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Errorf("gqlhttp: a response can't be encoded: %w", err))
	}
	b.Write(text)
}
