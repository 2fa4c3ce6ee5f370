// What a test begins with: the running program, and users signed in to it.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, afterEach, before } from "node:test";
import { RegisterGroupDocument, type GroupRefFragment } from "../generated/operations.js";
import { Client, type ClientOptions } from "./client.js";
import { takeComplaints } from "./console.js";
import { happened, present } from "./expect.js";
import { Program } from "./program.js";
import { Replicas } from "./replicas.js";

/** A group of a test's own, so that nothing else is in its lists and its inbox. */
export interface TestGroup extends GroupRefFragment {
  readonly admin: Client;
  readonly member: Client;
}

/** For each `describe`, and so for each test in it: whatever hangs fails, and the program is ended all the same. */
export const limits = { timeout: 150_000 };

/** Starts the program for the tests of the `describe` that calls it, and ends it after them. */
export function useLinkspan(): Linkspan {
  const linkspan = new Linkspan();
  before(() => linkspan.start());
  afterEach(() => linkspan.endTest());
  after(() => linkspan.stop());
  return linkspan;
}

class Linkspan {
  #program: Program | undefined;
  #clients: Client[] = [];
  #replicas: Replicas[] = [];
  #groups = 0;

  async start(): Promise<void> {
    this.#program = await Program.start();
  }

  async stop(): Promise<void> {
    await this.#program?.stop();
  }

  /** Ends the program and starts it again. Clients signed in before have lost it. */
  async restart(): Promise<void> {
    await this.running.restart();
  }

  /** Ends a test: its clients and replicas are closed, and Apollo must have had nothing to say against its data. */
  async endTest(): Promise<void> {
    this.#clients.splice(0).forEach((client) => client.close());
    await Promise.all(this.#replicas.splice(0).map((replicas) => replicas.stop()));
    assert.deepEqual(takeComplaints(), [], "what was said on the console");
  }

  /** A client of that user, as in `signIn("ana@acme")`, until the test ends. */
  async signIn(user: string, options: ClientOptions & { role?: "admin" | "member" } = {}): Promise<Client> {
    const role = options.role === undefined ? [] : ["--role", options.role];
    return this.connect(await this.running.token(user, ...role), options);
  }

  async signInOperator(): Promise<Client> {
    return this.connect(await this.running.token("--operator"));
  }

  /** What `linkspan token` prints, as in `token("ana@acme", "--ttl", "5m")`. */
  async token(user: string, ...flags: string[]): Promise<string> {
    return await this.running.token(user, ...flags);
  }

  /** The token of the same user under another name, as an identity provider gives it after a marriage. */
  async renamed(token: string, name: string): Promise<string> {
    const [head, claims] = token.split(".");
    const changed = { ...JSON.parse(Buffer.from(present(claims), "base64url").toString()), name };
    const signed = `${head}.${Buffer.from(JSON.stringify(changed)).toString("base64url")}`;
    const secret = present((await this.installation()).LINKSPAN_JWT_SECRET);
    return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
  }

  /** Where GraphQL is served, over HTTP. */
  get url(): string {
    return this.running.url;
  }

  /** The environment of a `linkspan serve` on the same clusters. */
  async installation(): Promise<Record<string, string>> {
    return await this.running.installation();
  }

  /** One `linkspan serve` on the same clusters, with that in its environment too, until the test ends. */
  async serve(environment: Record<string, string> = {}): Promise<Replicas> {
    const replicas = await Replicas.start(1, { ...(await this.installation()), ...environment });
    this.#replicas.push(replicas);
    return replicas;
  }

  /** A client with that token, which need not be valid, or with none, until the test ends. */
  connect(token: string | undefined, options: ClientOptions = {}): Client {
    const client = new Client(options.url ?? this.running.url, token, options);
    this.#clients.push(client);
    return client;
  }

  /** Registers groups with those names, as in `const [acme, globex] = await linkspan.newGroups("Acme", "Globex")`. */
  async newGroups<Names extends string[]>(...names: Names): Promise<{ [Name in keyof Names]: TestGroup }> {
    const operator = this.connect(await this.running.token("--operator"));
    const groups = names.map(async (name): Promise<TestGroup> => {
      const handle = `${name.toLowerCase()}-${++this.#groups}`;
      const { registerGroup } = await operator.mutate(RegisterGroupDocument, { handle, name });
      return {
        ...present(happened(registerGroup).group),
        admin: await this.signIn(`ana@${handle}`, { role: "admin" }),
        member: await this.signIn(`ben@${handle}`, { role: "member" }),
      };
    });
    return (await Promise.all(groups)) as { [Name in keyof Names]: TestGroup };
  }

  private get running(): Program {
    assert.ok(this.#program, "linkspan dev is running");
    return this.#program;
  }
}
