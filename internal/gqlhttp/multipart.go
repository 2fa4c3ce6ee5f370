package gqlhttp

import (
	"bytes"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// multipart frames a stream as Apollo's multipart subscriptions do. Each part ends with the next one's delimiter: a
// reader knows at once that it is whole.
type multipart struct{}

const (
	delimiter  = "\r\n--graphql"
	partHeader = "\r\nContent-Type: application/json\r\n\r\n"
)

func (multipart) contentType() string {
	return `multipart/mixed;boundary="graphql";subscriptionSpec="1.0"`
}

func (multipart) begin(b *bytes.Buffer) { b.WriteString(delimiter) }

func (multipart) next(b *bytes.Buffer, a answer) {
	b.WriteString(partHeader + `{"payload":`)
	a.write(b)
	b.WriteString("}" + delimiter)
}

// failed has no payload: the error is not of one event.
func (multipart) failed(b *bytes.Buffer, errs gqlerror.List) {
	b.WriteString(partHeader + `{"payload":null,"errors":`)
	writeJSON(b, errs)
	b.WriteString("}" + delimiter)
}

func (multipart) alive(b *bytes.Buffer) { b.WriteString(partHeader + "{}" + delimiter) }

func (multipart) complete(b *bytes.Buffer) { b.WriteString("--\r\n") }
