package gqlhttp

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Error is a request that is refused with a status of HTTP's own. This package makes them of requests that are none; an
// executor may return them too, wrapped by a [gqlerror.Error], before an operation begins. Message is fit for clients.
type Error struct {
	Status     int
	Message    string
	Allow      string        // with 405: the methods that are allowed
	RetryAfter time.Duration // with 429 and 503: when to come again, rounded up to seconds
	Lenient    bool          // where the client asked for application/json alone the status is 200
}

func (e *Error) Error() string { return e.Message }

func refusef(status int, format string, args ...any) *Error {
	return &Error{Status: status, Message: fmt.Sprintf(format, args...)}
}

// refuseEnding is the refusal of a server that goes away.
func refuseEnding() *Error {
	return &Error{Status: http.StatusServiceUnavailable, Message: "The server is going away: come again.", RetryAfter: time.Second}
}

// list makes of it what an executor presents.
func (e *Error) list() gqlerror.List { return gqlerror.List{{Message: e.Message, Err: e}} }

// statusOf is the status of an answer in mediaType to a request that was refused before its operation began, and sets the
// headers that go with it. What concerns the document is 200 in application/json, for clients that take any other
// status for a proxy's (GraphQL over HTTP, 6.4.1), and 400 in application/graphql-response+json (6.4.2).
func statusOf(refused gqlerror.List, mediaType string, header http.Header) int {
	for _, each := range refused {
		var e *Error
		if !errors.As(each, &e) {
			continue
		}
		if e.Allow != "" {
			header.Set("Allow", e.Allow)
		}
		if e.RetryAfter > 0 {
			header.Set("Retry-After", strconv.FormatInt(int64((e.RetryAfter+time.Second-1)/time.Second), 10))
		}
		if !e.Lenient || mediaType == typeResponse {
			if e.Status == http.StatusUnauthorized {
				header.Set("WWW-Authenticate", "Bearer")
			}
			return e.Status
		}
	}
	if mediaType == typeResponse {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// ofDocument reports whether what is refused is the document or its variables, not the request that has them.
func ofDocument(refused gqlerror.List) bool {
	for _, each := range refused {
		if e := (*Error)(nil); errors.As(each, &e) {
			return false
		}
	}
	return true
}
