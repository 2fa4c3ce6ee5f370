package channel

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// SharingPolicy returns the policy of the viewer's group with whom it trusts and blocks; nil for those who are no admins of it.
func (s *Service) SharingPolicy(ctx context.Context, v *Viewer) (*Sharing, error) {
	if v.Operator || v.Role != RoleAdmin {
		return nil, nil
	}
	return s.Main.Sharing(ctx, v.Group.ID)
}

// SetSharingPolicyInput is the input of Mutation.setSharingPolicy: what is not in it stays as it is, and null is the default.
type SetSharingPolicyInput struct {
	SharingEnabled, OutgoingApproval, IncomingApproval, LinksInNotes *bool
	WhoMayCreate, WhoMayAccept                                       *WhoMay
	InvitationTTLHours                                               *int32
	ExpectedVersion                                                  int32
	IdempotencyKey                                                   *string

	Given map[string]bool // the fields that are there, by their names in the schema, null or not
}

// UnmarshalGQL reads the input from GraphQL, where a field that is absent says something else than null.
func (in *SetSharingPolicyInput) UnmarshalGQL(v any) error {
	in.Given = map[string]bool{}
	return readGiven("SetSharingPolicyInput", v, in.Given, in.read)
}

// readGiven reads the fields of an input that are there, in the order of their names, but for those that are null, and notes all of them.
func readGiven(input string, v any, given map[string]bool, read func(name string, value any) error) error {
	fields, ok := v.(map[string]any)
	if !ok {
		return BadInput("%s is an object.", input)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		given[name] = true
		if fields[name] == nil {
			continue
		}
		if err := read(name, fields[name]); err != nil {
			return err
		}
	}
	return nil
}

func (in *SetSharingPolicyInput) read(name string, value any) error {
	switch name {
	case "idempotencyKey":
		return readText(name, value, &in.IdempotencyKey)
	case "expectedVersion":
		return readInt(name, value, &in.ExpectedVersion)
	case "invitationTtlHours":
		in.InvitationTTLHours = new(int32)
		return readInt(name, value, in.InvitationTTLHours)
	case "whoMayCreate":
		in.WhoMayCreate = new(WhoMay)
		return in.WhoMayCreate.UnmarshalGQL(value)
	case "whoMayAccept":
		in.WhoMayAccept = new(WhoMay)
		return in.WhoMayAccept.UnmarshalGQL(value)
	}
	return readBool(name, value, map[string]**bool{
		"sharingEnabled": &in.SharingEnabled, "outgoingApproval": &in.OutgoingApproval,
		"incomingApproval": &in.IncomingApproval, "linksInNotes": &in.LinksInNotes,
	}[name])
}

func readText(name string, value any, to **string) error {
	text, ok := value.(string)
	if !ok || strings.ContainsRune(text, 0) {
		return BadInput("%s is a string without the NUL character.", name)
	}
	*to = &text
	return nil
}

// readBool reads a field, which is nil where there is none of that name.
func readBool(name string, value any, field **bool) error {
	yes, ok := value.(bool)
	if !ok || field == nil {
		return BadInput("%s is true or false.", name)
	}
	*field = &yes
	return nil
}

func readInt(name string, value any, to *int32) error {
	var n int64
	var err error
	switch value := value.(type) {
	case int64:
		n = value
	case json.Number:
		n, err = value.Int64()
	default:
		err = fmt.Errorf("%T", value)
	}
	if err != nil || int64(int32(n)) != n {
		return BadInput("%s is a whole number of 32 bits.", name)
	}
	*to = int32(n)
	return nil
}

// MarshalGQL writes the input, as the framework asks of whatever reads itself.
func (in SetSharingPolicyInput) MarshalGQL(w io.Writer) { writeInput(w, in) }

func writeInput(w io.Writer, in any) {
	if err := json.NewEncoder(w).Encode(in); err != nil {
		panic(err) // it has nothing that JSON can't say
	}
}

// SetSharingPolicyPayload is the answer of Mutation.setSharingPolicy.
type SetSharingPolicyPayload struct {
	Policy *Sharing
	Errors []UserError
}

