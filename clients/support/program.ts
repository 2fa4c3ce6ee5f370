// The real program: `linkspan dev` with a data directory and a port of its own.

import assert from "node:assert/strict";
import { execFile, spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { within } from "./deadline.js";

const START_MS = 120_000; // the first start on a machine may have to fetch PostgreSQL
const STOP_MS = 30_000;
const TOKEN_MS = 10_000;
const CLUSTERS = 4; // main and three shards
const LOG_TAIL_LINES = 20;

const clientsDirectory = fileURLToPath(new URL("../../", import.meta.url));
const binary = resolve(clientsDirectory, process.env.LINKSPAN_BIN ?? "../bin/linkspan");

/** A running `linkspan dev`. Whatever ends this process, ends it too. */
export class Program {
  /** Where GraphQL is served, over HTTP. */
  readonly url: string;
  readonly #data: string;
  readonly #process: Child;
  readonly #postmasters: readonly number[];

  private constructor(url: string, data: string, process: Child, postmasters: readonly number[]) {
    this.url = url;
    this.#data = data;
    this.#process = process;
    this.#postmasters = postmasters;
  }

  /** Starts it on an empty data directory, and waits until it serves. */
  static async start(): Promise<Program> {
    const data = await mkdtemp(join(tmpdir(), "linkspan-clients-"));
    await chmod(data, 0o755); // run by root it starts PostgreSQL as another user, who must get in
    const process = spawn(binary, ["dev"], {
      env: environment({ LINKSPAN_DATA: data, LINKSPAN_LISTEN: "127.0.0.1:0", LINKSPAN_ADMIN_LISTEN: "127.0.0.1:0" }),
      stdio: ["ignore", "pipe", "pipe"],
    });
    endWithThisProcess(process);
    try {
      const url = await within(START_MS, "linkspan dev serves", ready(process));
      const postmasters = await postmastersIn(data);
      assert.equal(postmasters.length, CLUSTERS, "a postmaster for each cluster");
      return new Program(url, data, process, postmasters);
    } catch (error) {
      const log = await logTail(data);
      await end(process).catch(() => {});
      await rm(data, { recursive: true, force: true });
      const { message } = error as Error;
      throw new Error(`linkspan dev did not start (LINKSPAN_BIN is ${binary}): ${message}\n${log}`, { cause: error });
    }
  }

  /** Returns a token, as in `token("ana@acme", "--role", "admin")` or `token("--operator")`. */
  async token(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(binary, ["token", ...args], {
      env: environment({ LINKSPAN_DATA: this.#data }),
      timeout: TOKEN_MS,
    });
    return stdout.trim();
  }

  /**
   * Ends it as Ctrl-C does and removes its data. An exit other than with 0, a PostgreSQL that is left, and an error in
   * its log are errors here.
   */
  async stop(): Promise<void> {
    try {
      const exit = await end(this.#process);
      const log = await readFile(join(this.#data, "linkspan.log"), "utf8");
      assert.deepEqual(exit, { code: 0, signal: null }, `how linkspan dev exits after SIGINT\n${tail(log)}`);
      assert.deepEqual(this.#postmasters.filter(isAlive), [], "PostgreSQL processes that outlive linkspan dev");
      assert.deepEqual(await postmastersIn(this.#data), [], "postmaster.pid files that are left");
      const errors = log.split("\n").filter((line) => line.includes('"level":"ERROR"'));
      assert.deepEqual(errors, [], "errors in the server's log");
    } finally {
      await rm(this.#data, { recursive: true, force: true });
    }
  }
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

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
async function ready(child: Child): Promise<string> {
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

async function end(child: Child): Promise<Exit> {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const exited = once(child, "exit");
    child.kill("SIGINT");
    try {
      await within(STOP_MS, "linkspan dev ends after SIGINT", exited);
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }
  return { code: child.exitCode, signal: child.signalCode };
}

const running = new Set<Child>();

function endWithThisProcess(child: Child): void {
  if (running.size === 0) {
    process.once("exit", () => running.forEach((each) => each.kill("SIGINT")));
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.once(signal, () => process.exit(1));
    }
  }
  running.add(child);
  child.once("exit", () => running.delete(child));
}

/** The process ids of the PostgreSQL servers that run on a data directory below that one. */
async function postmastersIn(directory: string): Promise<number[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  if (entries.some((entry) => entry.name === "PG_VERSION")) {
    if (!entries.some((entry) => entry.name === "postmaster.pid")) return [];
    const text = await readFile(join(directory, "postmaster.pid"), "utf8");
    return [Number(text.split("\n")[0])];
  }
  const below = entries.filter((entry) => entry.isDirectory()).map((entry) => postmastersIn(join(directory, entry.name)));
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

async function logTail(data: string): Promise<string> {
  return tail(await readFile(join(data, "linkspan.log"), "utf8").catch(() => ""));
}

function tail(log: string): string {
  return log.trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n");
}
