-- What a group says about its own side of a channel, beside its name; and the channel's topic, which main did not keep before.

-- +goose Up

ALTER TABLE linkspan_main.channel ADD COLUMN topic text;
COMMENT ON COLUMN linkspan_main.channel.topic IS 'What it is about, as the initiator said; empty: nothing is said; null: it was made before this was kept, and its shard alone knows.';

ALTER TABLE linkspan_main.shard_referential
    ADD COLUMN name_visible     boolean NOT NULL DEFAULT true,
    ADD COLUMN topic            text,
    ADD COLUMN muted_by_default boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN linkspan_main.shard_referential.name_visible     IS 'Whether other groups see the name.';
COMMENT ON COLUMN linkspan_main.shard_referential.topic            IS 'What the channel is about for this group alone; null: what it is about for all.';
COMMENT ON COLUMN linkspan_main.shard_referential.muted_by_default IS 'Whether the clients of the group''s users are silent about the channel until a user says otherwise.';

-- +goose Down

ALTER TABLE linkspan_main.shard_referential DROP COLUMN muted_by_default, DROP COLUMN topic, DROP COLUMN name_visible;
ALTER TABLE linkspan_main.channel DROP COLUMN topic;
