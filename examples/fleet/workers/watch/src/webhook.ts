import { json, Refusal, sameText, type Key } from "@crane/shared";
import type { Event } from "./events.ts";

const SOURCE = /^[a-z][a-z0-9-]{0,31}$/;
// A queue takes 128,000 bytes, and the body travels as a JSON string in which every quote counts twice.
const LARGEST = 60_000;

/** Checks the sender's signature over the very bytes of the body and puts the event into the queue: 202. */
export async function receive(request: Request, source: string, secret: Key, queue: Queue<Event>): Promise<Response> {
  const body = await request.arrayBuffer();
  if (!secret || !(await sameText(request.headers.get("x-hub-signature-256") ?? "", await signature(secret, body)))) {
    throw new Refusal(401, "x-hub-signature-256 does not fit the body");
  }
  const event = read(request, source, body);
  await queue.send(event);
  return json({ queued: event.delivery }, 202);
}

function read(request: Request, source: string, body: ArrayBuffer): Event {
  if (!SOURCE.test(source)) {
    throw new Refusal(404, "the source must be lower-case letters, digits and dashes");
  }
  if (body.byteLength > LARGEST) {
    throw new Refusal(413, `${body.byteLength} bytes; ${LARGEST} are allowed`);
  }
  const delivery = request.headers.get("x-github-delivery");
  if (!delivery) {
    throw new Refusal(400, "x-github-delivery: the delivery's id is needed");
  }
  const kind = request.headers.get("x-github-event") ?? "unknown";
  return { delivery, source, kind, receivedAt: new Date().toISOString(), payload: text(body) };
}

function text(body: ArrayBuffer): string {
  const payload = new TextDecoder().decode(body);
  try {
    JSON.parse(payload);
  } catch {
    throw new Refusal(400, "the body must be JSON");
  }
  return payload;
}

async function signature(secret: string, body: ArrayBuffer): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(secret), algorithm, false, ["sign"]);
  const code = new Uint8Array(await crypto.subtle.sign("HMAC", key, body));
  return `sha256=${Array.from(code, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
