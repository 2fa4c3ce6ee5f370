// The GraphiQL page, as a person uses it.

import type { WatchedPage } from "./browser.js";

const PATIENCE_MS = 20_000;
const TICK_MS = 20;

/** The tabs that it opens with. */
export const STEPS = [
  "GlobexListens", "AcmeAsks", "GlobexAccepts", "AcmeFollows", "GlobexFollows", "AcmePosts", "GlobexPosts", "AcmeSees", "GlobexSees",
  "GlobexWantsApproval", "AcmeAsksAgain", "HuaAccepts", "GilApproves", "GlobexLeaves", "AcmeGoesOn", "GlobexReadsOn",
];

type Editor = "operation.graphql" | "variables.json" | "request-headers.json" | "response.json";

/** What Monaco, which GraphiQL makes known to the page, is asked here. */
interface Monaco {
  editor: { getModels(): { uri: { path: string }; getValue(): string; setValue(text: string): void }[] };
}

export interface Answer {
  data?: any; // of whatever operation
  errors?: { message: string; extensions?: { code: string } }[];
}

export class GraphiQLPage {
  readonly watched: WatchedPage;

  constructor(watched: WatchedPage) {
    this.watched = watched;
  }

  /** Waits until operations can be executed. */
  async ready(): Promise<this> {
    await this.page.locator(".graphiql-query-editor .view-line").first().waitFor();
    await this.until("the editors are there", async () => (await this.text("response.json").catch(() => undefined)) !== undefined);
    return this;
  }

  get page() {
    return this.watched.page;
  }

  /** Opens the tab of that operation. */
  async open(operation: string): Promise<void> {
    await this.page.locator(`.graphiql-tab-button[title="${operation}"]`).click();
  }

  async close(operation: string): Promise<void> {
    await this.page.locator(`.graphiql-tab-button[title="${operation}"] + button`).click();
  }

  /** The titles of all tabs. */
  async tabs(): Promise<string[]> {
    return await this.page.locator(".graphiql-tab-button").evaluateAll((tabs) => tabs.map((tab) => (tab as { title?: string }).title ?? ""));
  }

  async openNew(): Promise<void> {
    await this.page.getByRole("button", { name: "New tab" }).click();
  }

  /** Presses the play button, which is a stop button while something goes on. */
  async press(): Promise<void> {
    await this.page.locator(".graphiql-execute-button").click();
  }

  /** Presses it and waits for an answer. */
  async execute(): Promise<Answer> {
    await this.press();
    return await this.answer();
  }

  /** Opens a tab, presses the button, and returns what it answers. */
  async play(operation: string): Promise<Answer> {
    await this.open(operation);
    return await this.execute();
  }

  /** Waits for an answer in the open tab. */
  async answer(expected: (answer: Answer) => boolean = () => true): Promise<Answer> {
    let answer: Answer = {};
    await this.until("an answer", async () => {
      const text = await this.text("response.json");
      if (text === "") return false;
      answer = JSON.parse(text) as Answer;
      return expected(answer);
    });
    return answer;
  }

  /** What the line at the top says of who listens. */
  async listening(): Promise<string> {
    return (await this.page.locator(".bar-listening").innerText()).trim();
  }

  /** How many events it says that the tab of that operation has got. */
  async events(operation: string): Promise<number> {
    return Number(new RegExp(`${operation}: (\\d+) events?,`).exec(await this.listening())?.[1] ?? 0);
  }

  async text(editor: Editor): Promise<string> {
    return await this.page.evaluate((name) => {
      const { __MONACO: monaco } = globalThis as unknown as { __MONACO: Monaco };
      const model = monaco.editor.getModels().find(({ uri }) => uri.path.endsWith(name));
      if (model === undefined) throw new Error(`no editor ${name}`);
      return model.getValue();
    }, editor);
  }

  /** Replaces what is in an editor. */
  async type(editor: Editor, text: string): Promise<void> {
    await this.page.evaluate(([name, typed]) => {
      const { __MONACO: monaco } = globalThis as unknown as { __MONACO: Monaco };
      monaco.editor.getModels().find(({ uri }) => uri.path.endsWith(name))?.setValue(typed);
    }, [editor, text] as const);
  }

  /** All that the browser keeps of the page. */
  async kept(): Promise<string> {
    const storage = await this.page.evaluate("JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie])");
    return String(storage) + JSON.stringify(await this.page.context().cookies());
  }

  async until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!(await condition())) {
      if (Date.now() > deadline) throw new Error(`not within ${PATIENCE_MS} ms: ${what}; ${await this.describe()}`);
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
  }

  private async describe(): Promise<string> {
    const editors = ["operation.graphql", "response.json"] as const;
    return (await Promise.all(editors.map((editor) => this.text(editor).catch(String)))).join("\n");
  }
}
