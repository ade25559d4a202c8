import { Refusal } from "@crane/shared";

export interface Session {
  id: string;
  agent: string;
  title: string;
  startedAt: string;
  endedAt: string | null;
  outcome: string | null;
}

const COLUMNS = "id, agent, title, started_at AS startedAt, ended_at AS endedAt, outcome";

export async function startSession(database: D1Database, agent: string, title: string): Promise<Session> {
  const session = await database
    .prepare(`INSERT INTO sessions (id, agent, title, started_at) VALUES (?, ?, ?, ?) RETURNING ${COLUMNS}`)
    .bind(crypto.randomUUID(), agent, title, new Date().toISOString())
    .first<Session>();
  if (!session) {
    throw new Error("the new session was not returned");
  }
  return session;
}

/** Ends a session once; 404 for an unknown one, 409 for one that has ended. */
export async function endSession(database: D1Database, id: string, outcome: string | null): Promise<Session> {
  const ended = await database
    .prepare(`UPDATE sessions SET ended_at = ?, outcome = ? WHERE id = ? AND ended_at IS NULL RETURNING ${COLUMNS}`)
    .bind(new Date().toISOString(), outcome, id)
    .first<Session>();
  if (ended) {
    return ended;
  }
  await openSession(database, id);
  throw new Refusal(409, `session ${id} has just changed; try again`);
}

/** Refuses with 404 when there is no such session and with 409 when it has ended. */
export async function openSession(database: D1Database, id: string): Promise<void> {
  const session = await database
    .prepare("SELECT ended_at AS endedAt FROM sessions WHERE id = ?")
    .bind(id)
    .first<Pick<Session, "endedAt">>();
  if (!session) {
    throw new Refusal(404, `there is no session ${id}`);
  }
  if (session.endedAt) {
    throw new Refusal(409, `session ${id} ended at ${session.endedAt}`);
  }
}

/** Newest first. */
export async function recentSessions(database: D1Database, limit: number): Promise<Session[]> {
  const { results } = await database
    .prepare(`SELECT ${COLUMNS} FROM sessions ORDER BY started_at DESC, id LIMIT ?`)
    .bind(limit)
    .all<Session>();
  return results;
}
