-- What a group says about its own side of a channel, beside its name.

-- +goose Up

ALTER TABLE linkspan_shard.channel_side
    ADD COLUMN topic            text,
    ADD COLUMN muted_by_default boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN linkspan_shard.channel_side.topic            IS 'What the channel is about for this group alone; null: what it is about for all.';
COMMENT ON COLUMN linkspan_shard.channel_side.muted_by_default IS 'Whether the clients of the group''s users are silent about the channel until a user says otherwise.';
COMMENT ON COLUMN linkspan_shard.channel_side.frozen_topic     IS 'The topic that the group saw when its part ended; null while it takes part.';

-- +goose Down

COMMENT ON COLUMN linkspan_shard.channel_side.frozen_topic     IS 'The channel''s topic when the group''s part ended; null while it takes part.';
ALTER TABLE linkspan_shard.channel_side DROP COLUMN muted_by_default, DROP COLUMN topic;
