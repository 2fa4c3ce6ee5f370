package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// linkRow is a row of the shard referential table.
type linkRow struct {
	Channel  ids.Channel       `bun:"channel_id"`
	Group    ids.Group         `bun:"group_id"`
	State    channel.LinkState `bun:"state"`
	Version  int32             `bun:"version"`
	Name     *string           `bun:"name"`
	LinkedAt *time.Time        `bun:"linked_at"`
}

func (r linkRow) link() channel.Link {
	link := channel.Link{Channel: r.Channel, Group: r.Group, State: r.State, Version: r.Version, LinkedAt: utc(r.LinkedAt)}
	if r.Name != nil {
		link.Name = *r.Name
	}
	return link
}

func (t mainTx) LinkGroup(ctx context.Context, id ids.Channel, group ids.Group, name string) (channel.Link, error) {
	var row linkRow
	err := t.tx.NewRaw(`
		WITH active AS (
			UPDATE linkspan_main.channel SET state = 'ACTIVE' WHERE channel_id = ?0 AND state = 'PENDING'
		)
		UPDATE linkspan_main.shard_referential
		SET state = 'LINKED', version = version + 1, name = ?2, name_key = ?3, linked_at = now()
		WHERE channel_id = ?0 AND group_id = ?1 AND state = 'INVITED'
		RETURNING channel_id, group_id, state, version, name, linked_at`,
		id, group, name, channel.NameKey(name)).Scan(ctx, &row)
	if violates(err, "shard_referential_live_name") {
		return channel.Link{}, shardrouter.Retry(err)
	}
	return row.link(), oneRow(err)
}

func (t mainTx) CloseChannels(ctx context.Context, channels []ids.Channel) ([]channel.Link, error) {
	var rows []struct {
		linkRow
		Role string `bun:"role"`
	}
	err := t.tx.NewRaw(`
		WITH closed AS (
			UPDATE linkspan_main.channel SET state = 'CLOSED' WHERE channel_id IN (?) AND state = 'PENDING'
			RETURNING channel_id
		)
		UPDATE linkspan_main.shard_referential AS r
		SET state = 'CLOSED', version = r.version + 1, linked_at = NULL
		FROM closed WHERE r.channel_id = closed.channel_id AND r.state IN ('INVITED', 'LINKED')
		RETURNING r.channel_id, r.group_id, r.state, r.version, r.name, r.linked_at, r.role`,
		bun.List(channels)).Scan(ctx, &rows)
	if err != nil {
		return nil, err
	}
	initiators := make(map[ids.Channel]channel.Link, len(channels))
	for _, row := range rows {
		if row.Role == "INITIATOR" {
			initiators[row.Channel] = row.link()
		}
	}
	links := make([]channel.Link, len(channels))
	for i, id := range channels {
		link, ok := initiators[id]
		if !ok {
			return nil, fmt.Errorf("store: channel %v has a pending invitation and is not pending", id.UUID())
		}
		links[i] = link
	}
	return links, nil
}
