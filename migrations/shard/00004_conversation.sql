-- The conversation of a channel: messages for everyone and for one side alone, in the channel's logs.

-- +goose Up

ALTER TABLE linkspan_shard.channel_side ADD COLUMN private_head bigint NOT NULL DEFAULT 0 CHECK (private_head >= 0);
COMMENT ON COLUMN linkspan_shard.channel_side.private_head IS 'The number of the newest event of the side''s private log; 0: none yet. Changed only by who holds the row of channel_log.';
ALTER TABLE linkspan_shard.channel_side ADD COLUMN private_floor bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT channel_side_private_floor CHECK (private_floor BETWEEN 0 AND private_head);
COMMENT ON COLUMN linkspan_shard.channel_side.private_floor IS 'The events of the side''s private log up to this number were removed, as too old; 0: none. Changed as private_head.';

ALTER TABLE linkspan_shard.channel_log
    ADD COLUMN floor     bigint      NOT NULL DEFAULT 0,
    ADD COLUMN oldest_at timestamptz NOT NULL DEFAULT now(),
    ADD CONSTRAINT channel_log_floor CHECK (floor BETWEEN 0 AND head);
UPDATE linkspan_shard.channel_log SET oldest_at = created_at;
CREATE INDEX channel_log_oldest_at ON linkspan_shard.channel_log (oldest_at);
COMMENT ON COLUMN linkspan_shard.channel_log.floor     IS 'The public events up to this number were removed, as too old; 0: none.';
COMMENT ON COLUMN linkspan_shard.channel_log.oldest_at IS 'About when the oldest event that is left was written, private ones too: before that nobody need look for old ones here.';

ALTER TABLE linkspan_shard.inbox_log
    ADD COLUMN floor     bigint      NOT NULL DEFAULT 0,
    ADD COLUMN oldest_at timestamptz NOT NULL DEFAULT now(),
    ADD CONSTRAINT inbox_log_floor CHECK (floor BETWEEN 0 AND head);
UPDATE linkspan_shard.inbox_log SET oldest_at = created_at;
CREATE INDEX inbox_log_oldest_at ON linkspan_shard.inbox_log (oldest_at);
COMMENT ON COLUMN linkspan_shard.inbox_log.floor     IS 'The events up to this number were removed, as too old; 0: none.';
COMMENT ON COLUMN linkspan_shard.inbox_log.oldest_at IS 'About when the oldest event that is left was written: before that nobody need look for old ones here.';

ALTER TABLE linkspan_shard.channel_event
    DROP CONSTRAINT channel_event_kind_check,
    ADD CONSTRAINT channel_event_kind_check CHECK (kind IN
        ('GROUP_LINKED', 'MESSAGE_POSTED', 'MESSAGE_EDITED', 'MESSAGE_DELETED', 'REACTION_ADDED', 'REACTION_REMOVED')),
    ALTER COLUMN about_group_id DROP NOT NULL,
    ALTER COLUMN side_version DROP NOT NULL,
    ALTER COLUMN side_version DROP DEFAULT,
    ADD COLUMN message_number bigint,
    ADD COLUMN emoji text,
    ADD CONSTRAINT channel_event_about CHECK ((kind = 'GROUP_LINKED') = (about_group_id IS NOT NULL)),
    ADD CONSTRAINT channel_event_message CHECK ((kind = 'GROUP_LINKED') = (message_number IS NULL));
COMMENT ON COLUMN linkspan_shard.channel_event.about_group_id IS 'The group that it is about; null for what happened to a message.';
COMMENT ON COLUMN linkspan_shard.channel_event.side_version   IS 'The version of the side of that group, then.';
COMMENT ON COLUMN linkspan_shard.channel_event.message_number IS 'The message that it happened to: its number, with no owner.';
COMMENT ON COLUMN linkspan_shard.channel_event.emoji          IS 'The emoji of a reaction.';

