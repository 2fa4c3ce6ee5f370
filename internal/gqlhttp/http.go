package gqlhttp

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// methods are those that GraphQL over HTTP knows.
const methods = "GET, POST"

// answer answers a request that opens no WebSocket.
func (t *Transport) answer(w http.ResponseWriter, r *http.Request, executor graphql.GraphExecutor) {
	ctx := graphql.StartOperationTrace(r.Context())
	addVary(w.Header())
	accepts := accept(strings.Join(r.Header.Values("Accept"), ","))
	params := graphql.RawParams{Headers: r.Header}
	if refused := t.readRequest(w, r, accepts, &params); refused != nil {
		t.writeRefusal(ctx, w, executor, accepts.ofRefusal(), refused.list())
		return
	}
	operation, errs := executor.CreateOperationContext(ctx, &params)
	if errs == nil {
		if refused := checkOperation(r, accepts, operation.Operation.Operation); refused != nil {
			errs = refused.list()
		}
	}
	single := errs != nil || operation.Operation.Operation != ast.Subscription
	switch {
	case errs != nil && accepts.single == "" && ofDocument(errs): // the stream itself says what is wrong with it
		ctx = graphql.WithOperationContext(ctx, operation)
		t.stream(w, r.WithContext(ctx), executor, accepts, single, func(ctx context.Context) (graphql.ResponseHandler, context.Context) {
			return graphql.OneShot(executor.DispatchError(ctx, errs)), ctx
		})
	case errs != nil:
		t.writeRefusal(graphql.WithOperationContext(ctx, operation), w, executor, accepts.ofRefusal(), errs)
	case accepts.single == "", !single:
		t.stream(w, r.WithContext(ctx), executor, accepts, single, func(ctx context.Context) (graphql.ResponseHandler, context.Context) {
			if !single {
				ctx = t.inAudience(ctx, executor, operation)
			}
			return executor.DispatchOperation(ctx, operation)
		})
	default:
		responses, ctx := executor.DispatchOperation(ctx, operation)
		if response := responses(ctx); response != nil { // else the client has gone
			status := http.StatusOK
			if response.Data == nil { // nothing was executed after all (GraphQL over HTTP, 6.4.2)
				status = statusOf(response.Errors, accepts.single, w.Header())
			}
			t.write(w, status, accepts.single, response)
		}
	}
}

// readRequest reads what is asked, by whichever method.
func (t *Transport) readRequest(w http.ResponseWriter, r *http.Request, accepts accepted, into *graphql.RawParams) *Error {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		refused := refusef(http.StatusMethodNotAllowed, "GraphQL is asked by POST or GET.")
		refused.Allow = methods
		return refused
	case accepts == accepted{}:
		return refusef(http.StatusNotAcceptable, "Answers can be had as %s, %s, %s and %s.", typeResponse, typeJSON, typeSSE, typeMultipart)
	case r.Method == http.MethodGet:
		return readGet(r, into)
	default:
		return t.readPost(w, r, into)
	}
}

// checkOperation refuses an operation that the request can't carry.
func checkOperation(r *http.Request, accepts accepted, operation ast.Operation) *Error {
	switch {
	case r.Method == http.MethodGet && operation == ast.Mutation:
		refused := refusef(http.StatusMethodNotAllowed, "A GET can only query: send a mutation by POST.")
		refused.Allow = http.MethodPost
		return refused
	case operation == ast.Subscription && accepts.stream == "" && r.Method == http.MethodGet:
		refused := refusef(http.StatusMethodNotAllowed, "A subscription has many answers: %s", streams)
		refused.Allow = http.MethodPost
		return refused
	case operation == ast.Subscription && accepts.stream == "":
		return refusef(http.StatusBadRequest, "A subscription has many answers: %s", streams)
	case r.Method == http.MethodGet && mayBeForged(r):
		return refusef(http.StatusBadRequest, "A GET must show that no other site's page sent it: add a header %s.", preflightHeader)
	}
	return nil
}

const streams = "ask over a WebSocket (graphql-transport-ws), or with Accept: text/event-stream or multipart/mixed;subscriptionSpec=1.0."

func (t *Transport) writeRefusal(ctx context.Context, w http.ResponseWriter, executor graphql.GraphExecutor, mediaType string, refused gqlerror.List) {
	status := statusOf(refused, mediaType, w.Header())
	t.write(w, status, mediaType, executor.DispatchError(inOperation(ctx), refused))
}

// inOperation gives refusals before an operation one, for middlewares of responses, which always have one.
func inOperation(ctx context.Context) context.Context {
	if graphql.HasOperationContext(ctx) {
		return ctx
	}
	return graphql.WithOperationContext(ctx, &graphql.OperationContext{})
}

// write answers with one response.
func (t *Transport) write(w http.ResponseWriter, status int, mediaType string, response *graphql.Response) {
	buffer := takeBuffer()
	defer giveBuffer(buffer)
	writeResponse(buffer, response)
	header := w.Header()
	header["Content-Type"] = contentTypes[mediaType]
	if buffer.Len() > unmeasuredBytes {
		header["Content-Length"] = []string{strconv.Itoa(buffer.Len())}
	}
	w.WriteHeader(status)
	control := http.NewResponseController(w)
	_, _ = writePieces(w, buffer.Bytes(), func() error { // the client may have gone: nobody to tell
		_ = control.SetWriteDeadline(time.Now().Add(t.config.WriteTimeout)) // where there are none, writes don't wait
		return nil
	})
}

// unmeasuredBytes is the length up to which net/http itself finds out how long an answer is.
const unmeasuredBytes = 2000

var varyAccept = []string{"Accept"}

// addVary says that the answer depends on what the client accepts.
func addVary(header http.Header) {
	if len(header["Vary"]) == 0 {
		header["Vary"] = varyAccept
	} else {
		header.Add("Vary", "Accept")
	}
}

var contentTypes = map[string][]string{
	typeResponse: {typeResponse + "; charset=utf-8"},
	typeJSON:     {typeJSON + "; charset=utf-8"},
}
