-- Groups know where they read whom they block, and their logs say since when.

-- +goose Up

CREATE TABLE linkspan_shard.group_block (
    slot           smallint NOT NULL,
    group_id       uuid     NOT NULL,
    other_group_id uuid     NOT NULL,
    version        integer  NOT NULL,
    blocked        boolean  NOT NULL,
    PRIMARY KEY (slot, group_id, other_group_id)
);
COMMENT ON TABLE  linkspan_shard.group_block                IS 'Copies of whom groups block, or did: invitations that are not accepted are hidden by it where they are read.';
COMMENT ON COLUMN linkspan_shard.group_block.slot           IS 'The slot of the group.';
COMMENT ON COLUMN linkspan_shard.group_block.group_id       IS 'The group.';
COMMENT ON COLUMN linkspan_shard.group_block.other_group_id IS 'The group that it blocks, or did.';
COMMENT ON COLUMN linkspan_shard.group_block.version        IS 'The version of what the group thinks of the other that this is a copy of.';
COMMENT ON COLUMN linkspan_shard.group_block.blocked        IS 'Whether it blocks the other.';

ALTER TABLE linkspan_shard.inbox_event
    ALTER COLUMN invitation_id DROP NOT NULL,
    ALTER COLUMN channel_id DROP NOT NULL,
    DROP CONSTRAINT inbox_event_kind_check,
    ADD CONSTRAINT inbox_event_kind_check CHECK (
        kind IN ('INVITATION_RECEIVED', 'INVITATION_CHANGED', 'SHARED_CHANNEL_LINKED') AND invitation_id IS NOT NULL AND channel_id IS NOT NULL
        OR kind = 'GROUP_BLOCKED' AND invitation_id IS NULL AND channel_id IS NULL) NOT VALID;
COMMENT ON COLUMN linkspan_shard.inbox_event.invitation_id  IS 'The invitation that it happened to; null: it is about a group.';
COMMENT ON COLUMN linkspan_shard.inbox_event.channel_id     IS 'The channel of that invitation.';
COMMENT ON COLUMN linkspan_shard.inbox_event.about_group_id IS 'The group that the event is about: who asked, or who is linked or blocked now.';

-- +goose Down

DELETE FROM linkspan_shard.inbox_event WHERE kind = 'GROUP_BLOCKED';
ALTER TABLE linkspan_shard.inbox_event
    DROP CONSTRAINT inbox_event_kind_check,
    ADD CONSTRAINT inbox_event_kind_check CHECK (kind IN ('INVITATION_RECEIVED', 'INVITATION_CHANGED', 'SHARED_CHANNEL_LINKED')),
    ALTER COLUMN channel_id SET NOT NULL,
    ALTER COLUMN invitation_id SET NOT NULL;
DROP TABLE linkspan_shard.group_block;