CREATE TABLE linkspan_shard.private_event (
    slot           smallint    NOT NULL,
    channel_id     uuid        NOT NULL,
    group_id       uuid        NOT NULL,
    number         bigint      NOT NULL,
    follows        bigint      NOT NULL,
    position       bigint      NOT NULL,
    at             timestamptz NOT NULL DEFAULT now(),
    kind           text        NOT NULL CHECK (kind IN ('MESSAGE_POSTED', 'MESSAGE_EDITED', 'MESSAGE_DELETED', 'REACTION_ADDED', 'REACTION_REMOVED')),
    actor_group_id uuid,
    actor_id       uuid,
    message_number bigint      NOT NULL,
    emoji          text,
    PRIMARY KEY (slot, channel_id, group_id, number),
    CHECK (position = follows + number)
);
CREATE UNIQUE INDEX private_event_position ON linkspan_shard.private_event (slot, channel_id, group_id, position);
COMMENT ON TABLE  linkspan_shard.private_event                IS 'The events of the sides'' private logs: what concerns messages to one''s own group. No bodies.';
COMMENT ON COLUMN linkspan_shard.private_event.slot           IS 'The slot of the channel.';
COMMENT ON COLUMN linkspan_shard.private_event.channel_id     IS 'The channel.';
COMMENT ON COLUMN linkspan_shard.private_event.group_id       IS 'The group whose private log it is.';
COMMENT ON COLUMN linkspan_shard.private_event.number         IS 'The place in the private log: 1, 2, 3 and so on.';
COMMENT ON COLUMN linkspan_shard.private_event.follows        IS 'The public event that it came after: the head of channel_log then.';
COMMENT ON COLUMN linkspan_shard.private_event.position       IS 'The place in the order of both logs as the side sees them: follows + number.';
COMMENT ON COLUMN linkspan_shard.private_event.at             IS 'When it was written.';
COMMENT ON COLUMN linkspan_shard.private_event.kind           IS 'What happened.';
COMMENT ON COLUMN linkspan_shard.private_event.actor_group_id IS 'The group of the user who did it; null: nobody.';
COMMENT ON COLUMN linkspan_shard.private_event.actor_id       IS 'The user who did it; null: nobody.';
COMMENT ON COLUMN linkspan_shard.private_event.message_number IS 'The message that it happened to: its number among those of the group.';
COMMENT ON COLUMN linkspan_shard.private_event.emoji          IS 'The emoji of a reaction.';

CREATE TABLE linkspan_shard.message (
    slot              smallint    NOT NULL,
    channel_id        uuid        NOT NULL,
    owner_group_id    uuid        NOT NULL,
    number            bigint      NOT NULL,
    follows           bigint      NOT NULL,
    state             text        NOT NULL DEFAULT 'POSTED' CHECK (state IN ('POSTED', 'EDITED', 'DELETED')),
    version           integer     NOT NULL DEFAULT 1 CHECK (version > 0),
    body              text,
    author_group_id   uuid        NOT NULL,
    author_id         uuid        NOT NULL,
    author_name       text        NOT NULL,
    reply_to_owner    uuid,
    reply_to          bigint,
    reply_count       integer     NOT NULL DEFAULT 0 CHECK (reply_count >= 0),
    mention_group_ids uuid[]      NOT NULL DEFAULT '{}',
    mention_ids       uuid[]      NOT NULL DEFAULT '{}',
    created_at        timestamptz NOT NULL DEFAULT now(),
    edited_at         timestamptz,
    deleted_at        timestamptz,
    deleter_group_id  uuid,
    deleter_id        uuid,
    PRIMARY KEY (slot, channel_id, owner_group_id, number),
    CONSTRAINT message_tombstone CHECK ((state = 'DELETED') = (body IS NULL) AND (state = 'DELETED') = (deleted_at IS NOT NULL)),
    CONSTRAINT message_reply CHECK ((reply_to IS NULL) = (reply_to_owner IS NULL)),
    CONSTRAINT message_mentions CHECK (cardinality(mention_group_ids) = cardinality(mention_ids))
);
CREATE INDEX message_private ON linkspan_shard.message (slot, channel_id, owner_group_id, follows, number)
    WHERE owner_group_id <> '00000000-0000-0000-0000-000000000000';
CREATE INDEX message_thread ON linkspan_shard.message (slot, channel_id, reply_to_owner, reply_to, owner_group_id, number)
    WHERE reply_to IS NOT NULL;
