import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, KEYS, until } from "./fleet.ts";

const key = KEYS.CONTEXT_KEY;

async function session(agent = "crane", title = "mend the gate"): Promise<string> {
  const { body } = await ask("context", "/sessions", { key, body: { agent, title } });
  return String(body["id"]);
}

async function found(query: string): Promise<unknown[]> {
  const { body } = await ask("context", `/notes?q=${encodeURIComponent(query)}`, { key });
  return (body["notes"] as { body: string }[]).map((note) => note.body);
}

test("health tells worker, environment and version without a key", async () => {
  const { status, body } = await ask("context", "/health");
  assert.equal(status, 200);
  assert.equal(body["worker"], "context");
  assert.equal(body["environment"], "staging");
  assert.deepEqual(Object.keys(body["version"] as object), ["id", "tag", "timestamp"]);
});

test("the probe reads environment and last migration through the binding", async () => {
  const { status, body } = await ask("context", "/probe/database", { key });
  assert.equal(status, 200);
  const DB = { environment: "staging", migration: "0004_session_outcome.sql" };
  assert.deepEqual(body, { database: "ok", databases: { DB } });
});

test("every path but health refuses a missing and a wrong key", async () => {
  for (const path of ["/sessions", "/notes?q=x", "/admin/stats", "/probe/database", "/mcp", "/nothing"]) {
    assert.equal((await ask("context", path)).status, 401, path);
    const wrong = await ask("context", path, { key: `${key}x` });
    assert.equal(wrong.status, 401, path);
    assert.equal(wrong.headers.get("www-authenticate"), "Bearer");
  }
});

test("the admin path opens to the admin key alone, and the admin key opens nothing else", async () => {
  assert.equal((await ask("context", "/admin/stats", { key })).status, 401);
  assert.equal((await ask("context", "/sessions", { key: KEYS.ADMIN_KEY })).status, 401);
  const id = await session("heron");
  const seen = await until(async () => {
    const { body } = await ask("context", "/admin/stats", { key: KEYS.ADMIN_KEY });
    return (body["lastSeen"] as Record<string, { session: string }>)["heron"]?.session;
  });
  assert.equal(seen, id);
});

test("a session is started, listed and ended once", async () => {
  const id = await session();
  const { body } = await ask("context", "/sessions", { key });
  assert.ok((body["sessions"] as { id: string }[]).some((listed) => listed.id === id));
  const ended = await ask("context", `/sessions/${id}/end`, { key, body: { outcome: "mended" } });
  assert.equal(ended.status, 200);
  assert.equal(ended.body["outcome"], "mended");
  assert.equal((await ask("context", `/sessions/${id}/end`, { key, body: {} })).status, 409);
});

test("an ended session and an unknown one take no notes", async () => {
  const id = await session();
  await ask("context", `/sessions/${id}/end`, { key, body: {} });
  assert.equal((await ask("context", `/sessions/${id}/notes`, { key, body: { body: "late" } })).status, 409);
  assert.equal((await ask("context", "/sessions/nobody/notes", { key, body: { body: "lost" } })).status, 404);
});

test("a note is found by the stem of each of its words and not by a word that it lacks", async () => {
  const body = "The gates were painted green on a Tuesday";
  const noted = await ask("context", `/sessions/${await session()}/notes`, { key, body: { body } });
  assert.equal(noted.status, 201);
  assert.deepEqual(await found("painting tuesday"), [body]);
  assert.deepEqual(await found("painting wednesday"), []);
});

test("signs that mean something to FTS5 are only text", async () => {
  const body = 'use --dry-run AND "quotes" (always)';
  await ask("context", `/sessions/${await session()}/notes`, { key, body: { body } });
  assert.deepEqual(await found('--dry-run AND "quotes" (always'), [body]);
  assert.deepEqual(await found('"'), []);
});

test("a body that is no JSON object, and a missing field, are refused and named", async () => {
  assert.equal((await ask("context", "/sessions", { key, body: "[]" })).status, 400);
  assert.equal((await ask("context", "/sessions", { key, body: "{" })).status, 400);
  const { status, body } = await ask("context", "/sessions", { key, body: { agent: "crane", title: " " } });
  assert.equal(status, 400);
  assert.equal(body["error"], "title: a text is needed");
});

test("a name that is too long is refused before anything is stored", async () => {
  const { status, body } = await ask("context", "/sessions", { key, body: { agent: "x".repeat(101), title: "t" } });
  assert.deepEqual([status, body["error"]], [400, "agent: 101 characters, 100 are allowed"]);
});
