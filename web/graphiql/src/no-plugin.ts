// In place of prettier's plugins, which src/format.ts does without. See config.mjs.

export const printers = {};
export const parsers = {};
