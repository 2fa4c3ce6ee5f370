package channel

import (
	"fmt"
	"io"
	"regexp"
	"strings"

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

// UnmarshalGQL reads the selector from GraphQL: exactly one field, and not null, in variables as in literals.
func (s *GroupSelector) UnmarshalGQL(v any) error {
	fields, ok := v.(map[string]any)
	if !ok || len(fields) != 1 {
		return BadInput("GroupSelector takes exactly one of handle and id.")
	}
	for name, value := range fields {
		text, ok := value.(string)
		switch {
		case name == "id":
			s.ID = new(ids.Group)
			return s.ID.UnmarshalGQL(value)
		case name != "handle" || !ok:
			return BadInput("GroupSelector takes exactly one of handle and id.")
		case strings.ContainsRune(text, 0):
			return BadInput("A string must not contain the NUL character.")
		}
		s.Handle = &text
	}
	return nil
}

// MarshalGQL writes the selector, as the framework asks of whatever reads itself.
func (s GroupSelector) MarshalGQL(w io.Writer) {
	if s.ID != nil {
		fmt.Fprintf(w, `{"id":%q}`, s.ID)
	} else if s.Handle != nil {
		fmt.Fprintf(w, `{"handle":%q}`, *s.Handle)
	}
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
