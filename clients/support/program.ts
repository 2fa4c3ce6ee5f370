// The real program: `linkspan dev` with a data directory and a port of its own.

import assert from "node:assert/strict";
import { execFile, spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { within } from "./deadline.js";

const START_MS = 120_000; // the first start on a machine may have to fetch PostgreSQL
const STOP_MS = 30_000;
const LIFETIME_MS = 180_000; // of a test file, however it hangs
const TOKEN_MS = 10_000;
const CLUSTERS = 4; // main and three shards
const LOG_TAIL_LINES = 20;

const binary = resolve(process.env.LINKSPAN_BIN ?? "../bin/linkspan"); // npm runs scripts in clients/

/** A running `linkspan dev`. Whatever ends this process, ends it too. */
export class Program {
  readonly #data: string;
  #child: Child;
  #url = "";
  #postmasters: number[] = [];

  private constructor(data: string) {
    this.#data = data;
    this.#child = this.#spawn();
  }

  /** Starts it on an empty data directory, and waits until it serves. */
  static async start(): Promise<Program> {
    const data = await mkdtemp(join(tmpdir(), "linkspan-clients-"));
    await chmod(data, 0o755); // run by root it starts PostgreSQL as another user, who must get in
    const program = new Program(data);
    await program.#serves();
    return program;
  }

  /** Where GraphQL is served, over HTTP. */
  get url(): string {
    return this.#url;
  }

  /** Returns a token, as in `token("ana@acme", "--role", "admin")` or `token("--operator")`. */
  async token(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(binary, ["token", ...args], {
      env: environment({ LINKSPAN_DATA: this.#data }),
      timeout: TOKEN_MS,
    });
    return stdout.trim();
  }

  /** The environment of a `linkspan serve` on the same clusters, which takes the same tokens. */
  async installation(): Promise<Record<string, string>> {
    const dsns = new Map<string, string>();
    for (const directory of await clustersIn(this.#data)) {
      const [, , , port, socket] = (await readFile(join(directory, "postmaster.pid"), "utf8")).split("\n");
      dsns.set(basename(directory), `host=${socket} port=${port} user=linkspan dbname=postgres`);
    }
    assert.ok(dsns.has("main") && dsns.size === CLUSTERS, `clusters: ${[...dsns.keys()]}`);
    const shards = [...dsns].filter(([name]) => name !== "main").map(([name, dsn]) => `${name}=${dsn}`);
    return {
      LINKSPAN_RATE: "0",
      LINKSPAN_MAIN_DSN: dsns.get("main") ?? "",
      LINKSPAN_SHARD_DSNS: shards.join(","),
      LINKSPAN_JWT_SECRET: (await readFile(join(this.#data, "dev.key"), "utf8")).trim(),
    };
  }

  /** Ends it as Ctrl-C does, and starts it again on the same data, at another port. */
  async restart(): Promise<void> {
    await this.#end();
    this.#child = this.#spawn();
    await this.#serves();
  }

  /** Ends it as Ctrl-C does and removes its data. */
  async stop(): Promise<void> {
    try {
      await this.#end();
    } finally {
      await rm(this.#data, { recursive: true, force: true });
    }
  }

  #spawn(): Child {
    return launch("dev", { LINKSPAN_DATA: this.#data }, this.#data);
  }

  async #serves(): Promise<void> {
    try {
      this.#url = await within(START_MS, "linkspan dev serves", ready(this.#child));
      this.#postmasters = await postmastersIn(this.#data);
      assert.equal(this.#postmasters.length, CLUSTERS, "a postmaster for each cluster");
    } catch (error) {
      const log = tail(await this.#log());
      await end(this.#child).catch(() => {});
      await rm(this.#data, { recursive: true, force: true });
      const { message } = error as Error;
      throw new Error(`linkspan dev did not start (LINKSPAN_BIN is ${binary}): ${message}\n${log}`, { cause: error });
    }
  }

  /** An exit other than with 0, a PostgreSQL that is left, and an error in its log are errors here. */
  async #end(): Promise<void> {
    const exit = await end(this.#child);
    const log = await this.#log();
    assert.deepEqual(exit, { code: 0, signal: null }, `how linkspan dev exits after SIGINT\n${tail(log)}`);
    assert.deepEqual(this.#postmasters.filter(isAlive), [], "PostgreSQL processes that outlive linkspan dev");
    assert.deepEqual(await postmastersIn(this.#data), [], "postmaster.pid files that are left");
    const errors = log.split("\n").filter((line) => line.includes('"level":"ERROR"'));
    assert.deepEqual(errors, [], "errors in the server's log");
  }

  async #log(): Promise<string> {
    return await readFile(join(this.#data, "linkspan.log"), "utf8").catch(() => "");
  }
}

/** A process of the program. */
export type Child = ChildProcessByStdio<null, Readable, Readable>;

/** Starts a command that serves, at a port of its own. Whatever ends this process, ends it too, and removes its data. */
export function launch(command: "dev" | "serve", own: Record<string, string>, data?: string): Child {
  const child = spawn(binary, [command], {
    env: environment({ ...own, LINKSPAN_LISTEN: "127.0.0.1:0", LINKSPAN_ADMIN_LISTEN: "127.0.0.1:0" }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  endWithThisProcess(child, data);
  return child;
}

interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** This process's environment with those variables; what else is set of Linkspan's is for servers run by hand. */
function environment(own: Record<string, string>): NodeJS.ProcessEnv {
  const kept = ["LINKSPAN_PG_BINDIR", "LINKSPAN_PG_SOURCE"];
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("LINKSPAN_") || kept.includes(name));
  return { ...Object.fromEntries(inherited), ...own };
}

/** Waits for the line that says where it serves. */
export async function ready(child: Child): Promise<string> {
  const said: string[] = [];
  child.stderr.on("data", (text: Buffer) => said.push(text.toString()));
  return await new Promise((resolve, reject) => {
    createInterface(child.stdout).on("line", (line) => {
      said.push(`${line}\n`);
      const url = /^ready: (http\S+)/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
    child.on("error", reject);
    child.on("close", (code, signal) => reject(new Error(`exit ${code ?? signal}:\n${said.join("")}`)));
  });
}

/** Sends the signal and waits for the end. */
export async function end(child: Child, signal: "SIGINT" | "SIGTERM" = "SIGINT"): Promise<Exit> {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const exited = once(child, "exit");
    child.kill(signal);
    try {
      await within(STOP_MS, `linkspan ends after ${signal}`, exited);
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }
  return { code: child.exitCode, signal: child.signalCode };
}

/** The programs of this process, with the data directories that are theirs. */
const running = new Map<Child, string | undefined>();
let watching = false;

function endWithThisProcess(child: Child, data: string | undefined): void {
  if (!watching) {
    watching = true;
    process.once("exit", () => [...running.keys()].forEach((each) => each.kill("SIGINT")));
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, giveUp);
    setTimeout(giveUp, LIFETIME_MS).unref();
  }
  running.set(child, data);
  child.once("exit", () => running.delete(child));
}

async function giveUp(): Promise<never> {
  const ending = [...running].map(async ([child, data]) => {
    await end(child);
    if (data !== undefined) await rm(data, { recursive: true, force: true });
  });
  await Promise.allSettled(ending);
  process.exit(1);
}

/** The process ids of the PostgreSQL servers that run on a data directory below that one. */
async function postmastersIn(directory: string): Promise<number[]> {
  const files = (await clustersIn(directory)).map((cluster) => readFile(join(cluster, "postmaster.pid"), "utf8"));
  return (await Promise.all(files)).map((text) => Number(text.split("\n")[0]));
}

/** The data directories of the PostgreSQL servers that run below a directory. */
async function clustersIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  if (entries.some((entry) => entry.name === "PG_VERSION")) {
    return entries.some((entry) => entry.name === "postmaster.pid") ? [directory] : [];
  }
  const below = entries.filter((entry) => entry.isDirectory()).map((entry) => clustersIn(join(directory, entry.name)));
  return (await Promise.all(below)).flat();
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function tail(log: string): string {
  return log.trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n");
}
