-- Without statistics Postgres takes the newest of the indexes that fit: the primary key.

-- +goose Up

ALTER TABLE linkspan_shard.channel_user DROP CONSTRAINT channel_user_pkey,
    ADD CONSTRAINT channel_user_pkey PRIMARY KEY (slot, channel_id, group_id, user_id);

-- +goose Down

DROP INDEX linkspan_shard.channel_user_public_name;
DROP INDEX linkspan_shard.channel_user_name;
CREATE INDEX channel_user_name ON linkspan_shard.channel_user (slot, channel_id, name_key);
CREATE INDEX channel_user_public_name ON linkspan_shard.channel_user (slot, channel_id, public_name_key) WHERE public_name_key IS NOT NULL;
