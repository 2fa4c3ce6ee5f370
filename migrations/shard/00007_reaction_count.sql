-- How many reactions a message has, in its own row: a page need not look for those of each message.

-- +goose Up

ALTER TABLE linkspan_shard.message ADD COLUMN reaction_count integer NOT NULL DEFAULT 0 CHECK (reaction_count >= 0);
UPDATE linkspan_shard.message AS m SET reaction_count = r.n
FROM (
    SELECT slot, channel_id, owner_group_id, number, count(*) AS n FROM linkspan_shard.reaction
    GROUP BY slot, channel_id, owner_group_id, number
) AS r
WHERE m.slot = r.slot AND m.channel_id = r.channel_id AND m.owner_group_id = r.owner_group_id AND m.number = r.number;
COMMENT ON COLUMN linkspan_shard.message.reaction_count IS 'How many rows of reaction it has. Changed with these.';

-- +goose Down

ALTER TABLE linkspan_shard.message DROP COLUMN reaction_count;
