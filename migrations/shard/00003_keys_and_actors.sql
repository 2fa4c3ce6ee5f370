-- +goose Up

-- While a table has no statistics Postgres thinks all indexes with a matching prefix equally good, and takes the newest:
-- until the first ANALYZE an invitation was looked for among all of its group. So the primary key is made last.
ALTER TABLE linkspan_shard.group_invitation
    DROP CONSTRAINT group_invitation_pkey,
    ADD CONSTRAINT group_invitation_pkey PRIMARY KEY (slot, group_id, invitation_id);

ALTER TABLE linkspan_shard.inbox_event
    ADD COLUMN invitation_version integer NOT NULL DEFAULT 0,
    ADD COLUMN actor_group_id uuid,
    ADD COLUMN actor_id uuid;
COMMENT ON COLUMN linkspan_shard.inbox_event.invitation_version IS 'The version of the invitation then; 0 in events from before it was kept.';
COMMENT ON COLUMN linkspan_shard.inbox_event.actor_group_id     IS 'The group of the user who did it.';
COMMENT ON COLUMN linkspan_shard.inbox_event.actor_id           IS 'The user who did it; null: nobody (expiry).';

ALTER TABLE linkspan_shard.channel_event
    ADD COLUMN side_version integer NOT NULL DEFAULT 1;
COMMENT ON COLUMN linkspan_shard.channel_event.side_version IS 'The version of the side that the event is about, then.';

-- +goose Down

ALTER TABLE linkspan_shard.channel_event DROP COLUMN side_version;
ALTER TABLE linkspan_shard.inbox_event DROP COLUMN invitation_version, DROP COLUMN actor_group_id, DROP COLUMN actor_id;
DROP INDEX linkspan_shard.group_invitation_of_channel;
CREATE INDEX group_invitation_of_channel ON linkspan_shard.group_invitation (slot, group_id, channel_id);
