// What is asked of schema.graphqls and of clients/operations.graphql: all that graphql-eslint recommends, and Relay's rules.
// Each exception says why.

import graphql from "@graphql-eslint/eslint-plugin";

const { configs, parser } = graphql;

export default [
  {
    files: ["**/*.graphqls", "**/*.graphql"],
    plugins: { "@graphql-eslint": graphql },
    languageOptions: {
      parser,
      parserOptions: { graphQLConfig: { schema: "schema.graphqls", documents: "clients/operations.graphql" } },
    },
  },
  {
    files: ["**/*.graphqls"],
    rules: {
      ...configs["flat/schema-recommended"].rules,
      ...configs["flat/schema-relay"].rules,
      // Everything, not types and root fields alone.
      "@graphql-eslint/require-description": [
        "error",
        {
          types: true,
          rootField: true,
          DirectiveDefinition: true,
          FieldDefinition: true,
          InputValueDefinition: true,
          EnumValueDefinition: true,
        },
      ],
      "@graphql-eslint/strict-id-in-types": [
        "error",
        {
          exceptions: {
            // Answers, and pages of lists, are not kept by themselves: the objects in them have ids.
            types: [
              "PageInfo",
              // Of an invitation and of a group, which have ids.
              "InvitationTransition",
              "SharingPolicy",
              "SharingAnswer",
              // Of a group's audit: its number names it, and it never changes.
              "AuditEntry",
              "AuditedPolicy",
              // Events, which their cursor names.
              "InvitationReceived",
              "InvitationChanged",
              "SharedChannelLinked",
              "InboxCheckpoint",
              "MessagePosted",
              "MessageEdited",
              "MessageDeleted",
              "ReactionChanged",
              "GroupLinked",
              "GroupUnlinked",
              "ChannelChanged",
              "ChannelCheckpoint",
              // Word of a channel that moved; the channel has an id.
              "ChannelActivity",
              // Parts of a message, which are read and kept with it: its emoji names a reaction, its place a version.
              "Reaction",
              "MessageVersion",
            ],
            suffixes: ["Connection", "Edge", "Payload", "Error"],
          },
        },
      ],
      // The contract has lists that are no pages: `nodes`, `errors`, `path`, `sides`. Each has a bound of its own.
      "@graphql-eslint/relay-edge-types": ["error", { listTypeCanWrapOnlyEdgeType: false }],
    },
  },
  { files: ["**/*.graphql"], rules: configs["flat/operations-recommended"].rules },
];
