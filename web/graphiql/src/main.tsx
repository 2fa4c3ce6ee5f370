import "./workers.js";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "./style.css";
import { Component, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { GraphiQL } from "graphiql";
import { Bar } from "./bar.js";
import { Feeds } from "./feeds.js";
import { fetcherOver } from "./fetcher.js";
import { headersToFill, pageUser } from "./identity.js";
import { startOver, storage } from "./storage.js";
import { demoTabs } from "./tabs.js";

const feeds = new Feeds();
const fetcher = fetcherOver(feeds);

function Page() {
  return (
    <GraphiQL
      fetcher={fetcher}
      storage={storage}
      defaultTabs={demoTabs}
      defaultQuery=""
      {...(pageUser === null ? { defaultHeaders: headersToFill } : {})}
      defaultEditorToolsVisibility={pageUser === null ? "headers" : "variables"}
      onTabChange={({ tabs, activeTabIndex }) => feeds.tabsAre(tabs, activeTabIndex)}
    >
      <GraphiQL.Logo>GraphiQL</GraphiQL.Logo>
      <Bar feeds={feeds} />
    </GraphiQL>
  );
}

/** What is shown when the page breaks, as by something that an older one has kept. */
class Boundary extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };
  static getDerivedStateFromError() {
    return { broken: true };
  }
  override render() {
    if (!this.state.broken) return this.props.children;
    return (
      <p className="broken">
        GraphiQL has stopped. <button onClick={startOver}>Forget all tabs and start over</button>
      </p>
    );
  }
}

if (pageUser !== null) document.title = `Linkspan · GraphiQL as ${pageUser}`;
createRoot(document.getElementById("page")!).render(
  <Boundary>
    <Page />
  </Boundary>,
);
