import { required, type Json } from "@crane/shared";
import type { Env } from "./env.ts";
import { remember } from "./last-seen.ts";
import { addNote, type Note } from "./notes.ts";
import { startSession, type Session } from "./sessions.ts";

const LONGEST_NAME = 100;
const LONGEST_NOTE = 100_000;

/** Starts a session from what an agent sent, over REST or MCP. */
export async function sessionFrom(fields: Json, env: Env): Promise<Session> {
  const session = await startSession(env.DB, required(fields, "agent", LONGEST_NAME), required(fields, "title"));
  remember(env.LAST_SEEN, session);
  return session;
}

/** Adds a note from what an agent sent, over REST or MCP. */
export function noteFrom(fields: Json, session: string, env: Env): Promise<Note> {
  return addNote(env.DB, session, required(fields, "body", LONGEST_NOTE));
}