COMMENT ON TABLE  linkspan_shard.message                   IS 'The messages of the channels, deleted ones too, which have no body.';
COMMENT ON COLUMN linkspan_shard.message.slot              IS 'The slot of the channel.';
COMMENT ON COLUMN linkspan_shard.message.channel_id        IS 'The channel.';
COMMENT ON COLUMN linkspan_shard.message.owner_group_id    IS 'The group that alone may read it; the nil UUID: everyone in the channel.';
COMMENT ON COLUMN linkspan_shard.message.number            IS 'The number of the event of its log that posted it: of the owner''s private log, or of the public one.';
COMMENT ON COLUMN linkspan_shard.message.follows           IS 'The public event that it came after; its own number where it is for everyone.';
COMMENT ON COLUMN linkspan_shard.message.state             IS 'POSTED as it was written; EDITED since; DELETED: what is left says who and when.';
COMMENT ON COLUMN linkspan_shard.message.version           IS 'Grows by one with each edit.';
COMMENT ON COLUMN linkspan_shard.message.body              IS 'What it says; null once it is deleted.';
COMMENT ON COLUMN linkspan_shard.message.author_group_id   IS 'The group of the user who wrote it.';
COMMENT ON COLUMN linkspan_shard.message.author_id         IS 'The user who wrote it.';
COMMENT ON COLUMN linkspan_shard.message.author_name       IS 'The name of that user then.';
COMMENT ON COLUMN linkspan_shard.message.reply_to_owner    IS 'The owner of the message that it replies to.';
COMMENT ON COLUMN linkspan_shard.message.reply_to          IS 'The number of the message that it replies to, which is no reply itself.';
COMMENT ON COLUMN linkspan_shard.message.reply_count       IS 'How many replies with the same owner it has, deleted ones too; those of other owners are counted in private_replies.';
COMMENT ON COLUMN linkspan_shard.message.mention_group_ids IS 'The groups of the users whom it names, in the order of mention_ids.';
COMMENT ON COLUMN linkspan_shard.message.mention_ids       IS 'The users whom it names, found when it was written or edited.';
COMMENT ON COLUMN linkspan_shard.message.created_at        IS 'When it was posted.';
COMMENT ON COLUMN linkspan_shard.message.edited_at         IS 'When it was last edited.';
COMMENT ON COLUMN linkspan_shard.message.deleted_at        IS 'When it was deleted.';
COMMENT ON COLUMN linkspan_shard.message.deleter_group_id  IS 'The group of the user who deleted it.';
COMMENT ON COLUMN linkspan_shard.message.deleter_id        IS 'The user who deleted it.';

CREATE TABLE linkspan_shard.message_words (
    slot           smallint NOT NULL,
    channel_id     uuid     NOT NULL,
    owner_group_id uuid     NOT NULL,
    number         bigint   NOT NULL,
    follows        bigint   NOT NULL,
    words          tsvector NOT NULL,
    PRIMARY KEY (slot, channel_id, owner_group_id, number)
);
-- Each search reads what waits to be sorted into the index, others' words too: so it is not much. Without the waiting each post
-- would write the index anew at every word of it, ten times as much WAL.
CREATE INDEX message_words_found ON linkspan_shard.message_words USING gin (words) WITH (gin_pending_list_limit = 64);
COMMENT ON TABLE  linkspan_shard.message_words                IS 'What a search finds messages by: a row for each that is not deleted. Words without a message stay in the index until REINDEX.';
COMMENT ON COLUMN linkspan_shard.message_words.slot           IS 'The slot of the channel.';
COMMENT ON COLUMN linkspan_shard.message_words.channel_id     IS 'The channel.';
COMMENT ON COLUMN linkspan_shard.message_words.owner_group_id IS 'The owner of the message.';
COMMENT ON COLUMN linkspan_shard.message_words.number         IS 'The number of the message.';
COMMENT ON COLUMN linkspan_shard.message_words.follows        IS 'As in message: for the order of what is found.';
COMMENT ON COLUMN linkspan_shard.message_words.words          IS 'The words of what it says now, folded, each behind a mark of the channel and the owner; and the mark by itself.';

CREATE TABLE linkspan_shard.private_replies (
    slot           smallint NOT NULL,
    channel_id     uuid     NOT NULL,
    number         bigint   NOT NULL,
    group_id       uuid     NOT NULL,
    reply_count    integer  NOT NULL CHECK (reply_count > 0),
    PRIMARY KEY (slot, channel_id, number, group_id)
);
COMMENT ON TABLE  linkspan_shard.private_replies             IS 'How often a group has replied, for itself alone, to a message that is for everyone.';
COMMENT ON COLUMN linkspan_shard.private_replies.slot        IS 'The slot of the channel.';
COMMENT ON COLUMN linkspan_shard.private_replies.channel_id  IS 'The channel.';
COMMENT ON COLUMN linkspan_shard.private_replies.number      IS 'The message, which has no owner.';
COMMENT ON COLUMN linkspan_shard.private_replies.group_id    IS 'The group that owns the replies.';
COMMENT ON COLUMN linkspan_shard.private_replies.reply_count IS 'How many these are, deleted ones too.';

