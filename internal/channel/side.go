package channel

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"linkspan/internal/ids"
)

// UpdateChannelSideInput is the input of Mutation.updateChannelSide: what is not in it stays as it is, and null is the default.
type UpdateChannelSideInput struct {
	ChannelID                   ids.Channel
	Name, Topic                 *string
	NameVisible, MutedByDefault *bool
	RetentionDays               *int32
	Visibility                  *SideVisibility `json:",omitempty"` // as before there was one, where there is none
	ExpectedVersion             int32
	IdempotencyKey              *string

	Given map[string]bool // the fields that are there, by their names in the schema, null or not
}

// MaxRetentionDays is the most days that a group can have its messages kept for: a hundred years. Longer is for good.
const MaxRetentionDays = 36_500

// UnmarshalGQL reads the input from GraphQL, where a field that is absent says something else than null.
func (in *UpdateChannelSideInput) UnmarshalGQL(v any) error {
	in.Given = map[string]bool{}
	return readGiven("UpdateChannelSideInput", v, in.Given, in.read)
}

func (in *UpdateChannelSideInput) read(name string, value any) error {
	switch name {
	case "channelId":
		return in.ChannelID.UnmarshalGQL(value)
	case "expectedVersion":
		return readInt(name, value, &in.ExpectedVersion)
	case "retentionDays":
		in.RetentionDays = new(int32)
		return readInt(name, value, in.RetentionDays)
	case "visibility":
		return readVisibility(name, value, &in.Visibility)
	}
	if text := map[string]**string{"name": &in.Name, "topic": &in.Topic, "idempotencyKey": &in.IdempotencyKey}[name]; text != nil {
		return readText(name, value, text)
	}
	return readBool(name, value, map[string]**bool{"nameVisible": &in.NameVisible, "mutedByDefault": &in.MutedByDefault}[name])
}

// MarshalGQL writes the input, as the framework asks of whatever reads itself.
func (in UpdateChannelSideInput) MarshalGQL(w io.Writer) { writeInput(w, in) }

// UpdateChannelSidePayload is the answer of Mutation.updateChannelSide.
type UpdateChannelSidePayload LeaveSharedChannelPayload

// UpdateChannelSide changes the side of the viewer's group, for admins, if it has the version that they expect: in an ACTIVE channel, for the
// initiator in a PENDING one too, and the visibility alone in any that the group can read. It answers when the channel's cluster has it. A change to what is so already is success.
func (s *Service) UpdateChannelSide(ctx context.Context, v *Viewer, in UpdateChannelSideInput) (*UpdateChannelSidePayload, error) {
	key := in.IdempotencyKey
	if err := in.clean(); err != nil {
		refusals, err := s.refused(err)
		return &UpdateChannelSidePayload{Errors: refusals}, err
	}
	channel, refusals, err := s.changeLinks(ctx, v, "updateChannelSide", in.ChannelID, key, []any{in}, nil,
		func(ctx context.Context, tx MainTx, op ids.Op, l *Links) ([]Step, error) {
			return updatesSide(ctx, tx, v, op, l, &in)
		})
	return &UpdateChannelSidePayload{SharedChannel: channel, Errors: refusals}, err
}

// clean makes the texts what they are kept as, and leaves the key out, which is no part of the operation's hash.
func (in *UpdateChannelSideInput) clean() error {
	if in.Name != nil {
		name, err := cleanName(*in.Name, "name")
		if err != nil {
			return err
		}
		in.Name = &name
	}
	if days := in.RetentionDays; days != nil && (*days < 1 || *days > MaxRetentionDays) {
		return invalidInput(fmt.Sprintf("Messages are kept for 1 to %d days; null: for good.", MaxRetentionDays), "retentionDays")
	}
	topic, err := cleanText(in.Topic, "topic")
	in.Topic, in.IdempotencyKey, in.Given = topic, nil, maps.Clone(in.Given)
	delete(in.Given, "idempotencyKey")
	return err
}

