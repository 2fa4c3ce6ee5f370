// The tabs that a newcomer meets: the main job and a conversation for both sides, then an approval and a parting, from left
// to right, each executed by one press.

import { headersToFill, naming, pageUser } from "./identity.js";

interface DemoTab {
  user: string;
  query: string;
  variables?: Record<string, string>;
}

const tabs: DemoTab[] = [
  {
    user: "gil@globex",
    query: `
# 1. Globex listens. Press play, then open the
#    next tab: what arrives is counted above.
subscription GlobexListens {
  invitationReceived {
    at
    invitation {
      id
      proposedName
      note
      state
      sentBy { name }
      fromGroup { name }
    }
  }
}
`,
  },
  {
    user: "ana@acme",
    query: `
# 2. Acme asks globex to share a channel. In
#    the variables, <fresh> is new each time.
mutation AcmeAsks($name: String!) {
  createSharedChannel(
    input: {
      target: { handle: "globex" }
      name: $name
      note: "Shall we plan it together?"
    }
  ) {
    sharedChannel { id name state }
    invitation { id state expiresAt }
    errors { code message }
  }
}
`,
    variables: { name: "launch-<fresh>" },
  },
  {
    user: "gil@globex",
    query: `
# 3. Globex accepts the newest invitation, and
#    gives the channel a name of its own.
mutation GlobexAccepts(
  $invitation: ID!
  $name: String
) {
  acceptSharedChannel(
    input: {
      invitationId: $invitation
      name: $name
    }
  ) {
    sharedChannel { id name state }
    invitation { state resolvedBy { name } }
    errors { code message }
  }
}
`,
    variables: { invitation: "<newest invitation>", name: "rocket-<fresh>" },
  },
  {
    user: "ana@acme",
    query: `
# 4. Acme follows what is said in the channel.
#    Press play here and in the next tab.
subscription AcmeFollows($channel: ID!) {
  channelEvents(channelId: $channel) {
    __typename
    at
    actor { name }
    ... on MessagePosted {
      message { id body audience }
    }
    ... on MessageEdited {
      message { id body audience }
    }
    ... on MessageDeleted { message { id } }
    ... on ReactionChanged {
      message { id }
      emoji
      added
    }
  }
}
`,
    variables: { channel: "<newest channel>" },
  },
  {
    user: "gil@globex",
    query: `
# 5. Globex follows what is said in the channel.
#    What comes is counted above.
subscription GlobexFollows($channel: ID!) {
  channelEvents(channelId: $channel) {
    __typename
    at
    actor { name }
    ... on MessagePosted {
      message { id body audience }
    }
    ... on MessageEdited {
      message { id body audience }
    }
    ... on MessageDeleted { message { id } }
    ... on ReactionChanged {
      message { id }
      emoji
      added
    }
  }
}
`,
    variables: { channel: "<newest channel>" },
  },
  {
    user: "ana@acme",
    query: `
# 6. Acme says something. Globex hears it: see
#    the tab before.
mutation AcmePosts($channel: ID!, $body: String!) {
  postMessage(
    input: { channelId: $channel, body: $body }
  ) {
    message { id body audience state }
    errors { code message }
  }
}
`,
    variables: { channel: "<newest channel>", body: "Hello @Gil, shall we begin? (<fresh>)" },
  },
  {
    user: "gil@globex",
    query: `
# 7. Globex talks among itself, and answers.
#    Acme hears the answer alone: see tab 4.
mutation GlobexPosts(
  $channel: ID!
  $alone: String!
  $answer: String!
) {
  alone: postMessage(
    input: {
      channelId: $channel
      body: $alone
      audience: OWN_GROUP
    }
  ) {
    message { id audience }
    errors { code message }
  }
  answer: postMessage(
    input: { channelId: $channel, body: $answer }
  ) {
    message { id audience }
    errors { code message }
  }
}
`,
    variables: { channel: "<newest channel>", alone: "Are we ready? (<fresh>)", answer: "We are. (<fresh>)" },
  },
  {
    user: "ana@acme",
    query: `
# 8. Acme sees it: one channel, two sides, and
#    what was said to everyone.
query AcmeSees {
  viewer {
    user { name }
    sharedChannels(first: 1) {
      nodes {
        id
        name
        state
        messages(last: 20) {
          nodes {
            body
            audience
            author { name }
          }
        }
        sides { name group { name } }
      }
    }
  }
}
`,
  },
  {
    user: "gil@globex",
    query: `
# 9. Globex sees it: the same id, its own name,
#    and what was said to globex alone too.
query GlobexSees {
  viewer {
    user { name }
    sharedChannels(first: 1) {
      nodes {
        id
        name
        state
        messages(last: 20) {
          nodes {
            body
            audience
            author { name }
          }
        }
        sides { name group { name } }
      }
    }
  }
}
`,
  },
  {
    user: "gil@globex",
    query: `
# 10. From now on members of globex may say yes
#     to others, and an admin has to agree. The
#     version becomes a number when it is sent.
mutation GlobexWantsApproval($version: Int!) {
  setSharingPolicy(
    input: {
      whoMayAccept: MEMBERS
      incomingApproval: true
      expectedVersion: $version
    }
  ) {
    policy {
      version
      whoMayAccept
      incomingApproval
    }
    errors { code message }
  }
}
`,
    variables: { version: "<policy version>" },
  },
  {
    user: "ana@acme",
    query: `
# 11. Acme asks globex to share one more channel.
mutation AcmeAsksAgain($name: String!) {
  createSharedChannel(
    input: {
      target: { handle: "globex" }
      name: $name
    }
  ) {
    sharedChannel { id name state }
    invitation { id state }
    errors { code message }
  }
}
`,
    variables: { name: "review-<fresh>" },
  },
  {
    user: "hua@globex",
    query: `
# 12. Hua, a member of globex, says yes. That
#     waits for an admin: there is no channel yet.
mutation HuaAccepts($invitation: ID!) {
  acceptSharedChannel(
    input: { invitationId: $invitation }
  ) {
    sharedChannel { id }
    invitation {
      state
      waiting { name }
      awaiting { name }
    }
    errors { code message }
  }
}
`,
    variables: { invitation: "<newest invitation>" },
  },
  {
    user: "gil@globex",
    query: `
# 13. Gil, an admin, agrees: they are linked. And
#     the policy is as before: null is the default.
mutation GilApproves(
  $invitation: ID!
  $version: Int!
) {
  approveInvitation(
    input: { invitationId: $invitation }
  ) {
    sharedChannel { id name state }
    invitation {
      state
      history { deed state actor { name } }
    }
    errors { code message }
  }
  setSharingPolicy(
    input: {
      whoMayAccept: null
      incomingApproval: null
      expectedVersion: $version
    }
  ) {
    policy {
      version
      whoMayAccept
      incomingApproval
    }
    errors { code message }
  }
}
`,
    variables: { invitation: "<awaited approval>", version: "<policy version>" },
  },
  {
    user: "gil@globex",
    query: `
# 14. Globex says a last word, and leaves.
mutation GlobexLeaves(
  $channel: ID!
  $body: String!
) {
  postMessage(
    input: { channelId: $channel, body: $body }
  ) {
    message { id body }
    errors { code message }
  }
  leaveSharedChannel(
    input: {
      channelId: $channel
      reason: "We are done."
    }
  ) {
    sharedChannel { id name state }
    errors { code message }
  }
}
`,
    variables: { channel: "<newest channel>", body: "It was a pleasure. (<fresh>)" },
  },
  {
    user: "ana@acme",
    query: `
# 15. Acme goes on without globex.
mutation AcmeGoesOn($channel: ID!, $body: String!) {
  postMessage(
    input: { channelId: $channel, body: $body }
  ) {
    message { id body }
    errors { code message }
  }
}
`,
    variables: { channel: "<newest channel>", body: "Now it is only us. (<fresh>)" },
  },
  {
    user: "gil@globex",
    query: `
# 16. Globex goes on reading what it knew, and
#     nothing of what came later.
query GlobexReadsOn($channel: ID!) {
  node(id: $channel) {
    ... on SharedChannel {
      id
      name
      state
      messages(last: 20) {
        nodes {
          body
          author { name }
        }
      }
    }
  }
}
`,
    variables: { channel: "<newest parting>" },
  },
];

const signedIn = pageUser !== null;

/** In the form that GraphiQL takes. Where the page signs nobody in, each tab says whose token it needs. */
export const demoTabs = tabs.map(({ user, query, variables }) => ({
  query: signedIn
    ? naming(query.trimStart(), user)
    : `# Into Headers, below, goes what this prints:\n#   bin/linkspan token ${user}\n${query.trimStart()}`,
  variables: variables === undefined ? "" : JSON.stringify(variables, null, 2),
  headers: signedIn ? "" : headersToFill,
}));

/** Whom the bar offers: those of the demo data, and the page's own. */
export const offeredUsers = [
  ...new Set([pageUser, "ana@acme", "ben@acme", "gil@globex", "hua@globex", "ivy@initech"].filter((user) => user !== null)),
];