CREATE TABLE linkspan_shard.message_version (
    slot           smallint    NOT NULL,
    channel_id     uuid        NOT NULL,
    owner_group_id uuid        NOT NULL,
    number         bigint      NOT NULL,
    version        integer     NOT NULL,
    body           text        NOT NULL,
    at             timestamptz NOT NULL,
    PRIMARY KEY (slot, channel_id, owner_group_id, number, version)
);
COMMENT ON TABLE  linkspan_shard.message_version                IS 'What edited messages said before. Only the author edits. Deleted with the message''s body.';
COMMENT ON COLUMN linkspan_shard.message_version.slot           IS 'The slot of the channel.';
COMMENT ON COLUMN linkspan_shard.message_version.channel_id     IS 'The channel.';
COMMENT ON COLUMN linkspan_shard.message_version.owner_group_id IS 'The owner of the message.';
COMMENT ON COLUMN linkspan_shard.message_version.number         IS 'The number of the message.';
COMMENT ON COLUMN linkspan_shard.message_version.version        IS 'The version of the message that this was.';
COMMENT ON COLUMN linkspan_shard.message_version.body           IS 'What it said.';
COMMENT ON COLUMN linkspan_shard.message_version.at             IS 'When that was written.';

CREATE TABLE linkspan_shard.reaction (
    slot           smallint    NOT NULL,
    channel_id     uuid        NOT NULL,
    owner_group_id uuid        NOT NULL,
    number         bigint      NOT NULL,
    emoji          text        NOT NULL,
    group_id       uuid        NOT NULL,
    user_id        uuid        NOT NULL,
    at             timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (slot, channel_id, owner_group_id, number, emoji, group_id, user_id)
);
COMMENT ON TABLE  linkspan_shard.reaction                IS 'Who reacted to which message. Deleted with the message''s body.';
COMMENT ON COLUMN linkspan_shard.reaction.slot           IS 'The slot of the channel.';
COMMENT ON COLUMN linkspan_shard.reaction.channel_id     IS 'The channel.';
COMMENT ON COLUMN linkspan_shard.reaction.owner_group_id IS 'The owner of the message.';
COMMENT ON COLUMN linkspan_shard.reaction.number         IS 'The number of the message.';
COMMENT ON COLUMN linkspan_shard.reaction.emoji          IS 'The emoji: one grapheme.';
COMMENT ON COLUMN linkspan_shard.reaction.group_id       IS 'The group of the user who reacted.';
COMMENT ON COLUMN linkspan_shard.reaction.user_id        IS 'The user who reacted.';
COMMENT ON COLUMN linkspan_shard.reaction.at             IS 'When that was.';

CREATE TABLE linkspan_shard.channel_user (
    slot            smallint    NOT NULL,
    channel_id      uuid        NOT NULL,
    group_id        uuid        NOT NULL,
    user_id         uuid        NOT NULL,
    name            text        NOT NULL,
    name_key        text        NOT NULL,
    public_name     text,
    public_name_key text,
    public_at       timestamptz,
    read_follows    bigint      NOT NULL DEFAULT 0,
    read_number     bigint      NOT NULL DEFAULT 0,
    seen_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (slot, channel_id, group_id, user_id),
    CONSTRAINT channel_user_public CHECK ((public_name IS NULL) = (public_name_key IS NULL) AND (public_name IS NULL) = (public_at IS NULL))
);
CREATE INDEX channel_user_name ON linkspan_shard.channel_user (slot, channel_id, name_key);
CREATE INDEX channel_user_public_name ON linkspan_shard.channel_user (slot, channel_id, public_name_key) WHERE public_name_key IS NOT NULL;
COMMENT ON TABLE  linkspan_shard.channel_user                 IS 'The users who took part in a channel, with how far each has read.';
COMMENT ON COLUMN linkspan_shard.channel_user.slot            IS 'The slot of the channel.';
COMMENT ON COLUMN linkspan_shard.channel_user.channel_id      IS 'The channel.';
COMMENT ON COLUMN linkspan_shard.channel_user.group_id        IS 'The group of the user.';
COMMENT ON COLUMN linkspan_shard.channel_user.user_id         IS 'The user.';
COMMENT ON COLUMN linkspan_shard.channel_user.name            IS 'The user''s name when it last did something in the channel: for its own group.';
COMMENT ON COLUMN linkspan_shard.channel_user.name_key        IS 'The name in NFC, case-folded: how mentions find it.';
COMMENT ON COLUMN linkspan_shard.channel_user.public_name     IS 'The user''s name when it last did something that everyone in the channel can see: for the others; null: it did nothing of the kind.';
COMMENT ON COLUMN linkspan_shard.channel_user.public_name_key IS 'That name in NFC, case-folded: how mentions for everyone find it.';
COMMENT ON COLUMN linkspan_shard.channel_user.public_at       IS 'When that name was last changed.';
COMMENT ON COLUMN linkspan_shard.channel_user.read_follows    IS 'All up to this public event is read; 0: nothing.';
COMMENT ON COLUMN linkspan_shard.channel_user.read_number     IS 'Of the private events that follow that public event, all up to this one are read; 0: none.';
COMMENT ON COLUMN linkspan_shard.channel_user.seen_at         IS 'When the name was last changed.';

