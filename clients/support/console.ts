// Apollo says on the console what it thinks of the data: a field that the cache may lose, a field that is missing. In
// these tests that is a failure. It says so in its development build alone: node --conditions=development.

import { format } from "node:util";
import { loadDevMessages, loadErrorMessages } from "@apollo/client/dev";

loadDevMessages();
loadErrorMessages();

let complaints: string[] = [];
for (const method of ["warn", "error"] as const) {
  console[method] = (...args) => void complaints.push(`console.${method}: ${format(...args)}`);
}

/** What was said on the console since it was last asked. */
export function takeComplaints(): string[] {
  const taken = complaints;
  complaints = [];
  return taken;
}
