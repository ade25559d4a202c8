import type { Session } from "./sessions.ts";

const KEPT_SECONDS = 30 * 24 * 3600;

export interface Sighting {
  at: string;
  session: string;
}

/** Remembers for a month that the agent has begun this session. */
export async function remember(seen: KVNamespace, session: Session): Promise<void> {
  const metadata: Sighting = { at: session.startedAt, session: session.id };
  await seen.put(session.agent, session.id, { metadata, expirationTtl: KEPT_SECONDS });
}

/** Up to a thousand agents by name. */
export async function lastSeen(seen: KVNamespace): Promise<Record<string, Sighting>> {
  const { keys } = await seen.list<Sighting>();
  return Object.fromEntries(keys.flatMap(({ name, metadata }) => (metadata ? [[name, metadata]] : [])));
}
