package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"linkspan/internal/channel"
	"linkspan/internal/gqldoc"
	"linkspan/internal/gqlhttp"
	"linkspan/internal/ids"
	"linkspan/internal/scalar"
)

// present makes of an error what a client sees: `message`, `path`, and in `extensions` the `code`, whether it is
// `retryable`, and the `requestId`. Only texts that were written for clients get out.
func present(ctx context.Context, err error) *gqlerror.Error {
	shown := &gqlerror.Error{Path: graphql.GetPath(ctx)}
	var wrapped *gqlerror.Error
	if errors.As(err, &wrapped) {
		if wrapped.Path != nil {
			shown.Path = wrapped.Path
		}
		shown.Locations = wrapped.Locations
	}
	fault := faultOf(err, wrapped)
	logFault(ctx, fault, shown.Path.String(), err)
	requestFrom(ctx).failed(ctx, fault.Code)
	shown.Message = fault.Message
	shown.Extensions = map[string]any{
		"code": fault.Code, "retryable": fault.Retryable, "requestId": requestID(ctx),
	}
	if refused := (*gqlhttp.Error)(nil); errors.As(err, &refused) && refused.RetryAfter > 0 {
		shown.Extensions["retryAfter"] = refused.RetryAfter.Seconds()
	}
	return shown
}

// logFault says in the log what a client is not told.
func logFault(ctx context.Context, fault *channel.Fault, path string, err error) {
	switch {
	case fault.Code == channel.Internal:
		logger(ctx).ErrorContext(ctx, "unknown error", "path", path, "err", err)
	case fault.Err != nil && !errors.Is(fault.Err, context.Canceled):
		logger(ctx).WarnContext(ctx, "fault", "code", fault.Code, "path", path, "err", fault.Err)
	}
}

// faultOf classifies an error; wrapped is the GraphQL error in it, if any.
func faultOf(err error, wrapped *gqlerror.Error) *channel.Fault {
	var fault *channel.Fault
	var malformed *ids.MalformedError
	var value *scalar.ValueError
	var integer *graphql.IntegerError
	var request *gqlhttp.Error
	var early *gqldoc.ValueError
	var limit *gqldoc.LimitError
	switch {
	case errors.As(err, &fault):
		return fault
	case errors.As(err, &malformed):
		return channel.BadInput("Malformed value: %s.", malformed)
	case errors.As(err, &value):
		return channel.BadInput("%s", value.Message)
	case errors.As(err, &early):
		return channel.BadInput("%s", early.Message)
	case errors.As(err, &limit):
		return &channel.Fault{Code: channel.LimitExceeded, Message: limit.Error()}
	case errors.As(err, &request):
		return requestFault(request)
	case errors.As(err, &integer):
		return channel.BadInput("A number is not a 32-bit integer.")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &channel.Fault{
			Code: channel.ShardUnavailable, Message: "The request was given up before its answer.", Retryable: true, Err: err,
		}
	}
	// What the parser and the validator say of a document is written for its author. They alone set a code.
	if wrapped != nil && wrapped.Err == nil {
		switch code, _ := wrapped.Extensions["code"].(string); code {
		case errcode.ParseFailed, errcode.ValidationFailed:
			return &channel.Fault{Code: channel.FaultCode(code), Message: wrapped.Message}
		}
	}
	return &channel.Fault{
		Code: channel.Internal, Message: "Something went wrong here. Give the requestId to those who run the server.", Err: err,
	}
}

// requestFault is the fault of a request that the transport refuses.
func requestFault(refused *gqlhttp.Error) *channel.Fault {
	switch refused.Status {
	case http.StatusServiceUnavailable:
		return &channel.Fault{Code: channel.ShardUnavailable, Message: refused.Message, Retryable: true}
	case http.StatusTooManyRequests:
		return &channel.Fault{Code: channel.RateLimited, Message: refused.Message, Retryable: true}
	}
	return channel.BadInput("%s", refused.Message)
}

// logger is the request's logger.
func logger(ctx context.Context) *slog.Logger { return requestFrom(ctx).logger }
