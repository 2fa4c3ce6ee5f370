-- The directory: groups, who shares what with whom, and what is still to be done elsewhere. Without foreign keys: each
-- check of one would lock the rows of the same few groups FOR KEY SHARE, which costs multixacts by the million. Rows are
-- written together in one transaction, and nothing deletes a group, a channel or an invitation.

-- +goose Up

CREATE TABLE linkspan_main.groups (
    group_id   uuid        NOT NULL PRIMARY KEY,
    handle     text        NOT NULL CONSTRAINT groups_handle_unique UNIQUE,
    name       text        NOT NULL,
    slot       smallint    NOT NULL CHECK (slot BETWEEN 0 AND 4095),
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE  linkspan_main.groups            IS 'Organisations (tenants).';
COMMENT ON COLUMN linkspan_main.groups.group_id   IS 'UUIDv7, made at registration.';
COMMENT ON COLUMN linkspan_main.groups.handle     IS 'What people type to name the group; unique, never changes.';
COMMENT ON COLUMN linkspan_main.groups.name       IS 'What people read.';
COMMENT ON COLUMN linkspan_main.groups.slot       IS 'The group''s slot: xxhash64(group_id) mod 4096. Its own rows live there, and the channels that it makes.';
COMMENT ON COLUMN linkspan_main.groups.created_at IS 'When it was registered.';

CREATE TABLE linkspan_main.operation (
    op_id             uuid        NOT NULL PRIMARY KEY,
    mutation          text        NOT NULL,
    input_hash        text        NOT NULL,
    group_id          uuid,
    channel_id        uuid,
    invitation_id     uuid,
    name_changed_from text,
    created_at        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX operation_created_at ON linkspan_main.operation (created_at);
COMMENT ON TABLE  linkspan_main.operation                   IS 'Runs of mutations that succeeded, kept in the transaction of their effect: a repetition finds the outcome here.';
COMMENT ON COLUMN linkspan_main.operation.op_id             IS 'Made from the idempotency key and its scope (user, mutation, subject); random without a key.';
COMMENT ON COLUMN linkspan_main.operation.mutation          IS 'The name of the mutation.';
COMMENT ON COLUMN linkspan_main.operation.input_hash        IS 'SHA-256 of the input, to tell a repetition from a reuse of the key.';
COMMENT ON COLUMN linkspan_main.operation.group_id          IS 'Outcome: the group that was registered.';
COMMENT ON COLUMN linkspan_main.operation.channel_id        IS 'Outcome: the channel.';
COMMENT ON COLUMN linkspan_main.operation.invitation_id     IS 'Outcome: the invitation.';
COMMENT ON COLUMN linkspan_main.operation.name_changed_from IS 'Outcome: the name that was asked for where another was chosen.';
COMMENT ON COLUMN linkspan_main.operation.created_at        IS 'When it happened; kept for 48 hours (24 are promised).';

CREATE TABLE linkspan_main.channel (
    channel_id         uuid        NOT NULL PRIMARY KEY,
    initiator_group_id uuid        NOT NULL,
    state              text        NOT NULL CHECK (state IN ('PENDING', 'ACTIVE', 'CLOSED', 'ARCHIVED')),
    created_at         timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE  linkspan_main.channel                    IS 'Shared channels as main judges them; all content is in the channel shard.';
COMMENT ON COLUMN linkspan_main.channel.channel_id         IS 'UUIDv8 that carries the slot of the channel shard; never changes.';
COMMENT ON COLUMN linkspan_main.channel.initiator_group_id IS 'The group that made the channel.';
COMMENT ON COLUMN linkspan_main.channel.state              IS 'PENDING until another group is linked, then ACTIVE; CLOSED when its only invitation ended otherwise; ARCHIVED when the last group is gone.';
COMMENT ON COLUMN linkspan_main.channel.created_at         IS 'When it was decided.';

CREATE TABLE linkspan_main.invitation (
    invitation_id     uuid        NOT NULL PRIMARY KEY,
    channel_id        uuid        NOT NULL,
    from_group_id     uuid        NOT NULL,
    to_group_id       uuid        NOT NULL,
    state             text        NOT NULL CHECK (state IN ('REQUESTED', 'PENDING', 'AWAITING_APPROVAL', 'ACCEPTED', 'DECLINED', 'DENIED', 'REVOKED', 'EXPIRED')),
    version           integer     NOT NULL CHECK (version > 0),
    note              text,
    reason            text,
    sender_id         uuid        NOT NULL,
    sender_name       text        NOT NULL,
    resolver_group_id uuid       ,
    resolver_id       uuid,
    resolver_name     text,
    created_at        timestamptz NOT NULL DEFAULT now(),
    expires_at        timestamptz NOT NULL,
    resolved_at       timestamptz,
    proposed_name     text        NOT NULL,
    CHECK (from_group_id <> to_group_id)
);
CREATE INDEX invitation_overdue ON linkspan_main.invitation (expires_at) WHERE state = 'PENDING';
CREATE INDEX invitation_overdue_of_group ON linkspan_main.invitation (from_group_id, expires_at) WHERE state = 'PENDING';
COMMENT ON TABLE  linkspan_main.invitation                   IS 'Requests to share a channel. Each transition is one compare-and-set on state; expiry is judged by now() in the same statement.';
COMMENT ON COLUMN linkspan_main.invitation.invitation_id     IS 'UUIDv7.';
COMMENT ON COLUMN linkspan_main.invitation.channel_id        IS 'The channel to share.';
COMMENT ON COLUMN linkspan_main.invitation.from_group_id     IS 'The group that asks.';
COMMENT ON COLUMN linkspan_main.invitation.to_group_id       IS 'The group that is asked.';
COMMENT ON COLUMN linkspan_main.invitation.state             IS 'PENDING until decided or overdue; an overdue one counts as EXPIRED before a sweep writes it.';
COMMENT ON COLUMN linkspan_main.invitation.version           IS 'Grows by one with each transition; copies on shards carry it.';
COMMENT ON COLUMN linkspan_main.invitation.note              IS 'From those who ask to those who decide.';
COMMENT ON COLUMN linkspan_main.invitation.reason            IS 'Why it was declined or revoked.';
COMMENT ON COLUMN linkspan_main.invitation.sender_id         IS 'The user of from_group who asked.';
COMMENT ON COLUMN linkspan_main.invitation.sender_name       IS 'The name of that user then.';
COMMENT ON COLUMN linkspan_main.invitation.resolver_group_id IS 'The group of the user who decided.';
COMMENT ON COLUMN linkspan_main.invitation.resolver_id       IS 'The user who decided; null: nobody did (expired), or not yet.';
COMMENT ON COLUMN linkspan_main.invitation.resolver_name     IS 'The name of that user then.';
COMMENT ON COLUMN linkspan_main.invitation.created_at        IS 'When it was sent.';
COMMENT ON COLUMN linkspan_main.invitation.expires_at        IS 'From when on it can no longer be decided.';
COMMENT ON COLUMN linkspan_main.invitation.resolved_at       IS 'When it left PENDING for good; expires_at for an expired one.';
COMMENT ON COLUMN linkspan_main.invitation.proposed_name     IS 'What from_group called the channel then.';

CREATE TABLE linkspan_main.shard_referential (
    channel_id    uuid        NOT NULL,
    group_id      uuid        NOT NULL,
    role          text        NOT NULL CHECK (role IN ('INITIATOR', 'TARGET')),
    state         text        NOT NULL CHECK (state IN ('INVITED', 'LINKED', 'LEFT', 'REMOVED', 'CLOSED')),
    version       integer     NOT NULL CHECK (version > 0),
    name          text,
    name_key      text,
    invitation_id uuid        NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    linked_at     timestamptz,
    PRIMARY KEY (channel_id, group_id),
    CHECK (state <> 'LINKED' OR (name IS NOT NULL AND name_key IS NOT NULL AND linked_at IS NOT NULL))
);
CREATE UNIQUE INDEX shard_referential_live_name ON linkspan_main.shard_referential (group_id, name_key) WHERE state = 'LINKED';
COMMENT ON TABLE  linkspan_main.shard_referential               IS 'The shard referential table: one row for each group of each channel, the initiator''s too. Who is linked with what is decided here.';
COMMENT ON COLUMN linkspan_main.shard_referential.channel_id    IS 'The channel; its id leads to its shard.';
COMMENT ON COLUMN linkspan_main.shard_referential.group_id      IS 'The group.';
COMMENT ON COLUMN linkspan_main.shard_referential.role          IS 'Whether the group made the channel or was asked to share it.';
COMMENT ON COLUMN linkspan_main.shard_referential.state         IS 'INVITED until it accepts; LINKED; LEFT, REMOVED or CLOSED after.';
COMMENT ON COLUMN linkspan_main.shard_referential.version       IS 'Grows by one with each change; the side in the channel shard carries it.';
COMMENT ON COLUMN linkspan_main.shard_referential.name          IS 'What the group calls the channel; null before it was linked.';
COMMENT ON COLUMN linkspan_main.shard_referential.name_key      IS 'The name in NFC, case-folded: unique among the group''s LINKED rows.';
COMMENT ON COLUMN linkspan_main.shard_referential.invitation_id IS 'The invitation by which the group came in; for the initiator the first that it sent.';
COMMENT ON COLUMN linkspan_main.shard_referential.created_at    IS 'When the row was made.';
COMMENT ON COLUMN linkspan_main.shard_referential.linked_at     IS 'When the group was linked; for the initiator when it made the channel.';

CREATE VIEW linkspan_main.shared_channel AS
SELECT i.group_id AS initiator_group_id, t.group_id AS target_group_id, i.channel_id
FROM linkspan_main.shard_referential i
JOIN linkspan_main.shard_referential t ON t.channel_id = i.channel_id AND t.role = 'TARGET' AND t.state = 'LINKED'
WHERE i.role = 'INITIATOR' AND i.state = 'LINKED';
COMMENT ON VIEW   linkspan_main.shared_channel                    IS 'The triple of the patent (US 2019/0026298 A1): which two groups share which channel.';
COMMENT ON COLUMN linkspan_main.shared_channel.initiator_group_id IS 'The group that made the channel.';
COMMENT ON COLUMN linkspan_main.shared_channel.target_group_id    IS 'A group that accepted.';
COMMENT ON COLUMN linkspan_main.shared_channel.channel_id         IS 'The channel.';

CREATE TABLE linkspan_main.outbox_stream (
    subject          uuid        NOT NULL,
    destination_kind text        NOT NULL CHECK (destination_kind IN ('CHANNEL', 'GROUP')),
    destination      uuid        NOT NULL,
    head             bigint      NOT NULL CHECK (head >= 1),
    tail             bigint      NOT NULL CHECK (tail >= head - 1),
    due_at           timestamptz NOT NULL,
    attempts         integer     NOT NULL DEFAULT 0,
    PRIMARY KEY (subject, destination_kind, destination)
);
CREATE INDEX outbox_stream_due ON linkspan_main.outbox_stream (due_at) WHERE head <= tail;
COMMENT ON TABLE  linkspan_main.outbox_stream                  IS 'Sequences of steps to other clusters: one for each subject and destination. Only the head of a stream may run.';
COMMENT ON COLUMN linkspan_main.outbox_stream.subject          IS 'The channel, or the group under registration, that the steps are about.';
COMMENT ON COLUMN linkspan_main.outbox_stream.destination_kind IS 'Whether destination is a channel or a group.';
COMMENT ON COLUMN linkspan_main.outbox_stream.destination      IS 'Where the steps take effect; routed when they are delivered.';
COMMENT ON COLUMN linkspan_main.outbox_stream.head             IS 'The number of the next step to apply.';
COMMENT ON COLUMN linkspan_main.outbox_stream.tail             IS 'The number of the last step appended; numbers are dense from 1.';
COMMENT ON COLUMN linkspan_main.outbox_stream.due_at           IS 'When a relay may take the head: in a moment while a request drives it itself or another relay has taken it (the lease), later after failures.';
COMMENT ON COLUMN linkspan_main.outbox_stream.attempts         IS 'How often relays took the head without success; the back-off grows with it.';

CREATE TABLE linkspan_main.outbox_step (
    subject          uuid        NOT NULL,
    destination_kind text        NOT NULL,
    destination      uuid        NOT NULL,
    number           bigint      NOT NULL,
    needs            bigint      NOT NULL DEFAULT 0,
    op_id            uuid        NOT NULL,
    kind             text        NOT NULL,
    effect           jsonb       NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject, destination_kind, destination, number)
);
COMMENT ON TABLE  linkspan_main.outbox_step                  IS 'Steps that have not taken effect yet, or whose effect is not noted yet.';
COMMENT ON COLUMN linkspan_main.outbox_step.subject          IS 'As in outbox_stream.';
COMMENT ON COLUMN linkspan_main.outbox_step.destination_kind IS 'As in outbox_stream.';
COMMENT ON COLUMN linkspan_main.outbox_step.destination      IS 'As in outbox_stream.';
COMMENT ON COLUMN linkspan_main.outbox_step.number           IS 'The place in the stream.';
COMMENT ON COLUMN linkspan_main.outbox_step.needs            IS 'The number in the subject''s stream to its channel that must have taken effect before; 0: none.';
COMMENT ON COLUMN linkspan_main.outbox_step.op_id            IS 'The run of a mutation that decided it.';
COMMENT ON COLUMN linkspan_main.outbox_step.kind             IS 'What it does there.';
COMMENT ON COLUMN linkspan_main.outbox_step.effect           IS 'What it needs to know, as it was decided.';
COMMENT ON COLUMN linkspan_main.outbox_step.created_at       IS 'When it was decided.';

-- +goose Down

DROP TABLE linkspan_main.outbox_step;
DROP TABLE linkspan_main.outbox_stream;
DROP VIEW linkspan_main.shared_channel;
DROP TABLE linkspan_main.shard_referential;
DROP TABLE linkspan_main.invitation;
DROP TABLE linkspan_main.channel;
DROP TABLE linkspan_main.operation;
DROP TABLE linkspan_main.groups;
