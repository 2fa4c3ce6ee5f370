-- Copies of invitations say whose approval is awaited and what became of them, and groups have their policy where they read.

-- +goose Up

ALTER TABLE linkspan_shard.group_invitation
    ADD COLUMN awaits_from boolean NOT NULL DEFAULT false,
    ADD COLUMN awaits_to   boolean NOT NULL DEFAULT false,
    ADD COLUMN past        jsonb;
COMMENT ON COLUMN linkspan_shard.group_invitation.awaits_from IS 'Whether it waits for an admin of from_group, or did when it ended.';
COMMENT ON COLUMN linkspan_shard.group_invitation.awaits_to   IS 'Whether it waits for an admin of to_group, or did when it ended.';
COMMENT ON COLUMN linkspan_shard.group_invitation.past        IS 'What was decided, the oldest first, as far as the group may know; null: from before there was history.';

CREATE TABLE linkspan_shard.group_policy (
    slot            smallint NOT NULL,
    group_id        uuid     NOT NULL,
    version         integer  NOT NULL,
    sharing_enabled boolean  NOT NULL,
    who_may_accept  text     NOT NULL,
    PRIMARY KEY (slot, group_id)
);
COMMENT ON TABLE  linkspan_shard.group_policy                 IS 'Copies of groups'' sharing policies, of those that set one, as far as it says what their users may do with an invitation.';
COMMENT ON COLUMN linkspan_shard.group_policy.slot            IS 'The slot of the group.';
COMMENT ON COLUMN linkspan_shard.group_policy.group_id        IS 'The group.';
COMMENT ON COLUMN linkspan_shard.group_policy.version         IS 'The version of the policy.';
COMMENT ON COLUMN linkspan_shard.group_policy.sharing_enabled IS 'Whether the group shares new channels at all.';
COMMENT ON COLUMN linkspan_shard.group_policy.who_may_accept  IS 'Who says yes to other groups.';

-- +goose Down

DROP TABLE linkspan_shard.group_policy;
ALTER TABLE linkspan_shard.group_invitation DROP COLUMN past, DROP COLUMN awaits_to, DROP COLUMN awaits_from;
