package resolvers

import (
	"context"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

func (q query) Node(ctx context.Context, id ids.ID) (channel.Node, error) {
	found, err := q.service.Nodes(ctx, channel.ViewerFrom(ctx), []ids.ID{id})
	if err != nil {
		return nil, err
	}
	return found[0].Node, found[0].Err
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
