-- How long a group keeps its messages in a channel, and how far those that are older are deleted.

-- +goose Up

ALTER TABLE linkspan_shard.channel_side
    ADD COLUMN retention_days   integer,
    ADD COLUMN retention_due_at timestamptz,
    ADD COLUMN cleared_number   bigint,
    ADD COLUMN cleared_private  bigint,
    ADD CONSTRAINT channel_side_retention_days CHECK (retention_days BETWEEN 1 AND 36500) NOT VALID,
    ADD CONSTRAINT channel_side_retention_due CHECK ((retention_days IS NULL) = (retention_due_at IS NULL)) NOT VALID;
CREATE INDEX channel_side_retention_due_at ON linkspan_shard.channel_side (retention_due_at) WHERE retention_due_at IS NOT NULL;
COMMENT ON COLUMN linkspan_shard.channel_side.retention_days   IS 'After how many days, of 24 hours, the group''s messages are deleted; null: never.';
COMMENT ON COLUMN linkspan_shard.channel_side.retention_due_at IS 'When to look next for messages of the group that are older; null: never.';
COMMENT ON COLUMN linkspan_shard.channel_side.cleared_number   IS 'All messages of the group for everyone up to this number are deleted; null: nobody has looked yet. Changed as private_head.';
COMMENT ON COLUMN linkspan_shard.channel_side.cleared_private  IS 'All messages of the group for itself alone up to this number are deleted; null: nobody has looked yet. Changed as private_head.';

-- +goose Down

DROP INDEX linkspan_shard.channel_side_retention_due_at;
ALTER TABLE linkspan_shard.channel_side
    DROP CONSTRAINT channel_side_retention_due,
    DROP COLUMN cleared_private,
    DROP COLUMN cleared_number,
    DROP COLUMN retention_due_at,
    DROP COLUMN retention_days;
