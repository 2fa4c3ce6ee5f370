package gqlhttp

import (
	"mime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// The media types of answers.
const (
	typeResponse  = "application/graphql-response+json"
	typeJSON      = "application/json"
	typeSSE       = "text/event-stream"
	typeMultipart = "multipart/mixed"
)

// accepted is what a client takes.
type accepted struct {
	single string // the media type of a single answer; empty: none
	stream Kind   // how several answers come; empty: not at all
}

// ofRefusal is the media type in which a request is refused. Readers of streams go by the status.
func (a accepted) ofRefusal() string {
	switch {
	case a == accepted{}:
		return typeJSON
	case a.single == "":
		return typeResponse
	}
	return a.single
}

// accept reads an Accept header (RFC 9110, 12.5.1). Without one, or with one that takes anything, the answer is
// application/json, as clients expect who don't know better (GraphQL over HTTP, 6.1.1).
func accept(header string) accepted {
	switch header {
	case "", "*/*", typeJSON:
		return accepted{single: typeJSON}
	case typeResponse:
		return accepted{single: typeResponse}
	case typeSSE:
		return accepted{stream: SSE}
	}
	if known, ok := acceptHeaders.Load(header); ok {
		return known.(accepted)
	}
	read := readAccept(header)
	if len(header) <= maxKnownBytes && knownAccepts.Add(1) <= maxKnownAccepts {
		acceptHeaders.Store(header, read)
	}
	return read
}

// acceptHeaders are headers that were read already: each make of client has its own, and sends it all the time.
var (
	acceptHeaders sync.Map // string → accepted
	knownAccepts  atomic.Int64
)

// Bounds of what is kept, for clients who send another header each time.
const (
	maxKnownAccepts = 100
	maxKnownBytes   = 200
)

func readAccept(header string) accepted {
	single := []offer{{mediaType: typeResponse, group: "application/*"}, {mediaType: typeJSON, group: "application/*", byDefault: true}}
	stream := []offer{{mediaType: typeSSE}, {mediaType: typeMultipart}}
	for _, part := range splitList(header) {
		mediaType, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := quality(params["q"])
		for i := range single {
			single[i].consider(mediaType, q)
		}
		stream[0].consider(mediaType, q)
		if params["subscriptionspec"] != "" { // else it is for parts of one answer: @defer
			stream[1].consider(mediaType, q)
		}
	}
	return accepted{single: best(single), stream: map[string]Kind{typeSSE: SSE, typeMultipart: Multipart}[best(stream)]}
}

// offer is a media type that can be had, and how much a client wants it.
type offer struct {
	mediaType, group string
	byDefault        bool // it is what a client gets that takes anything
	q                float64
	named            int // how exactly the client named it: 3 by its name, 2 by its group, 1 as anything; 0 not at all
}

// consider takes a range of the client into account: the most exact one counts.
func (o *offer) consider(mediaRange string, q float64) {
	named := 0
	switch mediaRange {
	case o.mediaType:
		named = 3
	case o.group:
		named = 2
	case "*/*":
		if o.group != "" {
			named = 1
		}
	}
	if named > o.named {
		o.named, o.q = named, q
	}
}

// best is what the client likes most; of equals what it names, then what is the default.
func best(offers []offer) string {
	var chosen offer
	for _, o := range offers {
		switch {
		case o.q == 0 || o.q < chosen.q:
		case o.q > chosen.q, o.named > chosen.named, o.named == chosen.named && o.named < 3 && o.byDefault:
			chosen = o
		}
	}
	return chosen.mediaType
}

// quality reads a weight, 0 to 1; what is none counts as 1.
func quality(text string) float64 {
	q, err := strconv.ParseFloat(text, 64)
	if err != nil || q > 1 || q < 0 || q != q {
		return 1
	}
	return q
}

// splitList splits at commas outside of quotes.
func splitList(header string) []string {
	var parts []string
	quoted, from := false, 0
	for i := 0; i < len(header); i++ {
		switch header[i] {
		case '"':
			quoted = !quoted
		case '\\':
			if quoted {
				i++
			}
		case ',':
			if !quoted {
				parts = append(parts, strings.TrimSpace(header[from:i]))
				from = i + 1
			}
		}
	}
	return append(parts, strings.TrimSpace(header[from:]))
}
