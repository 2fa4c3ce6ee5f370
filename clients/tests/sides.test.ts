// Apollo renames a channel, for its own group and as others see it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AddChannelMemberDocument, ChannelEventsDocument, RemoveChannelMemberDocument, UpdateChannelSideDocument, ViewerDocument } from "../generated/operations.js";
import { happened, present, refused } from "../support/expect.js";
import { limits, useLinkspan } from "../support/linkspan.js";
import { post, read, seen, share } from "../support/steps.js";

describe("a group's own side of a channel", limits, () => {
  const linkspan = useLinkspan();

  test("a rename is told to both, a hidden name to nobody else, and of two the second is refused", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const channelId = await share(acme, globex, "launch");
    const heard = acme.member.follow(ChannelEventsDocument, { channelId });
    await heard.until(({ channelEvents }) => channelEvents.__typename === "ChannelCheckpoint");

    const { version } = present(await seen(globex.admin, channelId)).viewerSide;
    const input = { channelId, name: "rocket", topic: "Ours alone", expectedVersion: version };
    const renamed = present(happened((await globex.admin.mutate(UpdateChannelSideDocument, input)).updateChannelSide).sharedChannel);
    assert.deepEqual([renamed.name, renamed.topic], ["rocket", "Ours alone"]);
    refused((await globex.admin.mutate(UpdateChannelSideDocument, input)).updateChannelSide, "VERSION_CONFLICT", ["input", "expectedVersion"]);
    await heard.until(({ channelEvents }) => channelEvents.__typename === "ChannelChanged");
    const name = async () => present(await seen(acme.member, channelId)).sides.find(({ group }) => group.id === globex.id)?.name;
    assert.deepEqual([await name(), present(await seen(acme.member, channelId)).topic], ["rocket", null]);

    const hidden = { channelId, nameVisible: false, expectedVersion: renamed.viewerSide.version };
    const after = present(happened((await globex.admin.mutate(UpdateChannelSideDocument, hidden)).updateChannelSide).sharedChannel);
    assert.equal(await name(), null);

    const kept = { channelId, retentionDays: 30, expectedVersion: after.viewerSide.version };
    refused((await globex.admin.mutate(UpdateChannelSideDocument, { ...kept, retentionDays: 0 })).updateChannelSide, "INVALID_INPUT", ["input", "retentionDays"]);
    happened((await globex.admin.mutate(UpdateChannelSideDocument, kept)).updateChannelSide);
  });

  test("a channel that is for members alone is there for those whom an admin lists", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const channelId = await share(acme, globex, "launch");
    await post(globex.member, channelId, "I am known now");
    const heard = globex.member.follow(ChannelEventsDocument, { channelId });
    await heard.until(({ channelEvents }) => channelEvents.__typename === "ChannelCheckpoint");

    const { version } = present(await seen(globex.admin, channelId)).viewerSide;
    happened((await globex.admin.mutate(UpdateChannelSideDocument, { channelId, visibility: "MEMBERS", expectedVersion: version })).updateChannelSide);
    assert.equal(await seen(globex.member, channelId), null);
    await post(acme.member, channelId, "among us");
    await assert.rejects(heard.next(), /completed/);

    const userId = present((await globex.member.query(ViewerDocument, {})).viewer).user.id;
    const { viewerSide } = present(happened((await globex.admin.mutate(AddChannelMemberDocument, { channelId, userId })).addChannelMember).sharedChannel);
    assert.deepEqual([viewerSide.visibility, viewerSide.members?.nodes.map((user) => user?.id)], ["MEMBERS", [userId]]);
    assert.deepEqual((await read(globex.member, channelId, { first: 10 })).bodies, ["I am known now", "among us"]);
    happened((await globex.admin.mutate(RemoveChannelMemberDocument, { channelId, userId })).removeChannelMember);
    assert.equal(await seen(globex.member, channelId), null);
  });
});