CREATE TABLE linkspan_shard.channel_operation (
    slot           smallint    NOT NULL,
    channel_id     uuid        NOT NULL,
    op_id          uuid        NOT NULL,
    mutation       text        NOT NULL,
    input_hash     text        NOT NULL,
    owner_group_id uuid        NOT NULL,
    number         bigint      NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (slot, channel_id, op_id)
);
CREATE INDEX channel_operation_created_at ON linkspan_shard.channel_operation (created_at);
COMMENT ON TABLE  linkspan_shard.channel_operation                IS 'Runs of mutations of a channel''s conversation that succeeded, kept in the transaction of their effect: a repetition finds the outcome here.';
COMMENT ON COLUMN linkspan_shard.channel_operation.slot           IS 'The slot of the channel.';
COMMENT ON COLUMN linkspan_shard.channel_operation.channel_id     IS 'The channel.';
COMMENT ON COLUMN linkspan_shard.channel_operation.op_id          IS 'Made from the idempotency key and its scope (user, mutation, subject); random without a key.';
COMMENT ON COLUMN linkspan_shard.channel_operation.mutation       IS 'The name of the mutation.';
COMMENT ON COLUMN linkspan_shard.channel_operation.input_hash     IS 'SHA-256 of the input, to tell a repetition from a reuse of the key.';
COMMENT ON COLUMN linkspan_shard.channel_operation.owner_group_id IS 'Outcome: the owner of the message.';
COMMENT ON COLUMN linkspan_shard.channel_operation.number         IS 'Outcome: the number of the message.';
COMMENT ON COLUMN linkspan_shard.channel_operation.created_at     IS 'When it happened; kept for 48 hours (24 are promised).';

-- +goose Down

DROP TABLE linkspan_shard.channel_operation;
DROP TABLE linkspan_shard.channel_user;
DROP TABLE linkspan_shard.reaction;
DROP TABLE linkspan_shard.message_version;
DROP TABLE linkspan_shard.private_replies;
DROP TABLE linkspan_shard.message_words;
DROP TABLE linkspan_shard.message;
DROP TABLE linkspan_shard.private_event;
DELETE FROM linkspan_shard.channel_event WHERE kind <> 'GROUP_LINKED';
ALTER TABLE linkspan_shard.channel_event
    DROP CONSTRAINT channel_event_about,
    DROP CONSTRAINT channel_event_message,
    DROP CONSTRAINT channel_event_kind_check,
    ADD CONSTRAINT channel_event_kind_check CHECK (kind IN ('GROUP_LINKED')),
    DROP COLUMN emoji,
    DROP COLUMN message_number,
    ALTER COLUMN about_group_id SET NOT NULL,
    ALTER COLUMN side_version SET DEFAULT 1,
    ALTER COLUMN side_version SET NOT NULL;
ALTER TABLE linkspan_shard.inbox_log DROP COLUMN oldest_at, DROP COLUMN floor;
ALTER TABLE linkspan_shard.channel_log DROP COLUMN oldest_at, DROP COLUMN floor;
ALTER TABLE linkspan_shard.channel_side DROP COLUMN private_floor, DROP COLUMN private_head;
