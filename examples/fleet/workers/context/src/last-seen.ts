import { waitUntil } from "cloudflare:workers";
import type { Session } from "./sessions.ts";

const KEPT_SECONDS = 30 * 24 * 3600;
const PREFIX = "agent:";

export interface Sighting {
  at: string;
  session: string;
}

/**
 * Remembers for a month that the agent has begun this session. The answer does not wait for it and does not fail with it:
 * KV takes one write per second and key.
 */
export function remember(seen: KVNamespace, session: Session): void {
  const metadata: Sighting = { at: session.startedAt, session: session.id };
  waitUntil(seen.put(PREFIX + session.agent, session.id, { metadata, expirationTtl: KEPT_SECONDS }));
}

/** Up to a thousand agents by name. */
export async function lastSeen(seen: KVNamespace): Promise<Record<string, Sighting>> {
  const { keys } = await seen.list<Sighting>({ prefix: PREFIX });
  return Object.fromEntries(
    keys.flatMap(({ name, metadata }) => (metadata ? [[name.slice(PREFIX.length), metadata]] : [])),
  );
}
