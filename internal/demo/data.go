// Package demo has what a newcomer meets first: three groups with users, a linked channel with a conversation, a
// pending invitation, and the tour.
package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// User is a user of the demo data.
type User struct {
	Sub, Name, Group string
	Admin            bool
}

// Users are those of the demo data; contract, "Demo data".
var Users = []User{
	{"ana", "Ana", "acme", true},
	{"ben", "Ben", "acme", false},
	{"gil", "Gil", "globex", true},
	{"hua", "Hua", "globex", false},
	{"ivy", "Ivy", "initech", true},
}

var groups = []struct{ handle, name string }{
	{"acme", "Acme"},
	{"globex", "Globex"},
	{"initech", "Initech"},
}

// Seed makes the demo data, or what is missing of it. Where there are clusters enough, each group lives on another one.
func Seed(ctx context.Context, service *channel.Service) error {
	operator := &channel.Viewer{Operator: true, User: channel.User{ID: ids.UserOf(ids.Group{}, "demo")}}
	viewers := make(map[string]*channel.Viewer)
	taken := make(map[string]bool)
	for _, g := range groups {
		group, err := ensureGroup(ctx, service, operator, g.handle, g.name, taken)
		if err != nil {
			return err
		}
		taken[clusterOf(service, group.ID)] = true
		for _, user := range Users {
			if user.Group == g.handle {
				viewers[user.Sub] = &channel.Viewer{
					Group: group, Role: roleOf(user),
					User: channel.User{ID: ids.UserOf(group.ID, user.Sub), Name: user.Name, Group: group},
				}
			}
		}
	}
	received, err := service.ReceivedInvitations(ctx, viewers["ana"], channel.PageArgs{}, nil)
	if err != nil {
		return err
	}
	linked := len(received.Edges) > 0 // the last step is done: all are
	if !linked {
		if err := link(ctx, service, viewers); err != nil {
			return err
		}
	}
	if err := converse(ctx, service, viewers); err != nil || linked {
		return err
	}
	_, err = create(ctx, service, viewers["ivy"], "acme", "security-review", "", "Our auditors would like to join in.")
	return err
}

func roleOf(user User) channel.Role {
	if user.Admin {
		return channel.RoleAdmin
	}
	return channel.RoleMember
}

// link makes the channel that acme and globex share.
func link(ctx context.Context, service *channel.Service, viewers map[string]*channel.Viewer) error {
	invitation, err := create(ctx, service, viewers["ana"], "globex", "launch", "Everything about the launch", "Shall we plan the launch together?")
	if err != nil {
		return err
	}
	name, key := "acme-launch", "demo-accept"
	accepted, err := service.AcceptSharedChannel(ctx, viewers["gil"], channel.AcceptSharedChannelInput{
		InvitationID: invitation, Name: &name, IdempotencyKey: &key,
	})
	if err != nil {
		return err
	}
	return happened(accepted.Errors)
}

func ensureGroup(
	ctx context.Context, service *channel.Service, operator *channel.Viewer, handle, name string, taken map[string]bool,
) (channel.Group, error) {
	if group, err := service.Group(ctx, handle); err != nil || group != nil {
		if err != nil {
			return channel.Group{}, err
		}
		return *group, nil
	}
	id := drawGroup(service, taken)
	registered, err := service.RegisterGroupAs(ctx, operator, id, channel.RegisterGroupInput{Handle: handle, Name: name})
	if err != nil {
		return channel.Group{}, err
	}
	if err := happened(registered.Errors); err != nil {
		return channel.Group{}, err
	}
	return *registered.Group, nil
}

// drawGroup makes the id of a group that lives on none of the taken clusters. Where that takes too long, as with fewer
// clusters than groups, it lives anywhere.
func drawGroup(service *channel.Service, taken map[string]bool) ids.Group {
	const patience = 100
	for range patience {
		if id := ids.NewGroup(); !taken[clusterOf(service, id)] {
			return id
		}
	}
	return ids.NewGroup()
}

// clusterOf is where a group lives: with the channels that it makes.
func clusterOf(service *channel.Service, group ids.Group) string {
	return service.Shards.ClusterOf(ids.NewChannel(time.Now(), service.Shards.SlotOf(group)))
}

func create(ctx context.Context, service *channel.Service, v *channel.Viewer, target, name, topic, note string) (ids.Invitation, error) {
	key := "demo-" + name
	created, err := service.CreateSharedChannel(ctx, v, channel.CreateSharedChannelInput{
		Target: channel.GroupSelector{Handle: &target}, Name: name, Topic: &topic, Note: &note, IdempotencyKey: &key,
	})
	if err != nil {
		return ids.Invitation{}, err
	}
	if err := happened(created.Errors); err != nil {
		return ids.Invitation{}, err
	}
	return created.Invitation.ID, nil
}

// happened turns refusals into an error.
func happened(refusals []channel.UserError) error {
	var all []error
	for _, refusal := range refusals {
		all = append(all, fmt.Errorf("demo data: %w", refusal))
	}
	return errors.Join(all...)
}
