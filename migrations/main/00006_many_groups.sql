-- Channels of many groups: who else may ask others, groups that part and come back, and the initiator's role, which is handed on.

-- +goose Up

ALTER TABLE linkspan_main.channel ADD COLUMN offered_group_id uuid;
COMMENT ON COLUMN linkspan_main.channel.initiator_group_id IS 'The group that has the initiator''s role: the one that made the channel, which sent its first invitation, until it hands that on.';
COMMENT ON COLUMN linkspan_main.channel.offered_group_id   IS 'The group that the initiator''s role is offered to; null: none.';

ALTER TABLE linkspan_main.shard_referential ADD COLUMN may_invite boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN linkspan_main.shard_referential.role          IS 'Whether the group has the initiator''s role.';
COMMENT ON COLUMN linkspan_main.shard_referential.invitation_id IS 'The last invitation to the group; of the one that made the channel, until it is asked back, the first that it sent.';
COMMENT ON COLUMN linkspan_main.shard_referential.may_invite    IS 'Whether the initiator lets the group ask others to share the channel; the initiator itself needs no leave.';
COMMENT ON VIEW linkspan_main.shared_channel IS 'The triple of the patent (US 2019/0026298 A1): which two groups share which channel, while the initiator takes part.';

ALTER TABLE linkspan_main.invitation ADD COLUMN previous_id uuid;
COMMENT ON COLUMN linkspan_main.invitation.previous_id IS 'The last invitation of the same group to the channel before this one; null: there was none.';

CREATE UNIQUE INDEX invitation_open ON linkspan_main.invitation (channel_id, to_group_id)
    WHERE state IN ('REQUESTED', 'PENDING', 'AWAITING_APPROVAL');

-- +goose Down

DROP INDEX linkspan_main.invitation_open;
ALTER TABLE linkspan_main.invitation DROP COLUMN previous_id;
ALTER TABLE linkspan_main.shard_referential DROP COLUMN may_invite;
ALTER TABLE linkspan_main.channel DROP COLUMN offered_group_id;
