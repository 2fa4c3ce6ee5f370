-- Channels of many groups: who else may ask others, groups that part and come back, and the initiator's role, which is handed on.

-- +goose Up

ALTER TABLE linkspan_main.channel
    ADD COLUMN home_group_id    uuid,
    ADD COLUMN offered_group_id uuid;
COMMENT ON COLUMN linkspan_main.channel.home_group_id    IS 'The group that made the channel, on whose slot it is for good; null: the initiator is, and always was.';
COMMENT ON COLUMN linkspan_main.channel.offered_group_id IS 'The group that the initiator''s role is offered to; null: none.';

ALTER TABLE linkspan_main.shard_referential ADD COLUMN may_invite boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN linkspan_main.shard_referential.may_invite IS 'Whether the initiator lets the group ask others to share the channel; the initiator itself needs no leave.';

ALTER TABLE linkspan_main.invitation ADD COLUMN previous_id uuid;
COMMENT ON COLUMN linkspan_main.invitation.previous_id IS 'The last invitation of the same group to the channel before this one; null: there was none.';

CREATE UNIQUE INDEX invitation_open ON linkspan_main.invitation (channel_id, to_group_id)
    WHERE state IN ('REQUESTED', 'PENDING', 'AWAITING_APPROVAL');

-- +goose Down

DROP INDEX linkspan_main.invitation_open;
ALTER TABLE linkspan_main.invitation DROP COLUMN previous_id;
ALTER TABLE linkspan_main.shard_referential DROP COLUMN may_invite;
ALTER TABLE linkspan_main.channel DROP COLUMN offered_group_id, DROP COLUMN home_group_id;
