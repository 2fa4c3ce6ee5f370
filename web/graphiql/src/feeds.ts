// What tabs have sent and still get answers for. GraphiQL ends a subscription when another tab is opened, and puts an
// answer that comes late into whichever tab is open then. Here each tab has its own feed, which goes on while the tab is
// away; when the tab is opened again GraphiQL is given what came last, and listens on.

import type { Observable, Unsubscribable } from "@graphiql/toolkit";
import type { Answer } from "./http.js";
import type { Sink } from "./socket.js";

/** Starts to send, and returns what ends it. */
export type Start = (sink: Sink) => () => void;

/** What is told of a subscription. */
export interface Listening {
  readonly tab: string;
  readonly name: string;
  readonly events: number;
  readonly lastAt: Date | undefined;
}

interface Observer {
  next(answer: Answer): void;
  complete(): void;
}

interface Feed {
  readonly tab: string;
  readonly name: string;
  readonly subscription: boolean;
  stop: () => void;
  observer?: Observer | undefined;
  last?: Answer;
  lastAt?: Date;
  events: number;
  ended: boolean;
}

/** What GraphiQL does when told. */
interface Actions {
  run(): unknown;
  stop(): unknown;
}

export class Feeds {
  #feeds = new Map<string, Feed>(); // by the tab's id
  #active = "";
  #changes = 0; // of tabs
  #resuming = false;
  #actions: Actions | undefined;
  #watchers = new Set<() => void>();
  #told: readonly Listening[] = [];

  /** To be told once, as soon as GraphiQL can be told to do something. */
  attach(actions: Actions): void {
    this.#actions = actions;
  }

  /** To be told whenever tabs or what is in them change, which is the open one among them. */
  tabsAre(tabs: readonly { id: string }[], activeIndex: number): void {
    this.#changes++;
    this.#active = tabs[activeIndex]?.id ?? "";
    for (const feed of this.#feeds.values()) {
      if (!tabs.some(({ id }) => id === feed.tab)) this.#drop(feed);
    }
    queueMicrotask(() => this.#sort()); // GraphiQL is in the middle of the change
  }

  /** The open tab sends something. In a tab that is opened again nothing is sent: it goes on with what it had. */
  send(name: string, subscription: boolean, start: Start): Observable<Answer> {
    const open = this.#feeds.get(this.#active);
    if (this.#resuming && open !== undefined) return this.#observe(open);
    if (open !== undefined) this.#drop(open);
    const feed: Feed = { tab: this.#active, name, subscription, stop: () => {}, events: 0, ended: false };
    this.#feeds.set(feed.tab, feed);
    const observable = this.#observe(feed);
    feed.stop = start({ next: (answer) => this.#next(feed, answer), end: () => this.#end(feed) });
    this.#tell();
    return observable;
  }

  /** The subscriptions that go on, and those whose end nobody has seen. */
  readonly listening = (): readonly Listening[] => this.#told;

  /** Has the watcher called when `listening` changes, until the function that is returned is called. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  #next(feed: Feed, answer: Answer): void {
    feed.last = answer;
    feed.lastAt = new Date();
    feed.events++;
    feed.observer?.next(answer);
    this.#tell();
  }

  #end(feed: Feed): void {
    feed.ended = true;
    if (feed.observer !== undefined) {
      feed.observer.complete();
      this.#forget(feed);
    }
    this.#tell();
  }

  #observe(feed: Feed): Observable<Answer> {
    const subscribe = (observer: Observer): Unsubscribable => {
      feed.observer = observer;
      queueMicrotask(() => {
        if (feed.observer !== observer) return;
        if (feed.last !== undefined) observer.next(feed.last);
        if (feed.ended) this.#end(feed);
      });
      return { unsubscribe: () => this.#release(feed) };
    };
    return { subscribe } as unknown as Observable<Answer>; // GraphiQL calls it in this one of its forms
  }

  /** GraphiQL no longer listens: because of a change of tabs, or because it was told to stop. */
  #release(feed: Feed): void {
    feed.observer = undefined;
    const changes = this.#changes;
    queueMicrotask(() => {
      if (feed.observer === undefined && feed.tab === this.#active && changes === this.#changes) this.#drop(feed);
    });
  }

  /** Has GraphiQL listen to the open tab's feed and to no other. */
  #sort(): void {
    for (const feed of this.#feeds.values()) {
      if (feed.tab !== this.#active && feed.observer !== undefined) this.#actions?.stop();
    }
    const open = this.#feeds.get(this.#active);
    if (open === undefined || open.observer !== undefined) return;
    this.#resuming = true;
    this.#actions?.run(); // which calls the fetcher before it returns
    this.#resuming = false;
  }

  #drop(feed: Feed): void {
    this.#forget(feed);
    feed.stop();
    this.#tell();
  }

  #forget(feed: Feed): void {
    if (this.#feeds.get(feed.tab) === feed) this.#feeds.delete(feed.tab);
  }

  #tell(): void {
    this.#told = [...this.#feeds.values()]
      .filter((feed) => feed.subscription)
      .map(({ tab, name, events, lastAt }) => ({ tab, name, events, lastAt }));
    for (const watcher of this.#watchers) watcher();
  }
}
