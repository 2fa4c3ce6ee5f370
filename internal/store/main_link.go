package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// linkColumns are those that scanLink takes, of a table r.
const linkColumns = `r.channel_id, r.group_id, r.state, r.version, COALESCE(r.name, ''), r.linked_at`

func scanLink(row pgx.CollectableRow) (link channel.Link, err error) {
	err = row.Scan(&link.Channel, &link.Group, &link.State, &link.Version, &link.Name, &link.LinkedAt)
	link.LinkedAt = utc(link.LinkedAt)
	return link, err
}

// links runs a query that returns linkColumns.
func (t mainTx) links(ctx context.Context, query string, args ...any) (found []channel.Link, err error) {
	t.tx.Queue(query, args...).Query(func(rows pgx.Rows) (err error) {
		found, err = pgx.CollectRows(rows, scanLink)
		return err
	})
	err = t.tx.Flush(ctx) // sets found
	return found, err
}

const linkGroup = `
	WITH active AS (
		UPDATE linkspan_main.channel SET state = 'ACTIVE' WHERE channel_id = $1 AND state = 'PENDING'
	)
	UPDATE linkspan_main.shard_referential AS r
	SET state = 'LINKED', version = version + 1, name = $3, name_key = $4, linked_at = now()
	WHERE channel_id = $1 AND group_id = $2 AND state = 'INVITED'
	RETURNING ` + linkColumns

func (t mainTx) LinkGroup(ctx context.Context, id ids.Channel, group ids.Group, name string) (channel.Link, error) {
	found, err := t.links(ctx, linkGroup, id, group, name, channel.NameKey(name))
	switch {
	case violates(err, "shard_referential_live_name"):
		return channel.Link{}, shardrouter.Retry(channel.Unavailable(err))
	case err != nil:
		return channel.Link{}, err
	case len(found) == 0:
		return channel.Link{}, channel.ErrNotFound
	}
	return found[0], nil
}

func (t mainTx) CloseChannels(ctx context.Context, channels []ids.Channel) ([]channel.Link, error) {
	found, err := t.links(ctx, `
		WITH closed AS (
			UPDATE linkspan_main.channel SET state = 'CLOSED' WHERE channel_id = ANY ($1) AND state = 'PENDING'
			RETURNING channel_id
		), links AS (
			UPDATE linkspan_main.shard_referential AS r
			SET state = 'CLOSED', version = r.version + 1, linked_at = NULL
			FROM closed WHERE r.channel_id = closed.channel_id AND r.state IN ('INVITED', 'LINKED')
			RETURNING r.*
		)
		SELECT `+linkColumns+` FROM links AS r WHERE r.role = 'INITIATOR'`, uuids(channels))
	if err != nil {
		return nil, err
	}
	initiators := make(map[ids.Channel]channel.Link, len(found))
	for _, link := range found {
		initiators[link.Channel] = link
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
