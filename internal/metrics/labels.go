package metrics

import (
	"slices"
	"strconv"

	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/prometheus/client_golang/prometheus"

	"linkspan/internal/channel"
	"linkspan/internal/gqlhttp"
)

// The values of labels that are known beforehand. Their series begin with 0 when the process does: rate() sees no rise in
// a series that begins with its first event.
var (
	faultCodes = []channel.FaultCode{
		channel.Unauthenticated, channel.Forbidden, channel.BadUserInput, channel.NotFound, channel.CursorExpired, channel.ShardUnavailable,
		channel.RateLimited, channel.LimitExceeded, channel.PersistedQueryNotFound, channel.OperationNotListed, channel.Internal,
		errcode.ParseFailed, errcode.ValidationFailed,
	}
	refusalCodes = []channel.UserErrorCode{
		channel.CodeGroupNotFound, channel.CodeInvitationNotFound, channel.CodeSelfInvitation, channel.CodeNameTaken,
		channel.CodeInvitationNotPending, channel.CodeChannelNotFound, channel.CodeChannelNotActive,
		channel.CodeMessageNotFound, channel.CodeNotAllowed, channel.CodeVersionConflict, channel.CodeAlreadyShared,
		channel.CodeIdempotencyKeyReused, channel.CodeInvalidInput,
	}
	stepKinds = []channel.StepKind{
		channel.StepRegisterGroup, channel.StepCreateChannel, channel.StepReceiveInvitation, channel.StepLinkGroup,
		channel.StepReceiveChannel, channel.StepCloseChannel, channel.StepChangeInvitation,
		channel.StepTellInvitation, channel.StepSavePolicy, channel.StepSaveStance, channel.StepLinkSide, channel.StepTellLinked, channel.StepUnlinkGroup,
		channel.StepChangeChannel, channel.StepTellInvitationAway, channel.StepReceiveInvitationHome, channel.StepChangeInvitationHome,
		channel.StepReceiveChannelHome, channel.StepChangeVisibility, channel.StepChangeMembers, channel.StepListMembers,
	}
	deliveryResults = []string{delivered, failed, early}
	closeCodes      = []gqlhttp.CloseCode{
		gqlhttp.CloseNormal, gqlhttp.CloseGoingAway, noStatus, gqlhttp.CloseLost, gqlhttp.CloseTooBig, gqlhttp.CloseRestart,
		gqlhttp.CloseTryLater, gqlhttp.CloseInvalidMessage, gqlhttp.CloseUnauthorized, gqlhttp.CloseForbidden,
		gqlhttp.CloseBadSubprotocol, gqlhttp.CloseTimeout, gqlhttp.CloseDuplicateID, gqlhttp.CloseTooManyInits, gqlhttp.CloseInternal,
	}
)

// noStatus is the close code of a client that gave none (RFC 6455, section 7.4.1).
const noStatus gqlhttp.CloseCode = 1005

// The results of deliveries, and whether the relay took a step up again.
const (
	delivered, failed, early = "ok", "failed", "early"
	yes, no                  = "yes", "no"
)

// begin has a counter show a series for each of a label's values, with these values of the labels before it.
func begin[V ~string](counters *prometheus.CounterVec, values []V, before ...string) {
	for _, value := range values {
		counters.WithLabelValues(append(slices.Clone(before), string(value))...)
	}
}

// codeLabel is a close code as a label: a client may close with any of thousands.
func codeLabel(kind gqlhttp.Kind, code gqlhttp.CloseCode) string {
	switch {
	case kind != gqlhttp.WebSocket:
		return "none"
	case slices.Contains(closeCodes, code):
		return strconv.Itoa(int(code))
	}
	return "other"
}
