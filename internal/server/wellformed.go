package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"linkspan/internal/channel"
)

// unformed is how a request is refused that is none.
type unformed struct {
	status  int
	message string
}

// wellFormed lets through what the stock transports take, with a body of at most MaxBodyBytes, and refuses the rest. The
// transports would answer without a code, repeat what was sent, and replace what is no text without a word.
func wellFormed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var refused *unformed
		switch {
		case r.Header.Get("Upgrade") != "": // its messages are looked at one by one
		case r.Method == http.MethodGet:
			refused = checkURL(r.URL.RawQuery)
		case r.Method == http.MethodPost:
			var body []byte
			body, refused = readBody(w, r)
			r.Body = io.NopCloser(bytes.NewReader(body))
		default:
			refused = &unformed{http.StatusMethodNotAllowed, "GraphQL is asked by POST or GET."}
		}
		if refused != nil {
			answerUnformed(w, r, *refused)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func answerUnformed(w http.ResponseWriter, r *http.Request, refused unformed) {
	if refused.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", "GET, POST")
	}
	fault := channel.BadInput("%s", refused.message)
	writeJSON(w, refused.status, graphql.Response{Errors: gqlerror.List{present(r.Context(), fault)}})
}

// readBody reads the body of a POST.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *unformed) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, &unformed{http.StatusUnsupportedMediaType, "A POST is sent as Content-Type: application/json."}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBodyBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &unformed{http.StatusRequestEntityTooLarge, "The body is larger than 1 MiB."}
	case err != nil:
		return nil, &unformed{http.StatusBadRequest, "The body could not be read."}
	case !isRequest(body):
		return nil, &unformed{http.StatusBadRequest, "The body is not a GraphQL request: " + requestForm}
	}
	return body, nil
}

// checkURL looks at the query part of a GET's URL.
func checkURL(raw string) *unformed {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return &unformed{http.StatusBadRequest, "The URL's query part is malformed."}
	}
	document, operation := values.Get("query"), values.Get("operationName")
	if !utf8.ValidString(document) || !utf8.ValidString(operation) {
		return &unformed{http.StatusBadRequest, "The URL's parameters are not UTF-8."}
	}
	for _, name := range []string{"variables", "extensions"} {
		var value map[string]any
		if text := []byte(values.Get(name)); len(text) > 0 && (!isText(text) || json.Unmarshal(text, &value) != nil) {
			return &unformed{http.StatusBadRequest, "The parameter " + name + " is not a JSON object in UTF-8."}
		}
	}
	parsed, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: document}, maxTokens)
	if err != nil {
		return nil // the executor says what is wrong with it
	}
	if op := parsed.Operations.ForName(operation); op != nil && op.Operation != ast.Query {
		return &unformed{http.StatusMethodNotAllowed, "A GET can only query: send a " + string(op.Operation) + " by POST."}
	}
	return nil
}

// requestForm is the form of a GraphQL request, for those who missed it.
const requestForm = "a JSON object in UTF-8 with query, and if need be operationName, variables and extensions."

// isRequest reports whether a body or the payload of a message has the form of a GraphQL request.
func isRequest(body []byte) bool {
	var request *struct {
		Query         string         `json:"query"`
		OperationName string         `json:"operationName"`
		Variables     map[string]any `json:"variables"`
		Extensions    map[string]any `json:"extensions"`
	}
	return isText(body) && json.Unmarshal(body, &request) == nil && request != nil
}

// isText reports whether JSON, or a GraphQL document, is Unicode: in UTF-8, and with no half of a surrogate pair among
// its escapes. Readers replace what is not by U+FFFD, and so would make one of two keys.
func isText(text []byte) bool {
	if !utf8.Valid(text) {
		return false
	}
	for {
		at := bytes.IndexByte(text, '\\')
		if at < 0 || at+2 > len(text) {
			return true
		}
		text = text[at:]
		unit, ok := unescaped(text)
		if !ok {
			text = text[2:]
			continue
		}
		text = text[6:]
		if utf16.IsSurrogate(unit) {
			second, ok := unescaped(text)
			if !ok || utf16.DecodeRune(unit, second) == unicode.ReplacementChar {
				return false
			}
			text = text[6:]
		}
	}
}

// unescaped returns the unit of UTF-16 whose escape, \uXXXX, a text begins with.
func unescaped(text []byte) (unit rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n), err == nil
}
