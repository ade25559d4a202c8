import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { promisify } from "node:util";
import type { Miniflare, MiniflareModule, Module } from "./miniflare.ts";

const FLEET = join(import.meta.dirname, "..");
const MODULES = process.env["CATTLEGRID_NODE_MODULES"] ?? join(FLEET, "node_modules");
const ENVIRONMENT = "staging";
const COMPATIBILITY = { modulesRoot: "/", compatibilityDate: "2026-11-01", versionMetadata: "VERSION" };

export const KEYS = {
  CONTEXT_KEY: "context-key-of-the-tests",
  ADMIN_KEY: "admin-key-of-the-tests",
  WATCH_KEY: "watch-key-of-the-tests",
  GH_WEBHOOK_SECRET: "webhook-secret-of-the-tests",
};

const { Miniflare: Local, convertV4MiniflareOptions } = createRequire(join(MODULES, "tests"))("miniflare") as MiniflareModule;
const folder = await mkdtemp(join(tmpdir(), "fleet-"));
const running = await start();

after(async () => {
  await running.dispose();
  await rm(folder, { recursive: true });
});

/** Asks a Worker of the fleet; `key` goes into the Authorization header, `body` is sent as JSON unless it is text. */
export async function ask(
  worker: "context" | "watch",
  path: string,
  { key, body, headers = {}, method = body === undefined ? "GET" : "POST" }: Question = {},
): Promise<Answer> {
  const auth = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const sent = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const init = { method, headers: { ...auth, ...headers }, ...(sent === undefined ? {} : { body: sent }) };
  const response = await (await running.getWorker(script(worker))).fetch(`http://${worker}${path}`, init);
  const text = await response.text();
  const json = response.headers.get("content-type") === "application/json";
  return { status: response.status, headers: response.headers, body: json ? (JSON.parse(text) as Body) : {} };
}

interface Question {
  key?: string;
  body?: unknown;
  headers?: Record<string, string>;
  method?: string;
}

/** A JSON object, or `{}` for an answer that is none. */
export type Body = { [field: string]: unknown };

export interface Answer {
  status: number;
  headers: Headers;
  body: Body;
}

/** Fires the cron of `watch` as if it were that time. */
export async function cron(time: number): Promise<string> {
  const { outcome } = await (await running.getWorker(script("watch"))).scheduled({ scheduledTime: new Date(time) });
  return outcome;
}

/** The rows of a statement, run on the Worker's database past the Worker. */
export async function rows(worker: "context" | "watch", statement: string): Promise<unknown[]> {
  return (await (await running.getD1Database("DB", script(worker))).prepare(statement).all()).results;
}

/** Asks again until the answer is there; raises after ten seconds. */
export async function until<T>(answer: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline) {
    const found = await answer();
    if (found !== undefined) {
      return found;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("not there after ten seconds");
}

function script(worker: string): string {
  return `${worker}-${ENVIRONMENT}`;
}

async function start(): Promise<Miniflare> {
  const [context, watch] = await Promise.all([bundled("context"), bundled("watch"), migrated()]);
  const { CONTEXT_KEY, ADMIN_KEY, WATCH_KEY, GH_WEBHOOK_SECRET } = KEYS;
  const local = new Local(
    convertV4MiniflareOptions({
      resourcePersistencePath: join(folder, "state", "v3"),
      workers: [
        {
          ...COMPATIBILITY,
          name: script("context"),
          modules: context,
          bindings: { ENVIRONMENT, CONTEXT_KEY, ADMIN_KEY },
          d1Databases: { DB: "context-local" },
          kvNamespaces: { LAST_SEEN: "last-seen" },
        },
        {
          ...COMPATIBILITY,
          name: script("watch"),
          modules: watch,
          bindings: { ENVIRONMENT, WATCH_KEY, GH_WEBHOOK_SECRET },
          d1Databases: { DB: "watch-local" },
          queueProducers: { EVENTS: "watch-events-staging" },
          queueConsumers: { "watch-events-staging": { maxBatchSize: 20, maxBatchTimeout: 0.05 } },
          serviceBindings: { CONTEXT: { name: script("context"), entrypoint: "Summaries" } },
        },
      ],
    }),
  );
  for (const worker of ["context", "watch"]) {
    const database = await local.getD1Database("DB", script(worker));
    await database.prepare("CREATE TABLE _cattlegrid (name TEXT PRIMARY KEY, value TEXT NOT NULL)").run();
    await database.prepare(`INSERT INTO _cattlegrid VALUES ('environment', '${ENVIRONMENT}')`).run();
  }
  return local;
}

/** One after the other: both databases live in one folder. */
async function migrated(): Promise<void> {
  for (const worker of ["context", "watch"]) {
    await wrangler(worker, "d1", "migrations", "apply", "DB", "--local", "--persist-to", join(folder, "state"));
  }
}

/** The modules that a deploy would upload, the main one first. */
async function bundled(worker: string): Promise<Module[]> {
  const bundle = join(folder, worker);
  await wrangler(worker, "deploy", "--dry-run", "--outdir", bundle);
  const names = (await readdir(bundle)).filter((name) => name !== "README.md" && !name.endsWith(".map"));
  names.sort((left, right) => Number(right === "index.js") - Number(left === "index.js"));
  return Promise.all(
    names.map(async (name) => ({
      type: name.endsWith(".js") ? "ESModule" : "Text",
      path: join("/", name),
      contents: await readFile(join(bundle, name), "utf8"),
    })),
  );
}

async function wrangler(worker: string, ...command: string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [join(MODULES, "wrangler/bin/wrangler.js"), ...command], {
    cwd: join(FLEET, "workers", worker),
    env: { PATH: process.env["PATH"], HOME: folder, CI: "1", WRANGLER_SEND_METRICS: "false" },
  });
}
