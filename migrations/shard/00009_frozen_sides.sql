-- What a side that parted goes on reading: the channel as it stood at the event that ended its part.

-- +goose Up

ALTER TABLE linkspan_shard.channel_side
    ADD COLUMN unlinked_at               timestamptz,
    ADD COLUMN frozen_topic              text,
    ADD COLUMN frozen_initiator_group_id uuid,
    ADD COLUMN frozen_initiator_handle   text,
    ADD COLUMN frozen_initiator_name     text,
    ADD COLUMN linked_number             bigint,
    ADD COLUMN visible_from              bigint;
COMMENT ON COLUMN linkspan_shard.channel_side.unlinked_at               IS 'When main decided that the group''s part ends; null while it takes part.';
COMMENT ON COLUMN linkspan_shard.channel_side.frozen_topic              IS 'The channel''s topic when the group''s part ended; null while it takes part.';
COMMENT ON COLUMN linkspan_shard.channel_side.frozen_initiator_group_id IS 'The channel''s initiator when the group''s part ended; null while it takes part.';
COMMENT ON COLUMN linkspan_shard.channel_side.frozen_initiator_handle   IS 'The handle of that group.';
COMMENT ON COLUMN linkspan_shard.channel_side.frozen_initiator_name     IS 'The name of that group.';
COMMENT ON COLUMN linkspan_shard.channel_side.linked_number             IS 'The public event that last linked the group; null: it was linked before this was noted.';
COMMENT ON COLUMN linkspan_shard.channel_side.visible_from              IS 'The public event from which on the group sees the channel; null: from the first. Nothing reads it yet.';

-- Null takes no room in a row: who posts writes not a byte more.
ALTER TABLE linkspan_shard.message ADD COLUMN edited_number bigint;
COMMENT ON COLUMN linkspan_shard.message.edited_number IS 'The event of its log that last edited it; null: none did, or before this was noted, when no side had parted.';

ALTER TABLE linkspan_shard.message_version
    ADD COLUMN edited_number     bigint NOT NULL DEFAULT 0,
    ADD COLUMN replaced_number   bigint NOT NULL DEFAULT 0,
    ADD COLUMN mention_group_ids uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN mention_ids       uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN words             tsvector,
    ADD CONSTRAINT message_version_mentions CHECK (cardinality(mention_group_ids) = cardinality(mention_ids));
ALTER TABLE linkspan_shard.message_version ALTER COLUMN words SET STATISTICS 0;
CREATE INDEX message_version_found ON linkspan_shard.message_version USING gin (words) WITH (gin_pending_list_limit = 64) WHERE words IS NOT NULL;
COMMENT ON COLUMN linkspan_shard.message_version.edited_number     IS 'The event of the message''s log that wrote this; 0: it was posted so, or before this was noted.';
COMMENT ON COLUMN linkspan_shard.message_version.replaced_number   IS 'The event of the message''s log that edited this away; 0: before this was noted, when no side had parted.';
COMMENT ON COLUMN linkspan_shard.message_version.mention_group_ids IS 'The groups of the users whom it named, in the order of mention_ids.';
COMMENT ON COLUMN linkspan_shard.message_version.mention_ids       IS 'The users whom it named.';
COMMENT ON COLUMN linkspan_shard.message_version.words             IS 'As in message_words, where a side that parted goes on reading this version; else null.';

ALTER TABLE linkspan_shard.reaction ADD COLUMN event_number bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN linkspan_shard.reaction.event_number IS 'The event of the message''s log that added it; 0: before this was noted, when no side had parted.';

ALTER TABLE linkspan_shard.channel_user
    ADD COLUMN public_number bigint NOT NULL DEFAULT 0,
    ADD COLUMN former_names  jsonb  NOT NULL DEFAULT '[]';
COMMENT ON COLUMN linkspan_shard.channel_user.public_number IS 'The public event since which the others know that public_name; 0: since before this was noted, when no side had parted.';
COMMENT ON COLUMN linkspan_shard.channel_user.former_names  IS 'Public names from before that a side that parted goes on reading, each {"name", "since", "until"} with the public events that began and ended it.';

-- +goose Down

ALTER TABLE linkspan_shard.channel_user DROP COLUMN former_names, DROP COLUMN public_number;
ALTER TABLE linkspan_shard.reaction DROP COLUMN event_number;
DROP INDEX linkspan_shard.message_version_found;
ALTER TABLE linkspan_shard.message_version
    DROP CONSTRAINT message_version_mentions,
    DROP COLUMN words,
    DROP COLUMN mention_ids,
    DROP COLUMN mention_group_ids,
    DROP COLUMN replaced_number,
    DROP COLUMN edited_number;
ALTER TABLE linkspan_shard.message DROP COLUMN edited_number;
ALTER TABLE linkspan_shard.channel_side
    DROP COLUMN visible_from,
    DROP COLUMN linked_number,
    DROP COLUMN frozen_initiator_name,
    DROP COLUMN frozen_initiator_handle,
    DROP COLUMN frozen_initiator_group_id,
    DROP COLUMN frozen_topic,
    DROP COLUMN unlinked_at;
