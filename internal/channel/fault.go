package channel

import "fmt"

// FaultCode is the `extensions.code` of a top-level error.
type FaultCode string

// The faults of the domain. The edge adds those of GraphQL itself.
const (
	Unauthenticated  FaultCode = "UNAUTHENTICATED"
	Forbidden        FaultCode = "FORBIDDEN"
	BadUserInput     FaultCode = "BAD_USER_INPUT"
	NotFound         FaultCode = "NOT_FOUND"
	CursorExpired    FaultCode = "CURSOR_EXPIRED"
	ShardUnavailable FaultCode = "SHARD_UNAVAILABLE"
	RateLimited      FaultCode = "RATE_LIMITED"
	// LimitExceeded is of a document or value over one of the edge's limits; the message says which.
	LimitExceeded FaultCode = "LIMIT_EXCEEDED"
	// PersistedQueryNotFound has a client send the document that it only named. The word is Apollo's.
	PersistedQueryNotFound FaultCode = "PERSISTED_QUERY_NOT_FOUND"
	// OperationNotListed is of a server that takes only the operations that it was given.
	OperationNotListed FaultCode = "OPERATION_NOT_LISTED"
	Internal           FaultCode = "INTERNAL_SERVER_ERROR"
)

// Fault is an error that a client sees at the top level of the answer: the request was wrong, or could not be served
// now. Message is fit for clients; Err, if any, is for the log alone. A retryable fault of a mutation may still have
// happened: it is repeated with the same idempotency key.
type Fault struct {
	Code      FaultCode
	Message   string
	Retryable bool
	Err       error
}

func (f *Fault) Error() string {
	if f.Err != nil {
		return fmt.Sprintf("%s: %s: %v", f.Code, f.Message, f.Err)
	}
	return fmt.Sprintf("%s: %s", f.Code, f.Message)
}

func (f *Fault) Unwrap() error { return f.Err }

// BadInput is the fault of a request that no state of the world makes right.
func BadInput(format string, args ...any) *Fault {
	return &Fault{Code: BadUserInput, Message: fmt.Sprintf(format, args...)}
}

// Unavailable is the fault of a request that needs a cluster that is out of reach; it is retryable.
func Unavailable(err error) *Fault {
	return &Fault{
		Code:      ShardUnavailable,
		Message:   "A database that this needs is out of reach. Try again; repeat a mutation with the same idempotencyKey.",
		Retryable: true,
		Err:       err,
	}
}

// Expired is the fault of a cursor that can't be continued from.
func Expired() *Fault {
	return &Fault{
		Code:    CursorExpired,
		Message: "This log can't be continued from that cursor: query first, then subscribe from the page's logCursor.",
	}
}
