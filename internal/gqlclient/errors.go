package gqlclient

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Error is a fault that the server told of: the request was wrong, or could not be served.
type Error struct {
	// Message is for people.
	Message string
	// Path is the field that it is about, from the root: names (string) and list indexes (float64). May be empty.
	Path []any
	// Code is `extensions.code`: for programs. Empty where the server gave none.
	Code string
	// Retryable says that the same request may work later. A mutation may have happened: repeat it with its key.
	Retryable bool
	// RequestID is the name under which the server's log tells more.
	RequestID string
}

// UnmarshalJSON reads the error as it is in an answer.
func (e *Error) UnmarshalJSON(text []byte) error {
	var wire struct {
		Message    string `json:"message"`
		Path       []any  `json:"path"`
		Extensions struct {
			Code      string `json:"code"`
			Retryable bool   `json:"retryable"`
			RequestID string `json:"requestId"`
		} `json:"extensions"`
	}
	if err := json.Unmarshal(text, &wire); err != nil {
		return err
	}
	*e = Error{
		Message: wire.Message, Path: wire.Path,
		Code: wire.Extensions.Code, Retryable: wire.Extensions.Retryable, RequestID: wire.Extensions.RequestID,
	}
	return nil
}

func (e *Error) Error() string {
	var text strings.Builder
	if e.Code != "" {
		text.WriteString(e.Code + ": ")
	}
	text.WriteString(e.Message)
	if len(e.Path) > 0 {
		steps := make([]string, len(e.Path))
		for i, step := range e.Path {
			steps[i] = fmt.Sprint(step)
		}
		text.WriteString(" (at " + strings.Join(steps, ".") + ")")
	}
	if e.RequestID != "" {
		text.WriteString(" [request " + e.RequestID + "]")
	}
	return text.String()
}

// Errors are the faults of one answer, at least one. errors.As finds the first [*Error] in them.
type Errors []*Error

func (e Errors) Error() string {
	texts := make([]string, len(e))
	for i, one := range e {
		texts[i] = one.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns the faults one by one.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

// StatusError is an answer that is not GraphQL's, such as that of a proxy, or a refused upgrade to a socket.
type StatusError struct {
	// Status is that of the HTTP answer.
	Status int
	// Text is how the answer's body begins.
	Text string
}

func statusError(status int, body []byte) *StatusError {
	return &StatusError{Status: status, Text: strings.ToValidUTF8(string(body[:min(len(body), maxShownBytes)]), "")}
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("the answer is not GraphQL: status %d %s", e.Status, http.StatusText(e.Status))
	if shown := strings.TrimSpace(e.Text); shown != "" {
		text += fmt.Sprintf(": %q", shown)
	}
	return text
}

// Codes with which a server closes a socket; the protocol has more.
const (
	CloseNormal       = 1000
	CloseGoingAway    = 1001
	CloseRestart      = 1012
	CloseBadRequest   = 4400
	CloseUnauthorized = 4401
	CloseForbidden    = 4403
	// CloseLost is no code of the wire: the socket broke without one.
	CloseLost = 1006
)

// CloseError is the end of a socket, and with it of all its subscriptions: each resumes on a new one, with its cursor.
type CloseError struct {
	// Code is that of the server's close frame, else CloseLost.
	Code int
	// Reason is what the server said.
	Reason string
	// Err is what broke the socket where the server did not close it.
	Err error
}

func (e *CloseError) Error() string {
	switch {
	case e.Err != nil:
		return "the socket broke: " + e.Err.Error()
	case e.Reason != "":
		return fmt.Sprintf("the server closed the socket: %d %s", e.Code, e.Reason)
	}
	return fmt.Sprintf("the server closed the socket: %d", e.Code)
}

func (e *CloseError) Unwrap() error { return e.Err }
