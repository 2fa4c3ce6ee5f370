package gqlhttp

import (
	jsonv1 "encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// parameters are those of a request, as a body or as the payload of a subscribe message has them. Fields that are null
// count as absent.
type parameters struct {
	Query         *string        `json:"query"`
	DocumentID    *string        `json:"documentId"`
	OperationName *string        `json:"operationName"`
	Variables     map[string]any `json:"variables"`
	Extensions    map[string]any `json:"extensions"`
}

// numbers leaves numbers among variables and extensions as they were written.
var numbers = json.WithUnmarshalers(json.UnmarshalFromFunc(func(d *jsontext.Decoder, value *any) error {
	if d.PeekKind() != jsontext.KindNumber {
		return errors.ErrUnsupported // and is read as usual
	}
	number, err := d.ReadToken()
	*value = jsonv1.Number(number.String())
	return err
}))

// form says what a request looks like, for those who missed it.
const form = "a JSON object in UTF-8 with query (a string), and if need be operationName (a string), variables and extensions (objects)."

// parse reads a request from JSON. It refuses text that is not JSON as RFC 7493 (I-JSON) has it, where readers would make
// different things of it: not Unicode, half a surrogate pair, a name twice. Malformed is JSON that is no request. What it
// reads shares nothing with text.
func parse(text []byte, into *graphql.RawParams) (refused *Error, malformed bool) {
	var p *parameters
	var semantic *json.SemanticError
	switch err := json.Unmarshal(text, &p, numbers); {
	case err == nil && p != nil:
	case err == nil:
		return refusef(http.StatusBadRequest, "The request is null: send %s", form), true
	case !errors.As(err, &semantic):
		return refusef(http.StatusBadRequest, "The request is not JSON, is not Unicode, or gives a name twice: send %s", form), false
	case semantic.JSONPointer == "" && semantic.JSONKind == jsontext.KindBeginArray:
		return refusef(http.StatusBadRequest, "The request is an array; operations are sent one by one: send %s", form), true
	default:
		return refusef(http.StatusBadRequest, "The request is not a GraphQL request: send %s", form), true
	}
	into.Variables, into.Extensions = p.Variables, p.Extensions
	if p.OperationName != nil {
		into.OperationName = *p.OperationName
	}
	if p.Query != nil {
		into.Query = *p.Query
	}
	if p.DocumentID != nil && *p.DocumentID != "" {
		nameDocument(*p.DocumentID, into)
	}
	refused = complete(p.Query != nil, into)
	return refused, refused != nil
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
	if !hasQuery && params.Extensions["persistedQuery"] == nil && params.Extensions[DocumentIDExtension] == nil {
		return refusef(http.StatusBadRequest, "The request has no query: send %s", form)
	}
	return nil
}

// object reads a JSON object from a parameter of a URL; absent and null give none.
func object(text string) (value map[string]any, ok bool) {
	if text == "" {
		return nil, true
	}
	err := json.Unmarshal([]byte(text), &value, numbers)
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
	refused, _ := parse(buffer.Bytes(), into)
	return refused
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
		if !utf8.ValidString(values.Get(name)) {
			return refusef(http.StatusBadRequest, "The parameter %s is not UTF-8.", name)
		}
		if len(values[name]) > 1 {
			return refusef(http.StatusBadRequest, "The parameter %s is given twice.", name)
		}
	}
	into.Query, into.OperationName = values.Get("query"), values.Get("operationName")
	var ok bool
	if into.Variables, ok = object(values.Get("variables")); !ok {
		return refusef(http.StatusBadRequest, "The parameter variables is not a JSON object.")
	}
	if into.Extensions, ok = object(values.Get("extensions")); !ok {
		return refusef(http.StatusBadRequest, "The parameter extensions is not a JSON object.")
	}
	if id := values.Get("documentId"); id != "" {
		nameDocument(id, into)
	}
	return complete(into.Query != "", into)
}
