import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, KEYS, type Answer } from "./fleet.ts";

const key = KEYS.CONTEXT_KEY;

function send(method: string, params: unknown = {}, id: number | undefined = 1): Promise<Answer> {
  return ask("context", "/mcp", { key, body: { jsonrpc: "2.0", id, method, params } });
}

async function call(name: string, fields: unknown): Promise<{ isError: boolean; text: string }> {
  const { body } = await send("tools/call", { name, arguments: fields });
  const result = body["result"] as { isError: boolean; content: { text: string }[] };
  return { isError: result.isError, text: String(result.content[0]?.text) };
}

test("the handshake agrees on a protocol and tells the environment", async () => {
  const { status, body } = await send("initialize", { protocolVersion: "2025-03-26", capabilities: {} });
  assert.equal(status, 200);
  const result = body["result"] as { protocolVersion: string; serverInfo: { name: string }; instructions: string };
  assert.equal(result.protocolVersion, "2025-03-26");
  assert.equal(result.serverInfo.name, "context (staging)");
  assert.match(result.instructions, /start_session/);
});

test("an unknown protocol is answered with the newest known one", async () => {
  const { body } = await send("initialize", { protocolVersion: "1999-01-01" });
  assert.equal((body["result"] as { protocolVersion: string }).protocolVersion, "2025-11-25");
});

test("a request in a protocol that is not spoken here is refused", async () => {
  const body = { jsonrpc: "2.0", id: 1, method: "ping" };
  const asked = (version: string) => ask("context", "/mcp", { key, body, headers: { "mcp-protocol-version": version } });
  assert.equal((await asked("1999-01-01")).status, 400);
  assert.equal((await asked("2025-06-18")).status, 200);
});

test("a notification is accepted without an answer and a GET is not allowed", async () => {
  const notified = await ask("context", "/mcp", { key, body: { jsonrpc: "2.0", method: "notifications/initialized" } });
  assert.equal(notified.status, 202);
  const got = await ask("context", "/mcp", { key });
  assert.equal(got.status, 405);
  assert.equal(got.headers.get("allow"), "POST");
});

test("the four tools are listed with their schemas", async () => {
  const { body } = await send("tools/list");
  const { tools } = body["result"] as { tools: { name: string; inputSchema: { type: string } }[] };
  const names = tools.map((tool) => tool.name);
  assert.deepEqual(names, ["start_session", "add_note", "search_notes", "recent_sessions"]);
  assert.ok(tools.every((tool) => tool.inputSchema.type === "object"));
});

test("an agent starts a session, writes a note and another finds both", async () => {
  const started = await call("start_session", { agent: "ibis", title: "look for eels" });
  const { id } = JSON.parse(started.text) as { id: string };
  assert.equal((await call("add_note", { session: id, body: "eels hide under the weir" })).isError, false);
  assert.match((await call("search_notes", { query: "eel weir" })).text, /under the weir/);
  assert.match((await call("recent_sessions", { limit: 5 })).text, new RegExp(id));
});

test("a tool that cannot do it says why, as a tool's error and not as a protocol error", async () => {
  assert.deepEqual(await call("add_note", { session: "nobody", body: "x" }), {
    isError: true,
    text: "there is no session nobody",
  });
  assert.equal((await call("search_notes", { query: "x", limit: 0 })).isError, true);
});

test("unknown methods and tools and broken messages get JSON-RPC's codes", async () => {
  const codes = [
    await send("resources/list"),
    await send("tools/call", { name: "rm" }),
    await ask("context", "/mcp", { key, body: "{" }),
    await ask("context", "/mcp", { key, body: [] }),
  ].map(({ body }) => (body["error"] as { code: number }).code);
  assert.deepEqual(codes, [-32601, -32602, -32700, -32600]);
});

test("ping is answered with nothing", async () => {
  assert.deepEqual((await send("ping", {}, 7)).body, { jsonrpc: "2.0", id: 7, result: {} });
});
