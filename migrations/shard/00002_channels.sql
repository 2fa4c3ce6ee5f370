-- +goose Up

CREATE TABLE linkspan_shard.applied_step (
    slot        smallint    NOT NULL,
    subject     uuid        NOT NULL,
    destination uuid        NOT NULL,
    number      bigint      NOT NULL CHECK (number > 0),
    op_id       uuid        NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (slot, subject, destination)
);
COMMENT ON TABLE  linkspan_shard.applied_step             IS 'How far each stream of main''s outbox has taken effect here; written in the effect''s own transaction.';
COMMENT ON COLUMN linkspan_shard.applied_step.slot        IS 'The slot of the destination.';
COMMENT ON COLUMN linkspan_shard.applied_step.subject     IS 'The channel or group that the stream''s steps are about.';
COMMENT ON COLUMN linkspan_shard.applied_step.destination IS 'The channel or group where they take effect.';
COMMENT ON COLUMN linkspan_shard.applied_step.number      IS 'The last step that took effect; the next is one more.';
COMMENT ON COLUMN linkspan_shard.applied_step.op_id       IS 'The run of a mutation that decided that step.';
COMMENT ON COLUMN linkspan_shard.applied_step.applied_at  IS 'When it took effect.';

CREATE TABLE linkspan_shard.users (
    slot          smallint    NOT NULL,
    group_id      uuid        NOT NULL,
    home_group_id uuid        NOT NULL,
    user_id       uuid        NOT NULL,
    home_handle   text        NOT NULL,
    home_name     text        NOT NULL,
    name          text        NOT NULL,
    seen_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (slot, group_id, home_group_id, user_id)
);
COMMENT ON TABLE  linkspan_shard.users               IS 'The users that a group knows: its own, and those of other groups whom it met.';
COMMENT ON COLUMN linkspan_shard.users.slot          IS 'The slot of group_id.';
COMMENT ON COLUMN linkspan_shard.users.group_id      IS 'The group that knows the user.';
COMMENT ON COLUMN linkspan_shard.users.home_group_id IS 'The group that the user belongs to.';
COMMENT ON COLUMN linkspan_shard.users.user_id       IS 'Made from the home group and the subject of the user''s token.';
COMMENT ON COLUMN linkspan_shard.users.home_handle   IS 'The handle of the home group.';
COMMENT ON COLUMN linkspan_shard.users.home_name     IS 'The name of the home group.';
COMMENT ON COLUMN linkspan_shard.users.name          IS 'The user''s name when the group last met it.';
COMMENT ON COLUMN linkspan_shard.users.seen_at       IS 'When that was.';

