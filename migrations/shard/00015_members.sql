-- A group may show a channel to its admins and those whom they list alone.

-- +goose Up

ALTER TABLE linkspan_shard.channel_side ADD COLUMN members_only boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN linkspan_shard.channel_side.members_only IS 'Whether the channel is for admins of the group and those whom they list alone.';

CREATE TABLE linkspan_shard.side_member (
    slot       smallint NOT NULL,
    channel_id uuid     NOT NULL,
    group_id   uuid     NOT NULL,
    user_id    uuid     NOT NULL,
    name       text     NOT NULL,
    position   bigint   NOT NULL,
    PRIMARY KEY (slot, channel_id, group_id, user_id)
);
COMMENT ON TABLE  linkspan_shard.side_member            IS 'Copies of whom the admins of a group have listed on its side of a channel: by them statements about the channel judge who sees it.';
COMMENT ON COLUMN linkspan_shard.side_member.slot       IS 'The slot of the channel.';
COMMENT ON COLUMN linkspan_shard.side_member.channel_id IS 'The channel.';
COMMENT ON COLUMN linkspan_shard.side_member.group_id   IS 'The group whose side it is, and whose user.';
COMMENT ON COLUMN linkspan_shard.side_member.user_id    IS 'The user.';
COMMENT ON COLUMN linkspan_shard.side_member.name       IS 'What the user was called then.';
COMMENT ON COLUMN linkspan_shard.side_member.position   IS 'The order of the list.';

ALTER TABLE linkspan_shard.group_channel ADD COLUMN members_only boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN linkspan_shard.group_channel.members_only IS 'Whether the channel is for admins of the group and those whom they list alone.';

CREATE TABLE linkspan_shard.listed_member (
    slot       smallint NOT NULL,
    group_id   uuid     NOT NULL,
    channel_id uuid     NOT NULL,
    user_id    uuid     NOT NULL,
    PRIMARY KEY (slot, group_id, channel_id, user_id)
);
COMMENT ON TABLE  linkspan_shard.listed_member            IS 'The same where the group has its list of channels: by them that is read. Apart, for steps about the list and about the channel have no order.';
COMMENT ON COLUMN linkspan_shard.listed_member.slot       IS 'The slot of the group.';
COMMENT ON COLUMN linkspan_shard.listed_member.group_id   IS 'The group.';
COMMENT ON COLUMN linkspan_shard.listed_member.channel_id IS 'The channel.';
COMMENT ON COLUMN linkspan_shard.listed_member.user_id    IS 'The user.';

ALTER TABLE linkspan_shard.private_event
    ALTER COLUMN message_number DROP NOT NULL,
    DROP CONSTRAINT private_event_kind_check,
    ADD CONSTRAINT private_event_kind_check CHECK (
        kind IN ('MESSAGE_POSTED', 'MESSAGE_EDITED', 'MESSAGE_DELETED', 'REACTION_ADDED', 'REACTION_REMOVED') AND message_number IS NOT NULL
        OR kind = 'MEMBERS_CHANGED' AND message_number IS NULL) NOT VALID;
COMMENT ON TABLE  linkspan_shard.private_event                IS 'The events of the sides'' private logs: what concerns messages to one''s own group, and who of it sees the channel. No bodies.';
COMMENT ON COLUMN linkspan_shard.private_event.message_number IS 'The message that it happened to: its number among those of the group; null: it is about who sees the channel.';

-- +goose Down

UPDATE linkspan_shard.private_event SET kind = 'MESSAGE_EDITED', message_number = 0 WHERE kind = 'MEMBERS_CHANGED';
ALTER TABLE linkspan_shard.private_event
    DROP CONSTRAINT private_event_kind_check,
    ADD CONSTRAINT private_event_kind_check CHECK (kind IN ('MESSAGE_POSTED', 'MESSAGE_EDITED', 'MESSAGE_DELETED', 'REACTION_ADDED', 'REACTION_REMOVED')),
    ALTER COLUMN message_number SET NOT NULL;
COMMENT ON TABLE  linkspan_shard.private_event                IS 'The events of the sides'' private logs: what concerns messages to one''s own group. No bodies.';
COMMENT ON COLUMN linkspan_shard.private_event.message_number IS 'The message that it happened to: its number among those of the group.';
DROP TABLE linkspan_shard.listed_member;
ALTER TABLE linkspan_shard.group_channel DROP COLUMN members_only;
DROP TABLE linkspan_shard.side_member;
ALTER TABLE linkspan_shard.channel_side DROP COLUMN members_only;
