// The line above GraphiQL: as whom the open tab acts, and which tabs listen.

import { useEffect, useSyncExternalStore } from "react";
import { createPortal } from "react-dom";
import { pick, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import type { Feeds, Listening } from "./feeds.js";
import { actsByHeader, namedIn, naming, pageUser } from "./identity.js";
import { startOver } from "./storage.js";
import { offeredUsers } from "./tabs.js";

export function Bar({ feeds }: { feeds: Feeds }) {
  const { tabs, activeTabIndex } = useGraphiQL(pick("tabs", "activeTabIndex"));
  const { run, stop, changeTab } = useGraphiQLActions();
  const listening = useSyncExternalStore(feeds.watch, feeds.listening);
  useEffect(() => {
    feeds.attach({ run, stop });
    feeds.tabsAre(tabs, activeTabIndex);
  }, []);

  const open = (listener: Listening): void => changeTab(tabs.findIndex(({ id }) => id === listener.tab));
  return createPortal(
    <>
      <strong className="bar-name">Linkspan</strong>
      <Identity document={tabs[activeTabIndex]?.query ?? ""} headers={tabs[activeTabIndex]?.headers ?? ""} />
      <output className="bar-listening" aria-live="polite">
        {listening.map((listener) => (
          <button key={listener.tab} type="button" className="bar-listener" onClick={() => open(listener)}>
            <b key={listener.events}>●</b> {listener.name}: {told(listener)}
          </button>
        ))}
      </output>
      <button type="button" className="bar-button" onClick={askToStartOver}>
        Start over
      </button>
    </>,
    document.getElementById("bar")!,
  );
}

function Identity({ document, headers }: { document: string; headers: string }) {
  if (actsByHeader(headers)) return <ActsByHeader />;
  return pageUser === null ? <SignedOut /> : <ActsAs document={document} user={pageUser} />;
}

function ActsByHeader() {
  return (
    <label>
      This tab acts by{" "}
      <select className="bar-user" disabled>
        <option>its Authorization header</option>
      </select>
    </label>
  );
}

function ActsAs({ document, user }: { document: string; user: string }) {
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const acting = namedIn(document) ?? user;
  const act = (as: string): void => {
    const model = queryEditor?.getModel();
    if (!model) return;
    const edit = { range: model.getFullModelRange(), text: naming(model.getValue(), as) };
    model.pushEditOperations([], [edit], () => null); // it can be undone
  };
  return (
    <label>
      This tab acts as{" "}
      <select className="bar-user" value={acting} onChange={(event) => act(event.target.value)}>
        {[...new Set([...offeredUsers, acting])].map((each) => (
          <option key={each}>{each}</option>
        ))}
      </select>
    </label>
  );
}

function SignedOut() {
  return (
    <span>
      Nobody is signed in: put a token into each tab&rsquo;s Headers, or with <code>linkspan dev</code> open{" "}
      <a href="?as=ana@acme">?as=ana@acme</a>
    </span>
  );
}

function told({ events, lastAt }: Listening): string {
  if (lastAt === undefined) return "listening";
  return `${events} ${events === 1 ? "event" : "events"}, the last at ${lastAt.toLocaleTimeString()}`;
}

function askToStartOver(): void {
  if (confirm("Put the demo's tabs in place of all tabs, and forget the history?")) startOver();
}