CREATE TABLE linkspan_shard.inbox_log (
    slot       smallint    NOT NULL,
    group_id   uuid        NOT NULL,
    history    uuid        NOT NULL,
    head       bigint      NOT NULL DEFAULT 0 CHECK (head >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (slot, group_id)
);
COMMENT ON TABLE  linkspan_shard.inbox_log            IS 'One append-only log for each group: what reached it. The row hands out the numbers, so they are dense and in commit order.';
COMMENT ON COLUMN linkspan_shard.inbox_log.slot       IS 'The slot of the group.';
COMMENT ON COLUMN linkspan_shard.inbox_log.group_id   IS 'The group.';
COMMENT ON COLUMN linkspan_shard.inbox_log.history    IS 'Random; changes only when an older backup is restored, so that cursors from the lost future are refused.';
COMMENT ON COLUMN linkspan_shard.inbox_log.head       IS 'The number of the newest event; 0: none yet.';
COMMENT ON COLUMN linkspan_shard.inbox_log.created_at IS 'When the log was made.';

CREATE TABLE linkspan_shard.inbox_event (
    slot           smallint    NOT NULL,
    group_id       uuid        NOT NULL,
    number         bigint      NOT NULL,
    at             timestamptz NOT NULL DEFAULT now(),
    kind           text        NOT NULL CHECK (kind IN ('INVITATION_RECEIVED', 'INVITATION_CHANGED', 'SHARED_CHANNEL_LINKED')),
    invitation_id  uuid        NOT NULL,
    channel_id     uuid        NOT NULL,
    about_group_id uuid        NOT NULL,
    about_handle   text        NOT NULL,
    about_name     text        NOT NULL,
    PRIMARY KEY (slot, group_id, number)
);
COMMENT ON TABLE  linkspan_shard.inbox_event                IS 'The events of the inbox logs. No bodies: objects are shown as they are when the event is.';
COMMENT ON COLUMN linkspan_shard.inbox_event.slot           IS 'The slot of the group.';
COMMENT ON COLUMN linkspan_shard.inbox_event.group_id       IS 'The group whose inbox it is.';
COMMENT ON COLUMN linkspan_shard.inbox_event.number         IS 'The place in the log: 1, 2, 3 and so on.';
COMMENT ON COLUMN linkspan_shard.inbox_event.at             IS 'When it was written.';
COMMENT ON COLUMN linkspan_shard.inbox_event.kind           IS 'What happened.';
COMMENT ON COLUMN linkspan_shard.inbox_event.invitation_id  IS 'The invitation that it happened to.';
COMMENT ON COLUMN linkspan_shard.inbox_event.channel_id     IS 'The channel of that invitation.';
COMMENT ON COLUMN linkspan_shard.inbox_event.about_group_id IS 'The group that the event is about: who asked, or who is linked now.';
COMMENT ON COLUMN linkspan_shard.inbox_event.about_handle   IS 'The handle of that group.';
COMMENT ON COLUMN linkspan_shard.inbox_event.about_name     IS 'The name of that group.';

CREATE TABLE linkspan_shard.group_channel (
    slot       smallint NOT NULL,
    group_id   uuid    NOT NULL,
    channel_id uuid    NOT NULL,
    position   bigint  NOT NULL,
    PRIMARY KEY (slot, group_id, channel_id)
);
CREATE UNIQUE INDEX group_channel_page ON linkspan_shard.group_channel (slot, group_id, position);
COMMENT ON TABLE  linkspan_shard.group_channel            IS 'The list of a group''s channels; what they are is in their channel shards.';
COMMENT ON COLUMN linkspan_shard.group_channel.slot       IS 'The slot of the group.';
COMMENT ON COLUMN linkspan_shard.group_channel.group_id   IS 'The group whose list it is.';
COMMENT ON COLUMN linkspan_shard.group_channel.channel_id IS 'The channel.';
COMMENT ON COLUMN linkspan_shard.group_channel.position   IS 'The number of the inbox event that added it: the order of linking, in commit order.';

CREATE TABLE linkspan_shard.group_invitation (
    slot              smallint    NOT NULL,
    group_id          uuid        NOT NULL,
    invitation_id     uuid        NOT NULL,
    direction         text        NOT NULL CHECK (direction IN ('SENT', 'RECEIVED')),
    position          bigint      NOT NULL,
    channel_id        uuid        NOT NULL,
    state             text        NOT NULL,
    version           integer     NOT NULL,
    note              text,
    reason            text,
    from_group_id     uuid        NOT NULL,
    from_handle       text        NOT NULL,
    from_name         text        NOT NULL,
    to_group_id       uuid        NOT NULL,
    to_handle         text        NOT NULL,
    to_name           text        NOT NULL,
    sender_id         uuid        NOT NULL,
    sender_name       text        NOT NULL,
    resolver_group_id uuid,
    resolver_id       uuid,
    resolver_name     text,
    created_at        timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    resolved_at       timestamptz,
    proposed_name     text        NOT NULL,
    PRIMARY KEY (slot, group_id, invitation_id)
);
CREATE UNIQUE INDEX group_invitation_page ON linkspan_shard.group_invitation (slot, group_id, direction, position);
CREATE INDEX group_invitation_of_channel ON linkspan_shard.group_invitation (slot, group_id, channel_id);
COMMENT ON TABLE  linkspan_shard.group_invitation                   IS 'The lists of a group''s invitations: copies of main''s rows, replaced only by newer versions.';
COMMENT ON COLUMN linkspan_shard.group_invitation.slot              IS 'The slot of the group.';
COMMENT ON COLUMN linkspan_shard.group_invitation.group_id          IS 'The group whose list it is.';
COMMENT ON COLUMN linkspan_shard.group_invitation.invitation_id     IS 'As in main.';
COMMENT ON COLUMN linkspan_shard.group_invitation.direction         IS 'Whether the group sent or received it.';
COMMENT ON COLUMN linkspan_shard.group_invitation.position          IS 'The number of the inbox event that added it: the order of arrival, in commit order.';
COMMENT ON COLUMN linkspan_shard.group_invitation.channel_id        IS 'The channel to share.';
COMMENT ON COLUMN linkspan_shard.group_invitation.state             IS 'As in main at that version; a PENDING one that is overdue is shown as EXPIRED.';
COMMENT ON COLUMN linkspan_shard.group_invitation.version           IS 'The version that this is a copy of.';
COMMENT ON COLUMN linkspan_shard.group_invitation.note              IS 'From those who ask to those who decide.';
COMMENT ON COLUMN linkspan_shard.group_invitation.reason            IS 'Why it was declined or revoked.';
COMMENT ON COLUMN linkspan_shard.group_invitation.from_group_id     IS 'The group that asks.';
COMMENT ON COLUMN linkspan_shard.group_invitation.from_handle       IS 'Its handle.';
COMMENT ON COLUMN linkspan_shard.group_invitation.from_name         IS 'Its name.';
COMMENT ON COLUMN linkspan_shard.group_invitation.to_group_id       IS 'The group that is asked.';
COMMENT ON COLUMN linkspan_shard.group_invitation.to_handle         IS 'Its handle.';
COMMENT ON COLUMN linkspan_shard.group_invitation.to_name           IS 'Its name.';
COMMENT ON COLUMN linkspan_shard.group_invitation.sender_id         IS 'The user of the asking group who sent it.';
COMMENT ON COLUMN linkspan_shard.group_invitation.sender_name       IS 'The name of that user then.';
COMMENT ON COLUMN linkspan_shard.group_invitation.resolver_group_id IS 'The group of the user who decided.';
COMMENT ON COLUMN linkspan_shard.group_invitation.resolver_id       IS 'The user who decided; null: nobody.';
COMMENT ON COLUMN linkspan_shard.group_invitation.resolver_name     IS 'The name of that user then.';
COMMENT ON COLUMN linkspan_shard.group_invitation.created_at        IS 'When it was sent.';
COMMENT ON COLUMN linkspan_shard.group_invitation.expires_at        IS 'From when on it can no longer be decided.';
COMMENT ON COLUMN linkspan_shard.group_invitation.resolved_at       IS 'When it was decided, or expired.';
COMMENT ON COLUMN linkspan_shard.group_invitation.proposed_name     IS 'What the asking group called the channel then.';

CREATE TABLE linkspan_shard.channel (
    slot               smallint    NOT NULL,
    channel_id         uuid        NOT NULL,
    initiator_group_id uuid        NOT NULL,
    initiator_handle   text        NOT NULL,
    initiator_name     text        NOT NULL,
    state              text        NOT NULL CHECK (state IN ('PENDING', 'ACTIVE', 'CLOSED', 'ARCHIVED')),
    pending_until      timestamptz,
    topic              text,
    creator_id         uuid        NOT NULL,
    creator_name       text        NOT NULL,
    created_at         timestamptz NOT NULL,
    PRIMARY KEY (slot, channel_id)
);
COMMENT ON TABLE  linkspan_shard.channel                    IS 'Channel shards: what a shared channel is, apart from its sides.';
COMMENT ON COLUMN linkspan_shard.channel.slot               IS 'The slot that the channel''s id carries.';
COMMENT ON COLUMN linkspan_shard.channel.channel_id         IS 'The channel.';
COMMENT ON COLUMN linkspan_shard.channel.initiator_group_id IS 'The group that made it.';
COMMENT ON COLUMN linkspan_shard.channel.initiator_handle   IS 'Its handle.';
COMMENT ON COLUMN linkspan_shard.channel.initiator_name     IS 'Its name.';
COMMENT ON COLUMN linkspan_shard.channel.state              IS 'As in main; a PENDING one whose invitation is overdue is shown as CLOSED.';
COMMENT ON COLUMN linkspan_shard.channel.pending_until      IS 'When the only invitation expires; null once the channel is not PENDING.';
COMMENT ON COLUMN linkspan_shard.channel.topic              IS 'The topic that the initiator gave it.';
COMMENT ON COLUMN linkspan_shard.channel.creator_id         IS 'The user of the initiator who made it.';
COMMENT ON COLUMN linkspan_shard.channel.creator_name       IS 'The name of that user then.';
COMMENT ON COLUMN linkspan_shard.channel.created_at         IS 'When main decided it.';

CREATE TABLE linkspan_shard.channel_side (
    slot         smallint    NOT NULL,
    channel_id   uuid        NOT NULL,
    group_id     uuid        NOT NULL,
    handle       text        NOT NULL,
    group_name   text        NOT NULL,
    role         text        NOT NULL CHECK (role IN ('INITIATOR', 'TARGET')),
    state        text        NOT NULL CHECK (state IN ('LINKED', 'LEFT', 'REMOVED', 'CLOSED')),
    version      integer     NOT NULL,
    name         text        NOT NULL,
    name_visible boolean     NOT NULL DEFAULT true,
    linked_at    timestamptz,
    PRIMARY KEY (slot, channel_id, group_id)
);
COMMENT ON TABLE  linkspan_shard.channel_side              IS 'One row for each group that is, or was, linked with a channel. What a group may read of the channel is decided by its row, in the same statement.';
COMMENT ON COLUMN linkspan_shard.channel_side.slot         IS 'The slot of the channel.';
COMMENT ON COLUMN linkspan_shard.channel_side.channel_id   IS 'The channel.';
COMMENT ON COLUMN linkspan_shard.channel_side.group_id     IS 'The group.';
COMMENT ON COLUMN linkspan_shard.channel_side.handle       IS 'Its handle.';
COMMENT ON COLUMN linkspan_shard.channel_side.group_name   IS 'Its name.';
COMMENT ON COLUMN linkspan_shard.channel_side.role         IS 'Whether it made the channel or was asked to share it.';
COMMENT ON COLUMN linkspan_shard.channel_side.state        IS 'Copy of the link''s state in the shard referential table.';
COMMENT ON COLUMN linkspan_shard.channel_side.version      IS 'The version of the link that this is a copy of.';
COMMENT ON COLUMN linkspan_shard.channel_side.name         IS 'What the group calls the channel: a copy of main''s.';
COMMENT ON COLUMN linkspan_shard.channel_side.name_visible IS 'Whether other groups see that name.';
COMMENT ON COLUMN linkspan_shard.channel_side.linked_at    IS 'When the group was linked; null while it is not.';

CREATE TABLE linkspan_shard.channel_log (
    slot       smallint    NOT NULL,
    channel_id uuid        NOT NULL,
    history    uuid        NOT NULL,
    head       bigint      NOT NULL DEFAULT 0 CHECK (head >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (slot, channel_id)
);
COMMENT ON TABLE  linkspan_shard.channel_log            IS 'One append-only public log for each channel. The row hands out the numbers, so they are dense and in commit order.';
COMMENT ON COLUMN linkspan_shard.channel_log.slot       IS 'The slot of the channel.';
COMMENT ON COLUMN linkspan_shard.channel_log.channel_id IS 'The channel.';
COMMENT ON COLUMN linkspan_shard.channel_log.history    IS 'Random; changes only when an older backup is restored, so that cursors from the lost future are refused.';
COMMENT ON COLUMN linkspan_shard.channel_log.head       IS 'The number of the newest event; 0: none yet.';
COMMENT ON COLUMN linkspan_shard.channel_log.created_at IS 'When the log was made.';

CREATE TABLE linkspan_shard.channel_event (
    slot           smallint    NOT NULL,
    channel_id     uuid        NOT NULL,
    number         bigint      NOT NULL,
    at             timestamptz NOT NULL DEFAULT now(),
    kind           text        NOT NULL CHECK (kind IN ('GROUP_LINKED')),
    actor_group_id uuid,
    actor_id       uuid,
    about_group_id uuid        NOT NULL,
    PRIMARY KEY (slot, channel_id, number)
);
COMMENT ON TABLE  linkspan_shard.channel_event                IS 'The events of the channels'' logs. No bodies.';
COMMENT ON COLUMN linkspan_shard.channel_event.slot           IS 'The slot of the channel.';
COMMENT ON COLUMN linkspan_shard.channel_event.channel_id     IS 'The channel.';
COMMENT ON COLUMN linkspan_shard.channel_event.number         IS 'The place in the log: 1, 2, 3 and so on.';
COMMENT ON COLUMN linkspan_shard.channel_event.at             IS 'When it was written.';
COMMENT ON COLUMN linkspan_shard.channel_event.kind           IS 'What happened.';
COMMENT ON COLUMN linkspan_shard.channel_event.actor_group_id IS 'The group of the user who did it; null: nobody.';
COMMENT ON COLUMN linkspan_shard.channel_event.actor_id       IS 'The user who did it; null: nobody.';
COMMENT ON COLUMN linkspan_shard.channel_event.about_group_id IS 'The group that it is about.';

-- +goose Down

DROP TABLE linkspan_shard.channel_event;
DROP TABLE linkspan_shard.channel_log;
DROP TABLE linkspan_shard.channel_side;
DROP TABLE linkspan_shard.channel;
DROP TABLE linkspan_shard.group_invitation;
DROP TABLE linkspan_shard.group_channel;
DROP TABLE linkspan_shard.inbox_event;
DROP TABLE linkspan_shard.inbox_log;
DROP TABLE linkspan_shard.users;
DROP TABLE linkspan_shard.applied_step;
