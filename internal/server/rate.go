package server

import (
	"context"
	"errors"
	"math"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"golang.org/x/time/rate"

	"linkspan/internal/channel"
	"linkspan/internal/gqlhttp"
)

// Rate bounds how often one user, or one address that nobody is signed in from, may begin operations in this process, over
// HTTP and WebSockets together. The zero value bounds nothing.
type Rate struct {
	PerSecond float64
	Burst     int // at once, after a while of silence; at least 1
}

// maxRated is how many users and addresses are remembered; of more, those that asked longest ago begin anew.
const maxRated = 100_000

// rated refuses operations of those who ask too often, before they are read.
type rated struct {
	rate Rate
	gate gate
	by   *lru.Cache[string, *rate.Limiter]
}

var _ graphql.OperationParameterMutator = (*rated)(nil)

func newRated(r Rate, g gate) *rated {
	by, err := lru.New[string, *rate.Limiter](maxRated)
	if err != nil {
		panic(err) // the size is positive
	}
	return &rated{r, g, by}
}

// ExtensionName implements [graphql.HandlerExtension].
func (*rated) ExtensionName() string { return "Rate" }

// Validate implements [graphql.HandlerExtension].
func (*rated) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements [graphql.OperationParameterMutator].
func (r *rated) MutateOperationParameters(ctx context.Context, _ *graphql.RawParams) *gqlerror.Error {
	if r.rate.PerSecond <= 0 {
		return nil
	}
	key := requestFrom(ctx).address
	if viewer := channel.ViewerFrom(ctx); viewer != nil {
		key = viewer.User.ID.String()
	}
	limiter, ok := r.by.Get(key)
	if !ok {
		limiter = rate.NewLimiter(rate.Limit(r.rate.PerSecond), max(r.rate.Burst, 1))
		if before, there, _ := r.by.PeekOrAdd(key, limiter); there {
			limiter = before
		}
	}
	now := time.Now()
	if limiter.AllowN(now, 1) {
		return nil
	}
	if refused, _ := ctx.Value(refusedKey{}).(error); refused != nil && !errors.Is(refused, errNoToken) {
		return gqlerror.Wrap(r.gate.refusal(ctx)) // it shares its bucket with all of its address, and to come later does not help
	}
	requestFrom(ctx).rateLimited()
	short := 1 - limiter.TokensAt(now)
	return gqlerror.Wrap(&gqlhttp.Error{
		Status: http.StatusTooManyRequests, RetryAfter: time.Duration(math.Ceil(short / r.rate.PerSecond * float64(time.Second))),
		Message: "Too many requests: wait as long as retryAfter says, in seconds.",
	})
}
