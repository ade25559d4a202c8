import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { ask, cron, KEYS, rows, until, type Answer } from "./fleet.ts";

const key = KEYS.WATCH_KEY;
const PUSH = JSON.stringify({ ref: "refs/heads/main", repository: { full_name: "crane/fleet" } });

function deliver(delivery: string, { body = PUSH, secret = KEYS.GH_WEBHOOK_SECRET, source = "github" } = {}): Promise<Answer> {
  const signature = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
  const headers = { "x-hub-signature-256": signature, "x-github-delivery": delivery, "x-github-event": "push" };
  return ask("watch", `/webhooks/${source}`, { body, headers });
}

interface Listed {
  delivery: string;
  receivedAt: string;
  repository: string | null;
}

async function listed(delivery: string): Promise<Listed | undefined> {
  const { body } = await ask("watch", "/events", { key });
  return (body["events"] as Listed[]).find((event) => event.delivery === delivery);
}

test("health tells worker and environment without a key", async () => {
  const { status, body } = await ask("watch", "/health");
  assert.deepEqual([status, body["worker"], body["environment"]], [200, "watch", "staging"]);
});

test("the probe reads environment and last migration through the binding", async () => {
  const { body } = await ask("watch", "/probe/database", { key });
  const DB = { environment: "staging", migration: "0004_daily_activity.sql" };
  assert.deepEqual(body, { database: "ok", databases: { DB } });
});

test("events, summaries and the probe refuse a missing key and the other Worker's", async () => {
  for (const path of ["/events", "/summaries", "/probe/database"]) {
    assert.equal((await ask("watch", path)).status, 401, path);
    assert.equal((await ask("watch", path, { key: KEYS.CONTEXT_KEY })).status, 401, path);
  }
});

test("a signed delivery goes through the queue into the database", async () => {
  const { status, body } = await deliver("delivery-1");
  assert.deepEqual([status, body], [202, { queued: "delivery-1" }]);
  const event = await until(() => listed("delivery-1"));
  assert.equal(event.repository, "crane/fleet");
});

test("a delivery that is sent again is stored once", async () => {
  await deliver("delivery-2");
  await deliver("delivery-2");
  await deliver("delivery-3");
  await until(() => listed("delivery-3"));
  assert.deepEqual(await rows("watch", "SELECT count(*) AS n FROM events WHERE delivery = 'delivery-2'"), [{ n: 1 }]);
});

test("no signature, another secret's and another body's are refused and nothing is stored", async () => {
  assert.equal((await ask("watch", "/webhooks/github", { body: PUSH })).status, 401);
  assert.equal((await deliver("forged", { secret: "guessed" })).status, 401);
  const signature = `sha256=${createHmac("sha256", KEYS.GH_WEBHOOK_SECRET).update("{}").digest("hex")}`;
  const headers = { "x-hub-signature-256": signature, "x-github-delivery": "forged" };
  assert.equal((await ask("watch", "/webhooks/github", { body: PUSH, headers })).status, 401);
  await deliver("after-the-forged");
  await until(() => listed("after-the-forged"));
  assert.equal(await listed("forged"), undefined);
});

test("a signed body that is not JSON, and a source that is no name, are refused", async () => {
  assert.equal((await deliver("broken", { body: "{" })).status, 400);
  assert.equal((await deliver("odd", { source: "Git%20Hub" })).status, 404);
});

test("the largest body that is taken fits into the queue and a larger one is refused", async () => {
  const quotes = `[${'"",'.repeat(19_999)}0]`;
  assert.equal(quotes.length, 60_000);
  assert.equal((await deliver("large", { body: quotes })).status, 202);
  assert.equal((await deliver("larger", { body: `${quotes} ` })).status, 413);
  await until(() => listed("large"));
});

test("the cron sums up the day before, with what the context Worker tells of it, and twice is as once", async () => {
  await ask("context", "/sessions", { key: KEYS.CONTEXT_KEY, body: { agent: "crane", title: "count" } });
  await deliver("delivery-4");
  const { receivedAt } = await until(() => listed("delivery-4"));
  const day = receivedAt.slice(0, 10);
  const [stored] = (await rows("watch", `SELECT count(*) AS n FROM events WHERE received_at LIKE '${day}%'`)) as { n: number }[];
  const nextDay = Date.parse(receivedAt) + 24 * 3600 * 1000;
  assert.deepEqual([await cron(nextDay), await cron(nextDay)], ["ok", "ok"]);
  const { body } = await ask("watch", "/summaries", { key });
  const [summary] = body["days"] as { day: string; events: number; sessions: number }[];
  assert.deepEqual([summary?.day, summary?.events], [day, stored?.n]);
  assert.ok(Number(summary?.sessions) >= 1);
});
