package channel

import (
	"context"
	"fmt"

	"linkspan/internal/ids"
)

// SideVisibility is who of a group sees a channel.
type SideVisibility string

// The visibilities of a side.
const (
	SideEveryone SideVisibility = "EVERYONE" // all users of the group
	SideMembers  SideVisibility = "MEMBERS"  // its admins, and those whom they have added
)

// readVisibility reads a field of an input.
func readVisibility(name string, value any, to **SideVisibility) error {
	text, _ := value.(string)
	visibility := SideVisibility(text)
	if visibility != SideEveryone && visibility != SideMembers {
		return BadInput("%s is EVERYONE or MEMBERS.", name)
	}
	*to = &visibility
	return nil
}

// MaxSideMembers is how many users a side lists at most.
const MaxSideMembers = 1000

// SideMember is a user whom admins have added to their group's side of a channel.
type SideMember struct {
	User     ids.User
	Name     string
	Position int64 // by when it was added: of two the later has the greater
}

// MemberMove is a change of who is listed on a side.
type MemberMove struct {
	Added   *SideMember `json:"added,omitempty"`
	Removed ids.User    `json:"removed,omitzero"`
}

// MembersEffect is what shards need to know of who of a group sees a channel.
type MembersEffect struct {
	Only bool `json:"only,omitempty"` // the channel is for members alone
	MemberMove
	Home bool `json:"home,omitempty"` // of a step to a channel: the group's list is where the channel is, and changes too
}

// AddChannelMemberInput is the input of Mutation.addChannelMember.
type AddChannelMemberInput struct {
	ChannelID      ids.Channel
	UserID         ids.User
	IdempotencyKey *string
}

// RemoveChannelMemberInput is the input of Mutation.removeChannelMember.
type RemoveChannelMemberInput AddChannelMemberInput

type (
	// AddChannelMemberPayload is the answer of Mutation.addChannelMember.
	AddChannelMemberPayload LeaveSharedChannelPayload
	// RemoveChannelMemberPayload is the answer of Mutation.removeChannelMember.
	RemoveChannelMemberPayload LeaveSharedChannelPayload
	// UserConnection is a page of users.
	UserConnection = Page[User]
	// UserEdge is an entry of such a page.
	UserEdge = Edge[User]
)

// AddChannelMember adds a user to those to whom the viewer's group shows a channel where that is for members alone, for admins. It answers when
// the channel's cluster and the group's have it. Adding who is added is success.
func (s *Service) AddChannelMember(ctx context.Context, v *Viewer, in AddChannelMemberInput) (*AddChannelMemberPayload, error) {
	channel, refusals, err := s.changeMember(ctx, v, "addChannelMember", in, false)
	return &AddChannelMemberPayload{SharedChannel: channel, Errors: refusals}, err
}

// RemoveChannelMember takes a user away from them: where the channel is for members alone the user sees nothing of it once this returns. It works as
// long as the group can read the channel, and looks for the user nowhere else than in the list. Removing who is not added is success.
func (s *Service) RemoveChannelMember(ctx context.Context, v *Viewer, in RemoveChannelMemberInput) (*RemoveChannelMemberPayload, error) {
	channel, refusals, err := s.changeMember(ctx, v, "removeChannelMember", AddChannelMemberInput(in), true)
	return &RemoveChannelMemberPayload{SharedChannel: channel, Errors: refusals}, err
}

func (s *Service) changeMember(
	ctx context.Context, v *Viewer, mutation string, in AddChannelMemberInput, remove bool,
) (*SharedChannel, []UserError, error) {
	var user *User
	if !remove {
		var err error
		if user, err = s.ownUser(ctx, v, in.ChannelID, in.UserID); err != nil {
			return nil, nil, err
		}
	}
	return s.changeLinks(ctx, v, mutation, in.ChannelID, in.IdempotencyKey, []any{in.UserID}, nil,
		func(ctx context.Context, tx MainTx, op ids.Op, l *Links) ([]Step, error) {
			if err := judgeMembers(v, l, remove); err != nil {
				return nil, err
			}
			listed, err := tx.ListedMembers(ctx, in.ChannelID, v.Group.ID, in.UserID)
			switch {
			case err != nil:
				return nil, err
			case in.UserID.Group != v.Group.ID || !remove && !listed.Has && user == nil:
				return nil, noSuchMember()
			case listed.Has != remove:
				return nil, errAgain
			case !remove && listed.Count >= MaxSideMembers:
				return nil, invalidInput(fmt.Sprintf("A side of a channel lists at most %d users.", MaxSideMembers), "userId")
			}
			m := l.move(op, DeedRemoveMember, RuleRole, v.User, nil)
			move := MemberMove{Removed: in.UserID}
			if !remove {
				m.Deed, move = DeedAddMember, MemberMove{Added: &SideMember{in.UserID, user.Name, l.At.UnixMicro()}}
			}
			about := in.UserID.String() // the audit tells who it was
			m.Reason, m.Links = &about, []*Link{l.Of[v.Group.ID]}
			return aboutMembers(m, v.Group, StepChangeMembers, move), tx.WriteMember(ctx, m, move)
		})
}