// SetSharingPolicy changes the policy of the viewer's group, for admins, if it has the version that they expect. It answers when the group's own
// cluster has it too.
func (s *Service) SetSharingPolicy(ctx context.Context, v *Viewer, in SetSharingPolicyInput) (*SetSharingPolicyPayload, error) {
	d, err := s.setSharingPolicy(ctx, v, in)
	if err == nil {
		err = s.finishOwn(ctx, v, d)
	}
	if err != nil {
		refusals, err := s.refusedTo(ctx, v, attempt{deed: DeedSetPolicy}, err)
		return &SetSharingPolicyPayload{Errors: refusals}, err
	}
	policy, err := s.Main.Sharing(ctx, v.Group.ID)
	return &SetSharingPolicyPayload{Policy: policy}, err
}

func (s *Service) setSharingPolicy(ctx context.Context, v *Viewer, in SetSharingPolicyInput) (d decided, err error) {
	if err := ownAdmin(v, "Only admins of a group set its sharing policy."); err != nil {
		return d, err
	}
	if hours := in.InvitationTTLHours; hours != nil && (*hours < 1 || *hours > MaxInvitationTTLHours) {
		return d, invalidInput(fmt.Sprintf("Invitations live for 1 to %d hours; null: as long as everywhere here.", MaxInvitationTTLHours), "invitationTtlHours")
	}
	op, err := newOperation(v, "setSharingPolicy", v.Group.ID.String(), in.IdempotencyKey, in.withoutKey())
	if err != nil {
		return d, err
	}
	op.Outcome.Group = v.Group.ID
	err = s.Main.Decide(ctx, func(ctx context.Context, tx MainTx) error {
		d = decided{outcome: op.Outcome}
		if kept, err := claim(ctx, tx, op); err != nil || kept != nil {
			d.repeated = true
			return err
		}
		at, policy, err := tx.Policy(ctx, v.Group.ID)
		if err != nil {
			return err
		}
		if policy.Version != in.ExpectedVersion {
			return versionConflict(policy.Version)
		}
		policy = policy.changed(&in)
		d.steps = []Step{{
			Stream: Stream{Subject: v.Group.ID.Bytes(), Destination: toGroup(v.Group.ID)},
			Op:     op.ID, Kind: StepSavePolicy, Effect: Effect{Policy: &policy},
		}}
		if err := tx.SavePolicy(ctx, Decision{op.ID, DeedSetPolicy, at, v.User}, policy); err != nil {
			return err
		}
		return tx.AppendSteps(ctx, d.steps)
	})
	return d, err
}

// withoutKey is what the operation's hash is made of: the key is not part of it.
func (in SetSharingPolicyInput) withoutKey() SetSharingPolicyInput {
	in.IdempotencyKey, in.Given = nil, maps.Clone(in.Given)
	delete(in.Given, "idempotencyKey")
	return in
}

// changed returns the policy as an input changes it, with the next version.
func (p SharingPolicy) changed(in *SetSharingPolicyInput) SharingPolicy {
	standard := DefaultPolicy(p.Group)
	p.Version++
	patch(in.Given["sharingEnabled"], &p.SharingEnabled, in.SharingEnabled, standard.SharingEnabled)
	patch(in.Given["whoMayCreate"], &p.WhoMayCreate, in.WhoMayCreate, standard.WhoMayCreate)
	patch(in.Given["whoMayAccept"], &p.WhoMayAccept, in.WhoMayAccept, standard.WhoMayAccept)
	patch(in.Given["outgoingApproval"], &p.OutgoingApproval, in.OutgoingApproval, standard.OutgoingApproval)
	patch(in.Given["incomingApproval"], &p.IncomingApproval, in.IncomingApproval, standard.IncomingApproval)
	patch(in.Given["linksInNotes"], &p.LinksInNotes, in.LinksInNotes, standard.LinksInNotes)
	if in.Given["invitationTtlHours"] {
		p.InvitationTTLHours = in.InvitationTTLHours
	}
	return p
}

// patch sets a field that was given: null is what it is by default.
func patch[T any](given bool, field, to *T, otherwise T) {
	switch {
	case !given:
	case to == nil:
		*field = otherwise
	default:
		*field = *to
	}
}
