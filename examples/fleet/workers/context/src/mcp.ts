import { isObject, json, Refusal, type Json } from "@crane/shared";
import type { Env } from "./env.ts";
import instructions from "./instructions.md";
import { callTool, TOOLS } from "./tools.ts";

const PROTOCOLS = ["2025-11-25", "2025-06-18", "2025-03-26"];

type Id = string | number;

class ProtocolError extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

/** MCP over streamable HTTP without state: each request is answered by one JSON message, no stream is offered. */
export async function mcp(request: Request, env: Env): Promise<Response> {
  if (request.method !== "POST") {
    return new Response("this server answers POST only\n", { status: 405, headers: { allow: "POST" } });
  }
  const spoken = request.headers.get("mcp-protocol-version");
  if (spoken && !PROTOCOLS.includes(spoken)) {
    throw new Refusal(400, `mcp-protocol-version: ${PROTOCOLS.join(", ")} are spoken here`);
  }
  const message: unknown = await request.json().catch(() => undefined);
  if (message === undefined) {
    return answer(null, { error: { code: -32700, message: "the body is not JSON" } }, 400);
  }
  if (!isObject(message) || message["jsonrpc"] !== "2.0" || typeof message["method"] !== "string") {
    return answer(null, { error: { code: -32600, message: "not a JSON-RPC 2.0 request" } }, 400);
  }
  const id = message["id"];
  if (typeof id !== "string" && typeof id !== "number") {
    return new Response(null, { status: 202 });
  }
  return answered(id, message["method"], isObject(message["params"]) ? message["params"] : {}, env);
}

async function answered(id: Id, method: string, params: Json, env: Env): Promise<Response> {
  try {
    return answer(id, { result: await result(method, params, env) });
  } catch (error) {
    if (error instanceof ProtocolError) {
      return answer(id, { error: { code: error.code, message: error.message } });
    }
    throw error;
  }
}

async function result(method: string, params: Json, env: Env): Promise<Json> {
  switch (method) {
    case "initialize":
      return initialize(params, env);
    case "ping":
      return {};
    case "tools/list":
      return { tools: TOOLS };
    case "tools/call":
      return toolResult(params, env);
    default:
      throw new ProtocolError(-32601, `there is no method ${method}`);
  }
}

function initialize(params: Json, env: Env): Json {
  const wanted = params["protocolVersion"];
  const agreed = PROTOCOLS.find((version) => version === wanted) ?? PROTOCOLS[0];
  return {
    protocolVersion: agreed,
    capabilities: { tools: {} },
    serverInfo: { name: `context (${env.ENVIRONMENT})`, version: env.VERSION.tag || env.VERSION.id },
    instructions,
  };
}

async function toolResult(params: Json, env: Env): Promise<Json> {
  const name = params["name"];
  if (typeof name !== "string" || !TOOLS.some((tool) => tool.name === name)) {
    throw new ProtocolError(-32602, `there is no tool ${String(name)}`);
  }
  const fields = isObject(params["arguments"]) ? params["arguments"] : {};
  try {
    return text(JSON.stringify(await callTool(name, fields, env)), false);
  } catch (error) {
    if (error instanceof Refusal) {
      return text(error.message, true);
    }
    throw error;
  }
}

function text(content: string, isError: boolean): Json {
  return { content: [{ type: "text", text: content }], isError };
}

function answer(id: Id | null, outcome: Json, status = 200): Response {
  return json({ jsonrpc: "2.0", id, ...outcome }, status);
}