// ListedMembers is whether a user is listed on a side, and how many are.
type ListedMembers struct {
	Has   bool
	Count int
}

// ownUser returns a user of the viewer's group that is known; nil: there is none. It looks in the channel first, then in all others: a cluster that
// is out of reach matters to who is found nowhere else alone.
func (s *Service) ownUser(ctx context.Context, v *Viewer, channel ids.Channel, id ids.User) (*User, error) {
	switch {
	case v.Operator || v.Role != RoleAdmin || id.Group != v.Group.ID:
		return nil, nil
	case id == v.User.ID:
		return &v.User, nil
	}
	found, err := s.Conversation.Participants(ctx, v.reader(), channel, []ids.User{id})
	if user, ok := found[id]; ok && err == nil {
		return &user, nil
	}
	found, err = s.Shards.Users(ctx, v.reader(), []ids.User{id})
	if user, ok := found[id]; ok {
		return &user, nil
	}
	return nil, err
}

// judgeMembers says why a viewer may not change who is listed on its group's side, in the order of [judgeSide].
func judgeMembers(v *Viewer, l *Links, remove bool) error {
	state := l.stateFor(v)
	switch {
	case v.Operator || state == "":
		return channelNotFound()
	case v.Role != RoleAdmin:
		return notAllowed("Only admins of a group say to whom of it a channel is shown.", "input", "channelId")
	case state != ChannelActive && state != ChannelPending && !remove:
		return sideStands(state)
	}
	return nil
}

// noSuchMember is the answer for whoever is no user of the own group, or is to be added and is not known.
func noSuchMember() error {
	return invalidInput("Your group has no user of that id who is known: who has written, read or decided something is.", "userId")
}

// aboutMembers returns the steps by which the channel's shard and the group's list get to know who of the group sees the channel, the first by that
// kind: about the first link of the move.
func aboutMembers(m *LinkMove, group Group, kind StepKind, move MemberMove) []Step {
	link := m.Links[0]
	home := m.Channel.hears(link.Group) == toChannel(link.Channel)
	step := aboutLink(m, kind, group)
	step.Effect.Members = &MembersEffect{Only: link.MembersOnly, MemberMove: move, Home: home}
	steps := []Step{step}
	if !home {
		to := toGroup(link.Group)
		steps = append(steps, Step{
			Stream: Stream{Subject: link.Channel.Bytes(), Destination: to}, Op: m.Op, Kind: StepListMembers,
			Effect: Effect{Group: &group, Link: link, Members: &MembersEffect{Only: link.MembersOnly, MemberMove: move}},
		})
	}
	return steps
}

// SideMembers returns a page of those whom the side lists, the last added first; nil where the side is not the viewer's group's own.
func (s *Service) SideMembers(ctx context.Context, v *Viewer, side *ChannelSide, args PageArgs) (*UserConnection, error) {
	if v.Operator || side.Group.ID != v.Group.ID {
		return nil, nil
	}
	list := List{Kind: ids.ListSideMembers, Reader: v.Group.ID, Channel: side.ID.Channel}
	r, err := args.check(list)
	if err != nil {
		return nil, err
	}
	rows, err := s.Shards.ListSideMembers(ctx, v.reader(), side.ID.Channel, r)
	if err != nil {
		return nil, err
	}
	return page(rows, list, func(user User) (*User, error) {
		user.Group = v.Group
		return &user, nil
	}), nil
}
