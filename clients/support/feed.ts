import { Observable, type Subscription } from "rxjs";
import { within } from "./deadline.js";

const EVENT_MS = 15_000;

/** Where graphql-ws and graphql-sse hand over what comes. */
export interface Sink<Result> {
  next(result: Result): void;
  error(error: unknown): void;
  complete(): void;
}

/** What a subscription delivers, to be taken one after the other. */
export class Feed<Event> {
  readonly #arrived: Event[] = [];
  readonly #subscription: Subscription;
  #ended: Error | undefined;
  #wake: () => void = () => {};

  constructor(results: Observable<{ data?: Event | undefined; error?: Error | undefined }>) {
    this.#subscription = results.subscribe({
      next: ({ data, error }) => {
        if (data !== undefined) this.#arrived.push(data);
        if (error !== undefined) this.#ended ??= error;
        this.#wake();
      },
      error: (error: Error) => {
        this.#ended ??= error;
        this.#wake();
      },
      complete: () => {
        this.#ended ??= new Error("the server completed the subscription");
        this.#wake();
      },
    });
  }

  /** The feed of what a client hands to a sink: each is a whole result, with data or errors. The function begins it. */
  static of<Result>(begin: (sink: Sink<Result>) => () => void): Feed<Result> {
    return new Feed(new Observable((observer) => begin({
      next: (data) => observer.next({ data }),
      error: (error) => observer.error(error),
      complete: () => observer.complete(),
    })));
  }

  /** The next event; rejects with why there will be none. */
  async next(): Promise<Event> {
    return await within(EVENT_MS, "an event", this.#next());
  }

  /** So many next events. */
  async take(count: number): Promise<Event[]> {
    const events: Event[] = [];
    while (events.length < count) events.push(await this.next());
    return events;
  }

  /** The events up to the first that is so, which is the last of them. */
  async until(last: (event: Event) => boolean): Promise<Event[]> {
    for (const events: Event[] = []; ; ) {
      const event = await this.next();
      events.push(event);
      if (last(event)) return events;
    }
  }

  close(): void {
    this.#subscription.unsubscribe();
  }

  async #next(): Promise<Event> {
    for (;;) {
      const event = this.#arrived.shift();
      if (event !== undefined) return event;
      if (this.#ended !== undefined) throw this.#ended;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
