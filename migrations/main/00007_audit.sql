-- The audit: for each group a chain of entries, made afterwards of what was decided and refused (docs/decisions/0028-chains-that-hold-each-other.md).

-- +goose Up

ALTER TABLE linkspan_main.transition ADD COLUMN audited boolean NOT NULL DEFAULT false;
COMMENT ON TABLE  linkspan_main.transition         IS 'What was decided, in the deciding transaction: the history of invitations. Rows never change, but for the mark of the audit.';
COMMENT ON COLUMN linkspan_main.transition.audited IS 'Whether the groups that it concerns have their entries.';
CREATE INDEX transition_unaudited ON linkspan_main.transition (at, transition_id) WHERE NOT audited;

CREATE TABLE linkspan_main.refusal (
    refusal_id     uuid        NOT NULL PRIMARY KEY,
    at             timestamptz NOT NULL,
    minute         timestamptz NOT NULL,
    deed           text        NOT NULL,
    rule           text        NOT NULL,
    group_id       uuid        NOT NULL,
    user_id        uuid        NOT NULL,
    user_name      text        NOT NULL,
    subject        text        NOT NULL,
    invitation_id  uuid,
    channel_id     uuid,
    about_group_id uuid,
    audited        boolean     NOT NULL DEFAULT false,
    CONSTRAINT refusal_once UNIQUE (group_id, user_id, deed, subject, rule, minute)
);
CREATE INDEX refusal_unaudited ON linkspan_main.refusal (at, refusal_id) WHERE NOT audited;
COMMENT ON TABLE  linkspan_main.refusal                IS 'What a role or a rule refused to users: of the same to one user at most one row a minute. Rows never change, but for the mark of the audit.';
COMMENT ON COLUMN linkspan_main.refusal.refusal_id     IS 'UUIDv7.';
COMMENT ON COLUMN linkspan_main.refusal.at             IS 'When it was noted, by main''s clock.';
COMMENT ON COLUMN linkspan_main.refusal.minute         IS 'The minute of that.';
COMMENT ON COLUMN linkspan_main.refusal.deed           IS 'What was asked for.';
COMMENT ON COLUMN linkspan_main.refusal.rule           IS 'The rule that refused it.';
COMMENT ON COLUMN linkspan_main.refusal.group_id       IS 'The group of the user.';
COMMENT ON COLUMN linkspan_main.refusal.user_id        IS 'The user who asked for it.';
COMMENT ON COLUMN linkspan_main.refusal.user_name      IS 'The name of that user then.';
COMMENT ON COLUMN linkspan_main.refusal.subject        IS 'What it was about: the id of the invitation, else of the channel, else of the own group; and that of the other group, if there is one.';
COMMENT ON COLUMN linkspan_main.refusal.invitation_id  IS 'The invitation that it was about; null: none.';
COMMENT ON COLUMN linkspan_main.refusal.channel_id     IS 'The channel that it was about, where it was about no invitation; null: none.';
COMMENT ON COLUMN linkspan_main.refusal.about_group_id IS 'The other group that it was about, where it was about no invitation.';
COMMENT ON COLUMN linkspan_main.refusal.audited        IS 'Whether the user''s group has its entry.';

CREATE TABLE linkspan_main.audit_head (
    group_id uuid    NOT NULL PRIMARY KEY,
    genesis  bytea   NOT NULL CHECK (octet_length(genesis) = 32),
    number   integer NOT NULL CHECK (number >= 0),
    hash     bytea   NOT NULL CHECK (octet_length(hash) = 32)
);
COMMENT ON TABLE  linkspan_main.audit_head          IS 'Where each group''s audit ends.';
COMMENT ON COLUMN linkspan_main.audit_head.group_id IS 'The group.';
COMMENT ON COLUMN linkspan_main.audit_head.genesis  IS 'What the first entry is chained to: random, so that nobody can tell by it how long the audit is.';
COMMENT ON COLUMN linkspan_main.audit_head.number   IS 'The number of the last entry; 0: there is none.';
COMMENT ON COLUMN linkspan_main.audit_head.hash     IS 'The hash of the last entry; without one the genesis.';

CREATE TABLE linkspan_main.audit_entry (
    group_id  uuid    NOT NULL,
    number    integer NOT NULL CHECK (number > 0),
    source_id uuid    NOT NULL,
    record    text    NOT NULL,
    hash      bytea   NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (group_id, number),
    CONSTRAINT audit_entry_once UNIQUE (source_id, group_id)
);
COMMENT ON TABLE  linkspan_main.audit_entry           IS 'The audit of each group: dense numbers from 1, each entry chained to the one before. Rows never change.';
COMMENT ON COLUMN linkspan_main.audit_entry.group_id  IS 'The group whose audit it is.';
COMMENT ON COLUMN linkspan_main.audit_entry.number    IS 'The place in the group''s audit.';
COMMENT ON COLUMN linkspan_main.audit_entry.source_id IS 'The transition or the refusal that it tells of.';
COMMENT ON COLUMN linkspan_main.audit_entry.record    IS 'What it says, as JSON: the very bytes that are hashed.';
COMMENT ON COLUMN linkspan_main.audit_entry.hash      IS 'SHA-256 of the hash before it, then the bytes of the record.';

CREATE TABLE linkspan_main.audit_scribe (
    only_row smallint PRIMARY KEY DEFAULT 1 CHECK (only_row = 1)
);
INSERT INTO linkspan_main.audit_scribe DEFAULT VALUES;
COMMENT ON TABLE  linkspan_main.audit_scribe          IS 'One row, which whoever writes audits locks: one transaction at a time, so that entries are in order.';
COMMENT ON COLUMN linkspan_main.audit_scribe.only_row IS 'Always 1: keeps the table at one row.';

-- +goose Down

DROP TABLE linkspan_main.audit_scribe;
DROP TABLE linkspan_main.audit_entry;
DROP TABLE linkspan_main.audit_head;
DROP TABLE linkspan_main.refusal;
DROP INDEX linkspan_main.transition_unaudited;
ALTER TABLE linkspan_main.transition DROP COLUMN audited;
COMMENT ON TABLE  linkspan_main.transition IS 'What was decided, in the deciding transaction: the history of invitations. Rows never change.';
