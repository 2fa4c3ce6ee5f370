package channel

import "fmt"

// UserErrorCode says why a refusal was a refusal.
type UserErrorCode string

// The codes of refusals, each with a type of its own.
const (
	CodeGroupNotFound        UserErrorCode = "GROUP_NOT_FOUND"
	CodeInvitationNotFound   UserErrorCode = "INVITATION_NOT_FOUND"
	CodeSelfInvitation       UserErrorCode = "SELF_INVITATION"
	CodeNameTaken            UserErrorCode = "NAME_TAKEN"
	CodeInvitationNotPending UserErrorCode = "INVITATION_NOT_PENDING"
	CodeChannelNotFound      UserErrorCode = "CHANNEL_NOT_FOUND"
	CodeChannelNotActive     UserErrorCode = "CHANNEL_NOT_ACTIVE"
	CodeAlreadyShared        UserErrorCode = "ALREADY_SHARED"
	CodeMessageNotFound      UserErrorCode = "MESSAGE_NOT_FOUND"
	CodeNotAllowed           UserErrorCode = "NOT_ALLOWED"
	CodeVersionConflict      UserErrorCode = "VERSION_CONFLICT"
	CodeIdempotencyKeyReused UserErrorCode = "IDEMPOTENCY_KEY_REUSED"
	CodeInvalidInput         UserErrorCode = "INVALID_INPUT"
)

// UserError is a refusal as GraphQL shows it. It is an error, so that it ends and rolls back the transaction that it
// is found in; [Service] hands it out as data.
type UserError interface {
	error
	IsUserError()
	GetCode() UserErrorCode
	GetMessage() string
	GetPath() []string
}

// refusal is what all refusals have.
type refusal struct {
	Code    UserErrorCode
	Message string
	Path    []string
}

func (r refusal) Error() string          { return fmt.Sprintf("refused: %s: %s", r.Code, r.Message) }
func (r refusal) IsUserError()           {}
func (r refusal) GetCode() UserErrorCode { return r.Code }
func (r refusal) GetMessage() string     { return r.Message }
func (r refusal) GetPath() []string      { return r.Path }

type (
	// GroupNotFoundError says that no group has that handle or id.
	GroupNotFoundError struct{ refusal }
	// InvitationNotFoundError says that there is no such invitation, or that the viewer may not see it.
	InvitationNotFoundError struct{ refusal }
	// SelfInvitationError says that initiator and target are the same group.
	SelfInvitationError struct{ refusal }
	// NameTakenError says that the name or handle is in use; Suggestion, if any, was free a moment ago.
	NameTakenError struct {
		refusal
		Suggestion *string
	}
	// InvitationNotPendingError says that the invitation is in State, from where that transition does not go.
	InvitationNotPendingError struct {
		refusal
		State InvitationState
	}
	// ChannelNotFoundError says that there is no such channel, or that the viewer may not see it.
	ChannelNotFoundError struct{ refusal }
	// ChannelNotActiveError says that the channel is in State, where the viewer's group can't write.
	ChannelNotActiveError struct {
		refusal
		State SharedChannelState
	}
	// AlreadySharedError says that the group takes part in the channel, or has been asked to.
	AlreadySharedError struct{ refusal }
	// MessageNotFoundError says that there is no such message, that the viewer may not see it, or that it was deleted.
	MessageNotFoundError struct{ refusal }
	// NotAllowedError says that the viewer's role or group may not do that, or that the rule of a policy is against it.
	NotAllowedError struct {
		refusal
		Rule *SharingRule // nil: it is no rule of a policy
	}
	// VersionConflictError says that what was to be changed has another version: somebody else changed it first.
	VersionConflictError struct {
		refusal
		Version int32
	}
	// IdempotencyKeyReusedError says that the key was used with another input.
	IdempotencyKeyReusedError struct{ refusal }
	// InvalidInputError says that a value is outside its limits.
	InvalidInputError struct{ refusal }
)

func input(field ...string) []string { return append([]string{"input"}, field...) }

func groupNotFound() UserError {
	return GroupNotFoundError{refusal{CodeGroupNotFound, "There is no group with that handle or id.", input("target")}}
}

func notInChannel() UserError {
	return GroupNotFoundError{refusal{CodeGroupNotFound, "No such group takes part in this channel.", input("groupId")}}
}

func alreadyShared() UserError {
	return AlreadySharedError{refusal{CodeAlreadyShared, "That group takes part in this channel, or has been asked to.", input("target")}}
}

func invitationNotFound() UserError {
	return InvitationNotFoundError{refusal{CodeInvitationNotFound, "There is no such invitation.", input("invitationId")}}
}

func selfInvitation() UserError {
	return SelfInvitationError{refusal{CodeSelfInvitation, "A group can't share a channel with itself.", input("target")}}
}

func nameTaken(name, suggestion string) UserError {
	e := NameTakenError{refusal: refusal{CodeNameTaken, fmt.Sprintf("Your group already has a channel named %q.", name), input("name")}}
	if suggestion != "" {
		e.Suggestion = &suggestion
	}
	return e
}

func handleTaken(handle string) UserError {
	return NameTakenError{refusal: refusal{CodeNameTaken, fmt.Sprintf("The handle %q belongs to another group.", handle), input("handle")}}
}

func invitationNotPending(state InvitationState) UserError {
	return InvitationNotPendingError{
		refusal{CodeInvitationNotPending, fmt.Sprintf("The invitation is %s already.", state), input("invitationId")}, state,
	}
}

func channelNotFound() UserError {
	return ChannelNotFoundError{refusal{CodeChannelNotFound, "There is no such channel.", input("channelId")}}
}

func channelNotActive(state SharedChannelState, field string) UserError {
	message := fmt.Sprintf("The channel is %s: nobody can write in it.", state)
	if state == ChannelDisconnected {
		message = "Your group takes part in this channel no longer: it can only read it."
	}
	return ChannelNotActiveError{refusal{CodeChannelNotActive, message, input(field)}, state}
}

// linksStand refuses to change who takes part in a channel in that state.
func linksStand(state SharedChannelState) UserError {
	message := fmt.Sprintf("The channel is %s: who takes part in it does not change any more.", state)
	switch state {
	case ChannelPending:
		message = "The channel is PENDING: nobody else takes part yet. Take its invitations back to end it."
	case ChannelDisconnected:
		message = "Your group takes part in this channel no longer: it can only read it."
	}
	return ChannelNotActiveError{refusal{CodeChannelNotActive, message, input("channelId")}, state}
}

func messageNotFound(field string) UserError {
	return MessageNotFoundError{refusal{CodeMessageNotFound, "There is no such message, or it was deleted.", input(field)}}
}

func notAllowed(message string, path ...string) UserError {
	return NotAllowedError{refusal: refusal{CodeNotAllowed, message, append([]string{}, path...)}}
}

func versionConflict(version int32) UserError {
	return VersionConflictError{
		refusal{CodeVersionConflict, fmt.Sprintf("Somebody else was first: it has version %d now. Read it again, and change that.", version), input("expectedVersion")}, version,
	}
}

func keyReused() UserError {
	return IdempotencyKeyReusedError{refusal{
		CodeIdempotencyKeyReused, "This idempotencyKey was used with another input: take a new one.", input("idempotencyKey"),
	}}
}

func invalidInput(message string, field string) UserError {
	return InvalidInputError{refusal{CodeInvalidInput, message, input(field)}}
}
