package check_test

// frozenPlants are those of what a side that parted reads by.
var frozenPlants = []plant{
	{"edited-number", "shards", `UPDATE linkspan_shard.message SET edited_number = edited_number + 1 WHERE state = 'EDITED'`, ""},
	{"edited-number", "shards", `UPDATE linkspan_shard.message SET edited_number = NULL WHERE state = 'EDITED'`, ""},
	{"edited-number", "shards", `UPDATE linkspan_shard.message SET edited_number = 1000 WHERE state = 'POSTED'`, ""},
	{"version-number", "shards", `UPDATE linkspan_shard.message_version SET replaced_number = replaced_number + 1`, ""},
	{"version-number", "shards", `UPDATE linkspan_shard.message_version SET edited_number = replaced_number`, ""},
	{"version-number", "shards", `UPDATE linkspan_shard.message_version SET edited_number = 1`, ""},
	{"version-number", "shards", `UPDATE linkspan_shard.message_version SET words = ''`, ""},
	{"reaction-number", "shards", `UPDATE linkspan_shard.reaction SET event_number = event_number - 1`, ""},
	{"reaction-number", "shards", `UPDATE linkspan_shard.reaction SET event_number = 1000`, ""},
	{"public-number", "shards", `UPDATE linkspan_shard.channel_user SET public_number = 1000 WHERE public_name IS NOT NULL`, ""},
	{"public-number", "shards", `UPDATE linkspan_shard.channel_user SET public_name = NULL, public_name_key = NULL, public_at = NULL`, ""},
	{"public-number", "shards", `UPDATE linkspan_shard.channel_user SET former_names = '[{"name": "x", "since": 3, "until": 2}]'`, ""},
	{"public-number", "shards", `UPDATE linkspan_shard.channel_user SET former_names = '[{"name": "x", "since": 1, "until": 1000}]'`, ""},
	{"side-frozen", "shards", `UPDATE linkspan_shard.channel_side SET unlinked_at = now() WHERE role = 'TARGET'`, ""},
	{"side-frozen", "shards", `UPDATE linkspan_shard.channel_side SET frozen_topic = 'before'`, ""},
	{"side-frozen", "shards", `UPDATE linkspan_shard.channel_side SET state = 'LEFT', unlinked_after = 5 WHERE role = 'TARGET'`, ""},
	{"side-frozen", "shards", `UPDATE linkspan_shard.channel_side SET linked_number = linked_number + 2`, ""},
}
