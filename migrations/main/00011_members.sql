-- A group may show a channel to its admins and those whom they list alone.

-- +goose Up

ALTER TABLE linkspan_main.shard_referential ADD COLUMN members_only boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN linkspan_main.shard_referential.members_only IS 'Whether the channel is for admins of the group and those whom they list alone.';

CREATE TABLE linkspan_main.side_member (
    channel_id uuid   NOT NULL,
    group_id   uuid   NOT NULL,
    user_id    uuid   NOT NULL,
    name       text   NOT NULL,
    position   bigint NOT NULL,
    PRIMARY KEY (channel_id, group_id, user_id)
);
COMMENT ON TABLE  linkspan_main.side_member            IS 'Whom the admins of a group have listed on its side of a channel; kept also while that is for everyone of the group.';
COMMENT ON COLUMN linkspan_main.side_member.channel_id IS 'The channel.';
COMMENT ON COLUMN linkspan_main.side_member.group_id   IS 'The group whose side it is, and whose user.';
COMMENT ON COLUMN linkspan_main.side_member.user_id    IS 'The user.';
COMMENT ON COLUMN linkspan_main.side_member.name       IS 'What the user was called then.';
COMMENT ON COLUMN linkspan_main.side_member.position   IS 'When the user was listed, in microseconds since 1970: the order of the list.';

-- +goose Down

DROP TABLE linkspan_main.side_member;
ALTER TABLE linkspan_main.shard_referential DROP COLUMN members_only;
