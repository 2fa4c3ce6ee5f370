package gqlhttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/99designs/gqlgen/graphql"
)

// parameters are those of a request, as a body or as the payload of a subscribe message has them. Fields that are null
// count as absent.
type parameters struct {
	Query         *string         `json:"query"`
	DocumentID    *string         `json:"documentId"`
	OperationName *string         `json:"operationName"`
	Variables     json.RawMessage `json:"variables"`
	Extensions    json.RawMessage `json:"extensions"`
}

// form says what a request looks like, for those who missed it.
const form = "a JSON object in UTF-8 with query (a string), and if need be operationName (a string), variables and extensions (objects)."

// parse reads a request from JSON, which may still be no Unicode. Numbers among the variables stay as they were written.
// What it returns shares nothing with text.
func parse(text []byte, into *graphql.RawParams) *Error {
	if first := bytes.TrimLeft(text, " \t\r\n"); len(first) > 0 && first[0] == '[' {
		return refusef(http.StatusBadRequest, "The request is an array; operations are sent one by one: send %s", form)
	}
	var p *parameters
	if err := json.Unmarshal(text, &p); err != nil || p == nil {
		return refusef(http.StatusBadRequest, "The request is not a GraphQL request: send %s", form)
	}
	var ok bool
	if into.Variables, ok = object(p.Variables); !ok {
		return refusef(http.StatusBadRequest, "The variables are not an object.")
	}
	if into.Extensions, ok = object(p.Extensions); !ok {
		return refusef(http.StatusBadRequest, "The extensions are not an object.")
	}
	if p.OperationName != nil {
		into.OperationName = *p.OperationName
	}
	if p.Query != nil {
		into.Query = *p.Query
	}
	if p.DocumentID != nil {
		nameDocument(*p.DocumentID, into)
	}
	return complete(p.Query != nil, into)
}

// checkText refuses a request, as it came and parsed, that is not Unicode or that escapes what is not.
func checkText(text []byte, params *graphql.RawParams) *Error {
	if !isUnicode(text) || strings.Contains(params.Query, `\`) && !isUnicode([]byte(params.Query)) {
		return refusef(http.StatusBadRequest, "The request is not UTF-8, or escapes half of a surrogate pair.")
	}
	return nil
}

// DocumentIDExtension is where an executor finds a request's documentId (GraphQL over HTTP, appendix A: Persisted Documents),
// as if the client had sent it among its extensions.
const DocumentIDExtension = "documentId"

func nameDocument(id string, params *graphql.RawParams) {
	if params.Extensions == nil {
		params.Extensions = map[string]any{}
	}
	params.Extensions[DocumentIDExtension] = id
}

// complete refuses a request without a document, unless its extensions name one that the executor may know.
func complete(hasQuery bool, params *graphql.RawParams) *Error {
	_, automatic := params.Extensions["persistedQuery"]
	_, named := params.Extensions[DocumentIDExtension]
	if !hasQuery && !automatic && !named {
		return refusef(http.StatusBadRequest, "The request has no query: send %s", form)
	}
	return nil
}

// object reads a JSON object; absent and null give none.
func object(text []byte) (map[string]any, bool) {
	if len(text) == 0 || string(text) == "null" || string(text) == "{}" {
		return nil, true
	}
	if text[0] != '{' {
		return nil, false
	}
	var value map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	err := decoder.Decode(&value)
	return value, err == nil
}

// readPost reads the body of a POST.
func (t *Transport) readPost(w http.ResponseWriter, r *http.Request, into *graphql.RawParams) *Error {
	if refused := checkContentType(r.Header); refused != nil {
		return refused
	}
	buffer := takeBuffer()
	defer giveBuffer(buffer)
	_, err := buffer.ReadFrom(http.MaxBytesReader(w, r.Body, t.config.MaxBodyBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return refusef(http.StatusRequestEntityTooLarge, "The body is larger than %d bytes.", t.config.MaxBodyBytes)
	case err != nil && !errors.Is(err, io.EOF):
		return refusef(http.StatusBadRequest, "The body could not be read.")
	}
	if refused := parse(buffer.Bytes(), into); refused != nil {
		return refused
	}
	return checkText(buffer.Bytes(), into)
}

func checkContentType(header http.Header) *Error {
	given := header.Get("Content-Type")
	if given != typeJSON {
		mediaType, params, err := mime.ParseMediaType(given)
		charset := params["charset"]
		if err != nil || mediaType != typeJSON || charset != "" && !strings.EqualFold(charset, "utf-8") {
			return refusef(http.StatusUnsupportedMediaType, "A POST is sent as Content-Type: application/json, in UTF-8.")
		}
	}
	if encoding := header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return refusef(http.StatusUnsupportedMediaType, "A body is sent without a Content-Encoding.")
	}
	return nil
}

// readGet reads the query part of a GET's URL.
func readGet(r *http.Request, into *graphql.RawParams) *Error {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return refusef(http.StatusBadRequest, "The URL's query part is malformed.")
	}
	for _, name := range [...]string{"query", "documentId", "operationName", "variables", "extensions"} {
		if !isUnicode([]byte(values.Get(name))) {
			return refusef(http.StatusBadRequest, "The parameter %s is not UTF-8, or escapes half of a surrogate pair.", name)
		}
		if len(values[name]) > 1 {
			return refusef(http.StatusBadRequest, "The parameter %s is given twice.", name)
		}
	}
	into.Query, into.OperationName = values.Get("query"), values.Get("operationName")
	var ok bool
	if into.Variables, ok = object([]byte(strings.TrimSpace(values.Get("variables")))); !ok {
		return refusef(http.StatusBadRequest, "The parameter variables is not a JSON object.")
	}
	if into.Extensions, ok = object([]byte(strings.TrimSpace(values.Get("extensions")))); !ok {
		return refusef(http.StatusBadRequest, "The parameter extensions is not a JSON object.")
	}
	if id := values.Get("documentId"); id != "" {
		nameDocument(id, into)
	}
	return complete(into.Query != "", into)
}
