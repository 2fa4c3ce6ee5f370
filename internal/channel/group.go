package channel

import (
	"regexp"

	"linkspan/internal/ids"
)

// Group is an organisation (tenant). Copies of it stand wherever it is shown, so that no read of a channel needs main.
type Group struct {
	ID     ids.Group `json:"id"`
	Handle string    `json:"handle"`
	Name   string    `json:"name"`
}

// IsNode marks the type as a Node of the schema.
func (Group) IsNode() {}

// HandlePattern is the form of a handle: 2 to 39 of a-z, 0-9 and '-', not beginning with '-'.
var HandlePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,38}$`)

// GroupSelector names a group by exactly one of its fields.
type GroupSelector struct {
	Handle *string
	ID     *ids.Group
}

func (s GroupSelector) check() error {
	if (s.Handle == nil) == (s.ID == nil) {
		return BadInput("GroupSelector takes exactly one of handle and id.")
	}
	return nil
}

// RegisterGroupInput is the input of Mutation.registerGroup.
type RegisterGroupInput struct {
	Handle         string
	Name           string
	IdempotencyKey *string
}

// RegisterGroupPayload is the answer of Mutation.registerGroup.
type RegisterGroupPayload struct {
	Group  *Group
	Errors []UserError
}

// Actor is who did something.
type Actor interface{ IsActor() }

// User is a user of a group. Name is as last seen where the user is shown; a user without a name is called by the
// subject of its token.
type User struct {
	ID    ids.User `json:"id"`
	Name  string   `json:"name"`
	Group Group    `json:"group"`
}

// IsActor marks the type as an Actor of the schema.
func (User) IsActor() {}

// IsNode marks the type as a Node of the schema.
func (User) IsNode() {}
