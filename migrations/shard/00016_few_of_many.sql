-- Who sees few of a group's many channels finds them without a look at the rest.

-- +goose Up

CREATE INDEX group_channel_for_all ON linkspan_shard.group_channel (slot, group_id, position) WHERE NOT members_only;
CREATE INDEX listed_member_of_user ON linkspan_shard.listed_member (slot, group_id, user_id, channel_id);

-- +goose Down

DROP INDEX linkspan_shard.listed_member_of_user;
DROP INDEX linkspan_shard.group_channel_for_all;
