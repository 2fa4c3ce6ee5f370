package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

func (q query) Node(ctx context.Context, id ids.ID) (channel.Node, error) {
	return q.service.Node(ctx, channel.ViewerFrom(ctx), id, along(ctx))
}

// along is what is selected of the channel that is being resolved, if it is one. Of several pages it is the first; of what is
// deferred nothing.
func along(ctx context.Context) (wanted channel.Along) {
	for _, field := range graphql.CollectFieldsCtx(ctx, []string{"Node", "SharedChannel"}) {
		switch {
		case field.IsDeferred():
		case field.Name == "unreadCount":
			wanted.Unread = true
		case field.Name == "messages" && wanted.Messages == nil:
			wanted.Messages = pageArgs(field.ArgumentMap(graphql.GetOperationContext(ctx).Variables))
		}
	}
	return wanted
}

// pageArgs are the arguments of a page before its resolver has them; nil where they are not as they should be, which is for that to tell.
func pageArgs(given map[string]any) *channel.PageArgs {
	var args channel.PageArgs
	for name, into := range map[string]**int32{"first": &args.First, "last": &args.Last} {
		if v := given[name]; v != nil {
			n, err := graphql.UnmarshalInt32(v)
			if err != nil {
				return nil
			}
			*into = &n
		}
	}
	for name, into := range map[string]**string{"after": &args.After, "before": &args.Before} {
		if v := given[name]; v != nil {
			text, ok := v.(string)
			if !ok {
				return nil
			}
			*into = &text
		}
	}
	return &args
}

func (q query) Nodes(ctx context.Context, wanted []*ids.ID) ([]channel.Node, error) {
	list := make([]ids.ID, len(wanted))
	for i, id := range wanted {
		list[i] = *id
	}
	found, err := q.service.Nodes(ctx, channel.ViewerFrom(ctx), list)
	if err != nil {
		return nil, err
	}
	nodes := make([]channel.Node, len(found))
	for i := range found {
		nodes[i] = found[i].Node
		addErrorAt(ctx, i, found[i].Err)
	}
	return nodes, nil
}
