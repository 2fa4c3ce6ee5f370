-- What groups say about sharing, and invitations that wait for an approval.

-- +goose Up

CREATE TABLE linkspan_main.sharing_policy (
    group_id             uuid    NOT NULL PRIMARY KEY,
    version              integer NOT NULL CHECK (version > 1),
    sharing_enabled      boolean NOT NULL,
    who_may_create       text    NOT NULL CHECK (who_may_create IN ('MEMBERS', 'ADMINS')),
    who_may_accept       text    NOT NULL CHECK (who_may_accept IN ('MEMBERS', 'ADMINS')),
    outgoing_approval    boolean NOT NULL,
    incoming_approval    boolean NOT NULL,
    invitation_ttl_hours integer CHECK (invitation_ttl_hours > 0),
    links_in_notes       boolean NOT NULL
);
COMMENT ON TABLE  linkspan_main.sharing_policy                      IS 'What groups say about sharing, of those that ever said: the others have the default, as version 1.';
COMMENT ON COLUMN linkspan_main.sharing_policy.group_id             IS 'The group.';
COMMENT ON COLUMN linkspan_main.sharing_policy.version              IS 'Grows by one with each change.';
COMMENT ON COLUMN linkspan_main.sharing_policy.sharing_enabled      IS 'Whether the group shares new channels at all; what is linked stays so.';
COMMENT ON COLUMN linkspan_main.sharing_policy.who_may_create       IS 'Who asks other groups.';
COMMENT ON COLUMN linkspan_main.sharing_policy.who_may_accept       IS 'Who says yes to other groups.';
COMMENT ON COLUMN linkspan_main.sharing_policy.outgoing_approval    IS 'Whether an admin has to agree with what a member asks, unless the group trusts the other.';
COMMENT ON COLUMN linkspan_main.sharing_policy.incoming_approval    IS 'Whether an admin has to agree with a member''s yes, unless the group trusts the other.';
COMMENT ON COLUMN linkspan_main.sharing_policy.invitation_ttl_hours IS 'How long what the group asks can be answered; null: as long as the installation says.';
COMMENT ON COLUMN linkspan_main.sharing_policy.links_in_notes       IS 'Whether notes of invitations to the group may have links.';

CREATE TABLE linkspan_main.stance (
    group_id       uuid    NOT NULL,
    other_group_id uuid    NOT NULL,
    version        integer NOT NULL CHECK (version > 0),
    trusted        boolean NOT NULL,
    blocked        boolean NOT NULL,
    PRIMARY KEY (group_id, other_group_id),
    CHECK (group_id <> other_group_id AND NOT (trusted AND blocked))
);
COMMENT ON TABLE  linkspan_main.stance                IS 'What groups think of each other, where they ever said.';
COMMENT ON COLUMN linkspan_main.stance.group_id       IS 'The group that thinks so.';
COMMENT ON COLUMN linkspan_main.stance.other_group_id IS 'The group that it is about.';
COMMENT ON COLUMN linkspan_main.stance.version        IS 'Grows by one with each change.';
COMMENT ON COLUMN linkspan_main.stance.trusted        IS 'Whether the group asks for no approval of its own towards the other.';
COMMENT ON COLUMN linkspan_main.stance.blocked        IS 'Whether the group wants to see nothing of what the other asks.';

ALTER TABLE linkspan_main.transition ALTER COLUMN channel_id DROP NOT NULL,
    ADD COLUMN about_group_id uuid;
COMMENT ON COLUMN linkspan_main.transition.channel_id     IS 'The channel that it is about; null: it is about what a group says about sharing.';
COMMENT ON COLUMN linkspan_main.transition.about_group_id IS 'The other group that it is about, where it is about no channel.';

ALTER TABLE linkspan_main.invitation
    ADD COLUMN unsent        boolean NOT NULL DEFAULT false,
    ADD COLUMN approved_from boolean NOT NULL DEFAULT false,
    ADD COLUMN approved_to   boolean NOT NULL DEFAULT false,
    ADD COLUMN awaits_from   boolean NOT NULL DEFAULT false,
    ADD COLUMN awaits_to     boolean NOT NULL DEFAULT false,
    ADD COLUMN asked_name    text;
COMMENT ON COLUMN linkspan_main.invitation.unsent        IS 'Whether the invited group may not know of it: an admin of the other has not agreed.';
COMMENT ON COLUMN linkspan_main.invitation.approved_from IS 'Whether an admin of from_group agreed.';
COMMENT ON COLUMN linkspan_main.invitation.approved_to   IS 'Whether an admin of to_group agreed.';
COMMENT ON COLUMN linkspan_main.invitation.awaits_from   IS 'Whether it waits for an admin of from_group, or did when it ended.';
COMMENT ON COLUMN linkspan_main.invitation.awaits_to     IS 'Whether it waits for an admin of to_group, or did when it ended.';
COMMENT ON COLUMN linkspan_main.invitation.asked_name    IS 'What who said yes wants to call the channel; null: as it was proposed.';

-- +goose Down

ALTER TABLE linkspan_main.invitation
    DROP COLUMN asked_name, DROP COLUMN awaits_to, DROP COLUMN awaits_from, DROP COLUMN approved_to, DROP COLUMN approved_from, DROP COLUMN unsent;
DELETE FROM linkspan_main.transition WHERE channel_id IS NULL;
ALTER TABLE linkspan_main.transition DROP COLUMN about_group_id, ALTER COLUMN channel_id SET NOT NULL;
DROP TABLE linkspan_main.stance;
DROP TABLE linkspan_main.sharing_policy;
