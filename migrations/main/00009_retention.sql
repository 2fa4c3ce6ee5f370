-- How long a group keeps its messages in a channel.

-- +goose Up

ALTER TABLE linkspan_main.shard_referential
    ADD COLUMN retention_days integer,
    ADD CONSTRAINT shard_referential_retention_days CHECK (retention_days BETWEEN 1 AND 36500) NOT VALID;
COMMENT ON COLUMN linkspan_main.shard_referential.retention_days IS 'After how many days, of 24 hours, the group''s messages are deleted; null: never.';

-- +goose Down

ALTER TABLE linkspan_main.shard_referential DROP COLUMN retention_days;
