-- While a table has no statistics Postgres thinks all indexes with a matching prefix equally good, and takes the newest:
-- until the first ANALYZE an invitation was looked for among all of its group. So the primary key is made last.

-- +goose Up

ALTER TABLE linkspan_shard.group_invitation
    DROP CONSTRAINT group_invitation_pkey,
    ADD CONSTRAINT group_invitation_pkey PRIMARY KEY (slot, group_id, invitation_id);

-- +goose Down

DROP INDEX linkspan_shard.group_invitation_of_channel;
CREATE INDEX group_invitation_of_channel ON linkspan_shard.group_invitation (slot, group_id, channel_id);
