package channel

import (
	"context"
	"errors"
	"io"
	"strconv"
)

// SharingDecision says what would become of a request to share a channel.
type SharingDecision string

// The decisions.
const (
	SharingAllowed       SharingDecision = "ALLOWED"
	SharingNeedsApproval SharingDecision = "NEEDS_APPROVAL" // of the viewer's own group
	SharingRefused       SharingDecision = "REFUSED"
)

// MarshalGQL writes the decision in GraphQL.
func (d SharingDecision) MarshalGQL(w io.Writer) { io.WriteString(w, strconv.Quote(string(d))) }

// UnmarshalGQL is asked for by the framework; no argument is a decision.
func (d *SharingDecision) UnmarshalGQL(any) error {
	return BadInput("A decision is never an argument.")
}

// SharingAnswer says what would become of a request to share a channel, by which rule, and why, for people.
type SharingAnswer struct {
	Decision    SharingDecision
	Rule        SharingRule
	Explanation string
}

// CanShare answers what would become of a channel that the viewer asks the target to share now, judged as it would be then. What the target
// thinks of the viewer's group plays no part.
func (s *Service) CanShare(ctx context.Context, v *Viewer, target GroupSelector) (*SharingAnswer, error) {
	if v.Operator {
		return nil, &Fault{Code: Forbidden, Message: "An operator has no group to share a channel from."}
	}
	found, err := s.Main.FindGroup(ctx, target)
	if err := unlessOther(v.Group.ID, found, err); err != nil {
		return refusedSharing(err)
	}
	own, other, err := s.Main.Parties(ctx, v.Group.ID, found.ID)
	if err != nil {
		return nil, err
	}
	allowed, refusal := judgeCreate(v, nil, own, other)
	if refusal != nil {
		return refusedSharing(refusal)
	}
	answer := &SharingAnswer{Decision: SharingAllowed, Rule: allowed.rule, Explanation: "The other group is asked at once."}
	switch allowed.rule {
	case RuleOutgoingApproval:
		answer.Decision, answer.Explanation = SharingNeedsApproval, "An admin of your group has to approve it before the other group is asked."
	case RuleAdmin:
		answer.Explanation = "The other group is asked at once: you are an admin, so no other has to approve it."
	case RuleTrusted:
		answer.Explanation = "The other group is asked at once: your group trusts it, so no admin has to approve it."
	}
	return answer, nil
}

// refusedSharing makes an answer of a refusal; other errors stay errors.
func refusedSharing(err error) (*SharingAnswer, error) {
	answer := &SharingAnswer{Decision: SharingRefused}
	var refusal UserError
	if !errors.As(err, &refusal) {
		return nil, err
	}
	answer.Explanation = refusal.GetMessage()
	switch refusal := refusal.(type) {
	case GroupNotFoundError:
		answer.Rule = RuleUnknownGroup
	case SelfInvitationError:
		answer.Rule = RuleSelf
	case NotAllowedError:
		answer.Rule = *refusal.Rule
	}
	return answer, nil
}
