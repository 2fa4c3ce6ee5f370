import type { TypedDocumentNode } from "@apollo/client";
import { withParameters, request } from "./http.js";
import { within } from "./deadline.js";

const EVENT_MS = 15_000;

/** An event as HTML's "Server-sent events" has it. */
export interface ServerEvent {
  readonly type: string;
  /** Of this event or of the last one before it that had one. */
  readonly id: string;
  readonly data: string;
}

/** Server-Sent Events as a browser's EventSource reads them, but with headers, and by POST too. */
export class EventStream {
  readonly #aborting = new AbortController();
  readonly #method: "GET" | "POST";
  #events: AsyncGenerator<ServerEvent> | undefined;

  constructor(method: "GET" | "POST") {
    this.#method = method;
  }

  /** Opens the stream, and returns when the server has begun to answer. */
  async open<Data, Variables extends Record<string, unknown>>(
    url: string, document: TypedDocumentNode<Data, Variables>, variables: Variables, headers: Record<string, string>,
  ): Promise<Response> {
    const asked = request(document, variables);
    const init = { signal: this.#aborting.signal, headers: { Accept: "text/event-stream", ...headers } };
    const response = await within(EVENT_MS, "a stream", this.#method === "GET"
      ? fetch(withParameters(url, asked), init)
      : fetch(url, { ...init, method: "POST", headers: { ...init.headers, "Content-Type": "application/json" }, body: JSON.stringify(asked) }));
    this.#events = read(response);
    return response;
  }

  /** The next event; undefined: the stream has ended. */
  async next(): Promise<ServerEvent | undefined> {
    const { value } = await within(EVENT_MS, "an event", this.#events?.next() ?? Promise.reject(new Error("not open")));
    return value as ServerEvent | undefined;
  }

  /** So many next events, which must come. */
  async take(count: number): Promise<ServerEvent[]> {
    const events: ServerEvent[] = [];
    while (events.length < count) {
      const event = await this.next();
      if (event === undefined) throw new Error(`the stream ended after ${events.length} events`);
      events.push(event);
    }
    return events;
  }

  /** Cuts it, as a lost network does. */
  abort(): void {
    this.#aborting.abort();
  }
}

async function* read(response: Response): AsyncGenerator<ServerEvent> {
  let [type, id, data]: [string, string, string[]] = ["", "", []];
  for await (const line of lines(response)) {
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (field === "event") type = value ?? "";
    if (field === "id") id = value ?? "";
    if (field === "data") data.push(value ?? "");
    if (line !== "") continue;
    if (data.length > 0) yield { type, id, data: data.join("\n") };
    [type, data] = ["", []];
  }
}

async function* lines(response: Response): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const whole = (rest + chunk).split("\n");
    rest = whole.pop() ?? "";
    yield* whole;
  }
}
