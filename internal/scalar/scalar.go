// Package scalar has the GraphQL scalars that are stricter than the framework's own: a String without NUL, which
// Postgres can't store, and a DateTime that is exactly RFC 3339.
package scalar

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// ValueError is the error of a value that is not of its scalar's form. The text is fit for clients.
type ValueError struct{ Message string }

func (e *ValueError) Error() string { return e.Message }

// MarshalString writes a String.
func MarshalString(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalString reads a String. Other types are not converted; NUL is refused. Errors are *ValueError.
func UnmarshalString(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", &ValueError{fmt.Sprintf("String cannot represent a value of type %T.", v)}
	}
	if strings.ContainsRune(s, 0) {
		return "", &ValueError{"A string must not contain the NUL character."}
	}
	return s, nil
}

// MarshalDateTime writes an instant in UTC with as many fractional digits as it has.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return graphql.MarshalString(t.UTC().Format(time.RFC3339Nano))
}

// dateTime is the form of RFC 3339, section 5.6, which time.Parse takes less strictly.
var dateTime = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// UnmarshalDateTime reads RFC 3339 with a zone. Errors are *ValueError.
func UnmarshalDateTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if ok && dateTime.MatchString(s) {
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, &ValueError{"A DateTime is written in RFC 3339 with a zone: 2026-11-23T21:18:00Z."}
}
