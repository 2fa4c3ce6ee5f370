package gqlclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	// maxAnswerBytes bounds the answer to a request, and a message on a socket.
	maxAnswerBytes = 32 << 20
	// maxShownBytes is how much of an answer that is not GraphQL is kept to be shown.
	maxShownBytes = 500
)

// Client sends operations to one GraphQL endpoint in the name of one bearer. It is safe for concurrent use; its fields
// must not be changed after the first use.
type Client struct {
	// URL is that of the endpoint, http or https. Subscriptions use the same one.
	URL string
	// Token is sent as `Authorization: Bearer`; none is sent if it is empty.
	Token string
	// HTTP sends requests and opens sockets; nil is http.DefaultClient.
	HTTP *http.Client
}

// operation is what is sent, in a body or in a subscribe message.
type operation struct {
	Query         string `json:"query"`
	OperationName string `json:"operationName,omitempty"`
	Variables     any    `json:"variables,omitempty"`
}

// Result is one answer to an operation.
type Result struct {
	// Data is the answer as it was sent; nil or `null` where there is none.
	Data json.RawMessage `json:"data"`
	// Errors are the faults that the answer tells of, beside or instead of data.
	Errors Errors `json:"errors"`
}

// Decode unmarshals the data, if there is any, into out, if that is not nil, and returns [Errors] if the answer has any:
// so out may be filled in part where the error is not nil.
func (r Result) Decode(out any) error {
	if out != nil && len(r.Data) > 0 {
		if err := json.Unmarshal(r.Data, out); err != nil {
			return fmt.Errorf("gqlclient: unexpected data: %w", err)
		}
	}
	if len(r.Errors) > 0 {
		return r.Errors
	}
	return nil
}

// Do sends an operation over HTTP and decodes the answer's data into out, as [Result.Decode] does. name says which
// operation of the document is meant; it may be empty if there is only one. variables is what json.Marshal makes an
// object of, or nil.
//
// The error is [Errors] for what the server said, [*StatusError] for an answer that is not GraphQL, else what prevented
// the exchange. A mutation that got no answer, or a retryable error, may still have happened: repeat it with the same
// idempotency key.
func (c *Client) Do(ctx context.Context, document, name string, variables, out any) error {
	body, err := json.Marshal(operation{Query: document, OperationName: name, Variables: variables})
	if err != nil {
		return fmt.Errorf("gqlclient: variables of %s: %w", name, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("gqlclient: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/graphql-response+json, application/json;q=0.9")
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	response, err := c.http().Do(request)
	if err != nil {
		return fmt.Errorf("gqlclient: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // it is only read
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	if err != nil {
		return fmt.Errorf("gqlclient: reading the answer: %w", err)
	}
	if len(answer) > maxAnswerBytes {
		return fmt.Errorf("gqlclient: the answer is larger than %d bytes", maxAnswerBytes)
	}
	var result Result
	isJSON := strings.Contains(response.Header.Get("Content-Type"), "json")
	if !isJSON || json.Unmarshal(answer, &result) != nil || (result.Data == nil && len(result.Errors) == 0) {
		return statusError(response.StatusCode, answer)
	}
	return result.Decode(out)
}

func (c *Client) http() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	return http.DefaultClient
}