func updatesSide(ctx context.Context, tx MainTx, v *Viewer, op ids.Op, l *Links, in *UpdateChannelSideInput) ([]Step, error) {
	if err := judgeSide(v, l, in); err != nil {
		return nil, err
	}
	link := l.Of[v.Group.ID]
	before := *link
	if !l.patch(link, in) {
		return nil, errAgain
	}
	var steps []Step
	if NameKey(link.Name) != NameKey(before.Name) {
		var err error
		if steps, err = claimDueName(ctx, tx, op, link.Group, link.Name); err != nil {
			return nil, err
		}
	}
	m := l.move(op, DeedUpdateSide, RuleRole, v.User, nil)
	l.changes(m, link)
	if link.MembersOnly != before.MembersOnly {
		return append(steps, aboutMembers(m, v.Group, StepChangeVisibility, MemberMove{})...), tx.WriteLinks(ctx, m)
	}
	return append(steps, aboutLink(m, StepChangeChannel, v.Group)), tx.WriteLinks(ctx, m)
}

// onlyVisibility reports whether the input changes nothing else.
func (in *UpdateChannelSideInput) onlyVisibility() bool {
	return in.Given["visibility"] && !slices.ContainsFunc([]string{"name", "topic", "nameVisible", "mutedByDefault", "retentionDays"},
		func(field string) bool { return in.Given[field] })
}

// judgeSide says why a viewer may not change its group's side as an input says, in the order of [judgePart]. Who of the group sees the channel is
// its own affair for as long as it can be read.
func judgeSide(v *Viewer, l *Links, in *UpdateChannelSideInput) error {
	state := l.stateFor(v)
	switch {
	case v.Operator || state == "":
		return channelNotFound()
	case v.Role != RoleAdmin:
		return notAllowed("Only admins of a group change its side of a channel.", "input", "channelId")
	case state != ChannelActive && state != ChannelPending && !in.onlyVisibility():
		return sideStands(state)
	case l.Of[v.Group.ID].Version != in.ExpectedVersion:
		return versionConflict(l.Of[v.Group.ID].Version)
	}
	return nil
}

// sideStands refuses to change a side of a channel in that state.
func sideStands(state SharedChannelState) UserError {
	message := fmt.Sprintf("The channel is %s: a group's side of it does not change any more.", state)
	if state == ChannelDisconnected {
		message = "Your group takes part in this channel no longer: it can only read it."
	}
	return ChannelNotActiveError{refusal{CodeChannelNotActive, message, input("channelId")}, state}
}

// patch has a link, and the channel, say what an input does, and reports whether that is something else. The topic of the group that has the
// initiator's role is the channel's.
func (l *Links) patch(link *Link, in *UpdateChannelSideInput) bool {
	before, topic := *link, l.Channel.Topic
	patch(in.Given["name"], &link.Name, in.Name, link.Proposed)
	patch(in.Given["nameVisible"], &link.NameVisible, in.NameVisible, true)
	patch(in.Given["mutedByDefault"], &link.MutedByDefault, in.MutedByDefault, false)
	if in.Given["retentionDays"] {
		link.RetentionDays = in.RetentionDays
	}
	if in.Given["visibility"] {
		link.MembersOnly = in.Visibility != nil && *in.Visibility == SideMembers
	}
	if in.Given["topic"] {
		link.Topic = in.Topic
		if l.initiates(link.Group) {
			link.Topic, topic = nil, new(string)
			patch(true, topic, in.Topic, "")
		}
	}
	changed := link.Name != before.Name || link.NameVisible != before.NameVisible || link.MutedByDefault != before.MutedByDefault ||
		link.MembersOnly != before.MembersOnly || !same(link.RetentionDays, before.RetentionDays) || !same(link.Topic, before.Topic) || !same(topic, l.Channel.Topic)
	l.Channel.Topic = topic
	return changed
}

func same[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

// claimDueName is claimName for who has a channel locked already, and so must not wait for another. It looks before it claims: two who
// want each other's names would wait for each other at the index.
func claimDueName(ctx context.Context, tx MainTx, op ids.Op, group ids.Group, name string) ([]Step, error) {
	overdue, err := tx.LockDueNameHolder(ctx, group, NameKey(name))
	if err != nil {
		return nil, err
	}
	steps, err := expire(ctx, tx, op, overdue)
	if err != nil {
		return nil, err
	}
	free, err := freeName(ctx, tx, group, name)
	if err == nil && free != name {
		err = nameTaken(name, free)
	}
	return steps, err
}
