-- Sides say whether their group may ask others, channels whom the initiator's role is offered to, and invitations which one they follow.

-- +goose Up

ALTER TABLE linkspan_shard.channel
    ADD COLUMN offered_group_id uuid,
    ADD COLUMN home_group_id    uuid,
    ADD COLUMN home_handle      text,
    ADD COLUMN home_name        text;
COMMENT ON COLUMN linkspan_shard.channel.initiator_group_id IS 'The group that has the initiator''s role: the one that made the channel, until it hands that on.';
COMMENT ON COLUMN linkspan_shard.channel_side.role         IS 'Whether the group has the initiator''s role.';
COMMENT ON COLUMN linkspan_shard.channel.offered_group_id IS 'The group that the initiator''s role is offered to; null: none.';
COMMENT ON COLUMN linkspan_shard.channel.home_group_id    IS 'The group that made the channel, of which creator_id is a user; null: the initiator is, and always was.';
COMMENT ON COLUMN linkspan_shard.channel.home_handle      IS 'The handle of that group.';
COMMENT ON COLUMN linkspan_shard.channel.home_name        IS 'The name of that group.';

ALTER TABLE linkspan_shard.channel_side ADD COLUMN may_invite boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN linkspan_shard.channel_side.may_invite IS 'Whether the initiator lets the group ask others to share the channel; the initiator itself needs no leave.';

ALTER TABLE linkspan_shard.group_invitation ADD COLUMN previous_id uuid;
COMMENT ON COLUMN linkspan_shard.group_invitation.previous_id IS 'The last invitation of the same group to the channel before this one; null: there was none.';

-- What tells of a channel as a whole, or of a side, is about a group.
ALTER TABLE linkspan_shard.channel_event
    DROP CONSTRAINT channel_event_kind_check, DROP CONSTRAINT channel_event_about, DROP CONSTRAINT channel_event_message,
    ADD CONSTRAINT channel_event_kind_check CHECK (kind IN ('GROUP_LINKED', 'GROUP_UNLINKED', 'CHANNEL_CHANGED',
        'MESSAGE_POSTED', 'MESSAGE_EDITED', 'MESSAGE_DELETED', 'REACTION_ADDED', 'REACTION_REMOVED')) NOT VALID,
    ADD CONSTRAINT channel_event_about CHECK ((kind IN ('GROUP_LINKED', 'GROUP_UNLINKED', 'CHANNEL_CHANGED')) = (about_group_id IS NOT NULL)) NOT VALID,
    ADD CONSTRAINT channel_event_message CHECK ((kind IN ('GROUP_LINKED', 'GROUP_UNLINKED', 'CHANNEL_CHANGED')) = (message_number IS NULL)) NOT VALID;

-- +goose Down

-- The log stays dense: what told of a change tells of a link again. Who made a channel whose role was handed on is not known any more.
UPDATE linkspan_shard.channel_event SET kind = 'GROUP_LINKED' WHERE kind = 'CHANNEL_CHANGED';
ALTER TABLE linkspan_shard.channel_event
    DROP CONSTRAINT channel_event_kind_check, DROP CONSTRAINT channel_event_about, DROP CONSTRAINT channel_event_message,
    ADD CONSTRAINT channel_event_kind_check CHECK (kind IN ('GROUP_LINKED', 'GROUP_UNLINKED', 'MESSAGE_POSTED', 'MESSAGE_EDITED',
        'MESSAGE_DELETED', 'REACTION_ADDED', 'REACTION_REMOVED')),
    ADD CONSTRAINT channel_event_about CHECK ((kind IN ('GROUP_LINKED', 'GROUP_UNLINKED')) = (about_group_id IS NOT NULL)),
    ADD CONSTRAINT channel_event_message CHECK ((kind IN ('GROUP_LINKED', 'GROUP_UNLINKED')) = (message_number IS NULL));

ALTER TABLE linkspan_shard.group_invitation DROP COLUMN previous_id;
ALTER TABLE linkspan_shard.channel_side DROP COLUMN may_invite;
ALTER TABLE linkspan_shard.channel
    DROP COLUMN home_name,
    DROP COLUMN home_handle,
    DROP COLUMN home_group_id,
    DROP COLUMN offered_group_id;
