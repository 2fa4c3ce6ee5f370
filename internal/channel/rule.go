package channel

import (
	"io"
	"regexp"
	"strconv"
)

// SharingRule is the rule that allowed, queued or refused a deed.
type SharingRule string

// The rules.
const (
	RuleDefault          SharingRule = "DEFAULT"           // nothing is said against it
	RuleRole             SharingRule = "ROLE"              // the doer's role
	RuleAdmin            SharingRule = "ADMIN"             // an admin's own deed is its side's approval
	RuleTrusted          SharingRule = "TRUSTED"           // the side trusts the other group
	RuleTime             SharingRule = "TIME"              // it ran out
	RuleSharingOff       SharingRule = "SHARING_OFF"       // the own group does not share
	RuleSharingOffThere  SharingRule = "SHARING_OFF_THERE" // the other does not
	RuleWhoMayCreate     SharingRule = "WHO_MAY_CREATE"
	RuleWhoMayAccept     SharingRule = "WHO_MAY_ACCEPT"
	RuleOutgoingApproval SharingRule = "OUTGOING_APPROVAL"
	RuleIncomingApproval SharingRule = "INCOMING_APPROVAL"
	RuleLinksInNotes     SharingRule = "LINKS_IN_NOTES"
	RuleSelf             SharingRule = "SELF"          // a group shares nothing with itself
	RuleUnknownGroup     SharingRule = "UNKNOWN_GROUP" // there is no such group
	RuleInitiator        SharingRule = "INITIATOR"     // who has the initiator's role
	RuleGranted          SharingRule = "GRANTED"       // the initiator lets the group ask others
	RuleOffered          SharingRule = "OFFERED"       // the initiator's role is offered to the group
	RuleInitiatorGone    SharingRule = "INITIATOR_GONE"
	RuleParted           SharingRule = "PARTED" // the group that asked takes part no longer
	RuleGroupLimit       SharingRule = "GROUP_LIMIT"
	RuleBlocked          SharingRule = "BLOCKED" // the own group blocks the other
)

// MarshalGQL writes the rule in GraphQL.
func (r SharingRule) MarshalGQL(w io.Writer) { io.WriteString(w, strconv.Quote(string(r))) }

// UnmarshalGQL is asked for by the framework; no argument is a rule.
func (r *SharingRule) UnmarshalGQL(any) error { return BadInput("A rule is never an argument.") }

// linkPattern is what a reader takes for a link, or a program makes one of: a scheme, or a host's name or address with something behind it. A
// name by itself is none, for people write "node.js" and "Ltd.Ana"; "node.js/react" is taken for one.
var linkPattern = regexp.MustCompile(`(?i)(?:^|[^\p{L}\p{N}])(?:[a-z][a-z0-9+.-]*://|www\.|mailto:|` +
	`(?:(?:[\p{L}\p{M}\p{N}-]+\.)+(?:xn--[a-z0-9-]+|[\p{L}\p{M}]{2,})|(?:\d{1,3}\.){3}\d{1,3})(?:[/?]|:\d))`)

// hasLink reports whether a text has a link in it.
func hasLink(text string) bool { return linkPattern.MatchString(text) }

// ruledOut is a refusal by a rule of policy.
func ruledOut(rule SharingRule, message, field string) UserError {
	return NotAllowedError{refusal{CodeNotAllowed, message, input(field)}, &rule}
}

func linkInNote(field string) UserError {
	return ruledOut(RuleLinksInNotes, "That group takes no links in notes.", field)
}

func onlyAdminsApprove() UserError {
	return notAllowed("Only admins of the side whose approval is awaited give or deny it.", "input", "invitationId")
}

func approvalNotAsked() UserError {
	return notAllowed("Your group's approval of this invitation is not awaited.", "input", "invitationId")
}
