-- Each decision about a channel and who shares it is a row of its own, with who decided, when, and by which rule. Decisions about one channel
-- follow each other behind the lock of its row, and look at all its invitations.

-- +goose Up

CREATE TABLE linkspan_main.transition (
    transition_id  uuid        NOT NULL PRIMARY KEY,
    op_id          uuid        NOT NULL,
    at             timestamptz NOT NULL,
    deed           text        NOT NULL,
    rule           text        NOT NULL,
    channel_id     uuid        NOT NULL,
    invitation_id  uuid,
    version        integer     NOT NULL CHECK (version > 0),
    state          text,
    actor_group_id uuid,
    actor_id       uuid,
    actor_name     text,
    reason         text,
    CHECK ((actor_group_id IS NULL) = (actor_id IS NULL) AND (actor_id IS NULL) = (actor_name IS NULL))
);
CREATE INDEX transition_of_invitation ON linkspan_main.transition (invitation_id, version);
COMMENT ON TABLE  linkspan_main.transition                IS 'What was decided, in the deciding transaction: the history of invitations. Rows never change.';
COMMENT ON COLUMN linkspan_main.transition.transition_id  IS 'UUIDv7.';
COMMENT ON COLUMN linkspan_main.transition.op_id          IS 'The run of a mutation, or of a sweep, that decided it.';
COMMENT ON COLUMN linkspan_main.transition.at             IS 'When, by main''s clock behind the lock of the channel.';
COMMENT ON COLUMN linkspan_main.transition.deed           IS 'What was done.';
COMMENT ON COLUMN linkspan_main.transition.rule           IS 'The rule that allowed it.';
COMMENT ON COLUMN linkspan_main.transition.channel_id     IS 'The channel that it is about.';
COMMENT ON COLUMN linkspan_main.transition.invitation_id  IS 'The invitation that it moved; null: none.';
COMMENT ON COLUMN linkspan_main.transition.version        IS 'The version of what it moved, after it.';
COMMENT ON COLUMN linkspan_main.transition.state          IS 'The state of what it moved, after it.';
COMMENT ON COLUMN linkspan_main.transition.actor_group_id IS 'The group of the user who decided; null: nobody did, time ran out.';
COMMENT ON COLUMN linkspan_main.transition.actor_id       IS 'The user who decided.';
COMMENT ON COLUMN linkspan_main.transition.actor_name     IS 'The name of that user then.';
COMMENT ON COLUMN linkspan_main.transition.reason         IS 'What that user said about it.';

DROP INDEX linkspan_main.invitation_overdue;
CREATE INDEX invitation_due ON linkspan_main.invitation (expires_at) WHERE state IN ('REQUESTED', 'PENDING', 'AWAITING_APPROVAL');
CREATE INDEX invitation_of_channel ON linkspan_main.invitation (channel_id);

-- +goose Down

DROP INDEX linkspan_main.invitation_of_channel;
DROP INDEX linkspan_main.invitation_due;
CREATE INDEX invitation_overdue ON linkspan_main.invitation (expires_at) WHERE state = 'PENDING';
DROP TABLE linkspan_main.transition;
