-- Who sees few of a group's many channels finds them without a look at the rest. Without statistics Postgres takes the newest of the indexes that fit: the
-- primary keys.

-- +goose Up

CREATE INDEX group_channel_for_all ON linkspan_shard.group_channel (slot, group_id, position) WHERE NOT members_only;
CREATE INDEX listed_member_of_user ON linkspan_shard.listed_member (slot, group_id, user_id, channel_id);
ALTER TABLE linkspan_shard.group_channel DROP CONSTRAINT group_channel_pkey,
    ADD CONSTRAINT group_channel_pkey PRIMARY KEY (slot, group_id, channel_id);
ALTER TABLE linkspan_shard.listed_member DROP CONSTRAINT listed_member_pkey,
    ADD CONSTRAINT listed_member_pkey PRIMARY KEY (slot, group_id, channel_id, user_id);

-- +goose Down

DROP INDEX linkspan_shard.listed_member_of_user;
DROP INDEX linkspan_shard.group_channel_for_all;
DROP INDEX linkspan_shard.group_channel_page;
CREATE UNIQUE INDEX group_channel_page ON linkspan_shard.group_channel (slot, group_id, position);
