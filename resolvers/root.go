// Package resolvers is the way from GraphQL to the domain: arguments in, value out, a file a noun. It has no rules and
// no SQL. The server has made sure that somebody is signed in before any of its methods runs.
package resolvers

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"linkspan/graph"
	"linkspan/internal/channel"
)

// Root hands the generated executor its resolvers. It is safe for concurrent use.
type Root struct{ service *channel.Service }

var _ graph.ResolverRoot = (*Root)(nil)

// New returns the resolvers over the domain.
func New(service *channel.Service) *Root { return &Root{service} }

// Query resolves the root fields of queries.
func (r *Root) Query() graph.QueryResolver { return query{r.service} }

// Mutation resolves the root fields of mutations.
func (r *Root) Mutation() graph.MutationResolver { return mutation{r.service} }

// Subscription resolves the root fields of subscriptions.
func (r *Root) Subscription() graph.SubscriptionResolver { return subscription{r.service} }

// Viewer resolves what a viewer has beside its own fields.
func (r *Root) Viewer() graph.ViewerResolver { return viewer{r.service} }

// SharedChannel resolves what a channel has beside its own fields.
func (r *Root) SharedChannel() graph.SharedChannelResolver { return sharedChannel{r.service} }

// SharedChannelConnection resolves the nodes of a page of channels.
func (r *Root) SharedChannelConnection() graph.SharedChannelConnectionResolver {
	return sharedChannelConnection{}
}

// ChannelSide resolves what a side has beside its own fields.
func (r *Root) ChannelSide() graph.ChannelSideResolver { return channelSide{r.service} }

// UserConnection resolves the nodes of a page of users.
func (r *Root) UserConnection() graph.UserConnectionResolver { return userConnection{} }

// Invitation resolves what an invitation has beside its own fields.
func (r *Root) Invitation() graph.InvitationResolver { return invitation{r.service} }

// InvitationConnection resolves the nodes of a page of invitations.
func (r *Root) InvitationConnection() graph.InvitationConnectionResolver {
	return invitationConnection{}
}

// Message resolves what a message has beside its own fields.
func (r *Root) Message() graph.MessageResolver { return message{r.service} }

// MessageConnection resolves the nodes of a page of messages.
func (r *Root) MessageConnection() graph.MessageConnectionResolver { return messageConnection{} }

type (
	query        struct{ service *channel.Service }
	mutation     struct{ service *channel.Service }
	subscription struct{ service *channel.Service }
)

// invitationArgs are the paging arguments of the list of invitations that is being resolved.
func invitationArgs(ctx context.Context, first *int32, after *string, last *int32, before *string) channel.PageArgs {
	return channel.PageArgs{
		First: first, After: after, Last: last, Before: before,
		Total: slices.Contains(graphql.CollectAllFields(ctx), "totalCount"),
	}
}

// nodesOf returns the nodes of a page. One that could not be read is null with its error at its place.
func nodesOf[T any](ctx context.Context, p *channel.Page[T]) []*T {
	nodes := make([]*T, len(p.Edges))
	for i, edge := range p.Edges {
		nodes[i] = edge.Value
		addErrorAt(ctx, i, edge.Err)
	}
	return nodes
}

// addErrorAt adds the error of one element of the list that is being resolved, if there is one.
func addErrorAt(ctx context.Context, index int, err error) {
	if err != nil {
		path := append(graphql.GetPath(ctx), ast.PathIndex(index))
		graphql.AddError(ctx, gqlerror.WrapPath(path, err))
	}
}
