-- Where a group's part in a channel ends, and the event that says so; and no samples of what is said.

-- +goose Up

ALTER TABLE linkspan_shard.channel_side ADD COLUMN unlinked_after bigint,
    ADD CONSTRAINT channel_side_unlinked CHECK ((state IN ('LEFT', 'REMOVED')) = (unlinked_after IS NOT NULL));
COMMENT ON COLUMN linkspan_shard.channel_side.unlinked_after IS 'The public event that ended the group''s part, which is the last that it may read; null while it takes part. Changed as private_head.';

ALTER TABLE linkspan_shard.channel_event
    DROP CONSTRAINT channel_event_kind_check,
    DROP CONSTRAINT channel_event_about,
    DROP CONSTRAINT channel_event_message,
    ADD CONSTRAINT channel_event_kind_check CHECK (kind IN
        ('GROUP_LINKED', 'GROUP_UNLINKED', 'MESSAGE_POSTED', 'MESSAGE_EDITED', 'MESSAGE_DELETED', 'REACTION_ADDED', 'REACTION_REMOVED')),
    ADD CONSTRAINT channel_event_about CHECK ((kind IN ('GROUP_LINKED', 'GROUP_UNLINKED')) = (about_group_id IS NOT NULL)),
    ADD CONSTRAINT channel_event_message CHECK ((about_group_id IS NULL) = (message_number IS NOT NULL));

-- ANALYZE would keep values of these, deleted ones too, until the next time.
ALTER TABLE linkspan_shard.message         ALTER COLUMN body  SET STATISTICS 0;
ALTER TABLE linkspan_shard.message_version ALTER COLUMN body  SET STATISTICS 0;
ALTER TABLE linkspan_shard.message_words   ALTER COLUMN words SET STATISTICS 0;

COMMENT ON COLUMN linkspan_shard.channel_operation.input_hash IS 'HMAC-SHA-256 of the input under the idempotency key, to tell a repetition from a reuse of the key; empty without a key.';

-- +goose Down

COMMENT ON COLUMN linkspan_shard.channel_operation.input_hash IS 'SHA-256 of the input, to tell a repetition from a reuse of the key.';
ALTER TABLE linkspan_shard.message_words   ALTER COLUMN words SET STATISTICS -1;
ALTER TABLE linkspan_shard.message_version ALTER COLUMN body  SET STATISTICS -1;
ALTER TABLE linkspan_shard.message         ALTER COLUMN body  SET STATISTICS -1;

-- The log stays dense: what told of a parting tells of a link again.
UPDATE linkspan_shard.channel_event SET kind = 'GROUP_LINKED' WHERE kind = 'GROUP_UNLINKED';
ALTER TABLE linkspan_shard.channel_event
    DROP CONSTRAINT channel_event_kind_check,
    DROP CONSTRAINT channel_event_about,
    DROP CONSTRAINT channel_event_message,
    ADD CONSTRAINT channel_event_kind_check CHECK (kind IN
        ('GROUP_LINKED', 'MESSAGE_POSTED', 'MESSAGE_EDITED', 'MESSAGE_DELETED', 'REACTION_ADDED', 'REACTION_REMOVED')),
    ADD CONSTRAINT channel_event_about CHECK ((kind = 'GROUP_LINKED') = (about_group_id IS NOT NULL)),
    ADD CONSTRAINT channel_event_message CHECK ((kind = 'GROUP_LINKED') = (message_number IS NULL));
ALTER TABLE linkspan_shard.channel_side DROP COLUMN unlinked_after;
