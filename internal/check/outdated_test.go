package check_test

// outdatedPlants are those of what groups keep no longer.
var outdatedPlants = []plant{
	{"side-cleared", "shards", `UPDATE linkspan_shard.channel_side SET cleared_number = 1000000`, ""},
	{"side-cleared", "shards", `UPDATE linkspan_shard.channel_side SET cleared_private = 1000000`, ""},
	{"side-retention", "shards", `UPDATE linkspan_shard.channel_side SET retention_days = 1, retention_due_at = now() + interval '2 days'`, ""},
	{"channel-side", "shards", `UPDATE linkspan_shard.channel_side SET retention_days = 7, retention_due_at = now() + interval '1 hour'`, ""},
	{"event-message", "shards", `UPDATE linkspan_shard.channel_event SET actor_id = NULL WHERE kind = 'MESSAGE_DELETED'`, ""},
	{"message-tombstone", "shards", `UPDATE linkspan_shard.channel_event SET actor_group_id = NULL, actor_id = NULL WHERE kind = 'MESSAGE_DELETED'`, ""},
}
