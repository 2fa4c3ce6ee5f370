// Where GraphiQL keeps tabs and history: the browser's localStorage, with three differences. Pages with and without `?as=`
// have different tabs. Headers are never kept, for a token may be in them. And what can't be read is as if it were not
// there, so that nothing that is kept can keep the page from opening.

import { pageUser } from "./identity.js";

const PREFIX = `linkspan:${pageUser === null ? "headers" : "as"}:`;
const TABS = "graphiql:tabState";
const LISTS = ["graphiql:queries", "graphiql:favorites"];
const EDITORS = ["graphiql:query", "graphiql:variables", "graphiql:headers"];

let closed = false;

export const storage = {
  getItem(key: string): string | null {
    // GraphiQL keeps what the editors hold beside the tabs, and opens one tab more where the two differ.
    if (key === "graphiql:query") return openTab()?.query ?? null;
    if (key === "graphiql:variables") return openTab()?.variables ?? null;
    if (key === "graphiql:headers") return null;
    const text = localStorage.getItem(PREFIX + key);
    if (key === TABS) return openTab() === undefined ? null : withoutHeaders(text ?? "");
    return LISTS.includes(key) && !isList(text, key) ? null : text;
  },
  setItem(key: string, value: string): void {
    if (closed || EDITORS.includes(key)) return;
    if (key === TABS || LISTS.includes(key)) value = withoutHeaders(value);
    localStorage.setItem(PREFIX + key, value);
  },
  removeItem(key: string): void {
    localStorage.removeItem(PREFIX + key);
  },
  clear(): void {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(PREFIX)) localStorage.removeItem(key);
    }
  },
  get length(): number {
    return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)).length;
  },
};

/** Forgets all tabs and opens the page anew. */
export function startOver(): void {
  storage.clear();
  closed = true; // GraphiQL stores tabs late
  location.reload();
}

interface Tab {
  query?: string | null;
  variables?: string | null;
}

function openTab(): Tab | undefined {
  const kept = parsed(localStorage.getItem(PREFIX + TABS)) as { tabs?: Tab[]; activeTabIndex?: number } | null;
  return Array.isArray(kept?.tabs) ? kept.tabs[kept.activeTabIndex ?? 0] : undefined;
}

function isList(text: string | null, key: string): boolean {
  const kept = parsed(text) as Record<string, unknown> | null;
  return Array.isArray(kept?.[key.replace("graphiql:", "")]);
}

function withoutHeaders(text: string): string {
  return JSON.stringify(parsed(text), (key, value: unknown) => (key === "headers" ? null : value));
}

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}
