package gqlhttp

import (
	"bytes"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// sse frames a stream as Server-Sent Events, in graphql-sse's distinct connections mode.
type sse struct{}

func (sse) contentType() string { return "text/event-stream; charset=utf-8" }

func (s sse) begin(b *bytes.Buffer) { s.alive(b) }

func (sse) next(b *bytes.Buffer, a answer) {
	b.WriteString("event: next\n")
	if a.eventID != "" && !strings.ContainsAny(a.eventID, "\r\n\x00") { // an id with one of these is none: HTML, 9.2.6
		b.WriteString("id: ")
		b.WriteString(a.eventID)
		b.WriteByte('\n')
	}
	from := b.Len()
	b.WriteString("data: ")
	a.write(b)
	if text := b.Bytes()[from:]; bytes.ContainsAny(text, "\r\n") { // of a scalar that writes them; JSON lets lines break between tokens alone
		text = bytes.ReplaceAll(bytes.ReplaceAll(bytes.Clone(text), []byte("\r"), nil), []byte("\n"), []byte("\ndata: "))
		b.Truncate(from)
		b.Write(text)
	}
	b.WriteString("\n\n")
}

func (s sse) failed(b *bytes.Buffer, errs gqlerror.List) {
	s.next(b, answer{response: &graphql.Response{Errors: errs}})
}

func (sse) alive(b *bytes.Buffer) { b.WriteString(":\n\n") }

// complete has a data line, for readers of events pass over one without (HTML, 9.2.6).
func (sse) complete(b *bytes.Buffer) { b.WriteString("event: complete\ndata:\n\n") }
