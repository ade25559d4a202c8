import { openSession } from "./sessions.ts";
import searchStatement from "./search.sql";

export interface Note {
  id: number;
  session: string;
  body: string;
  writtenAt: string;
}

export interface FoundNote extends Note {
  agent: string;
  excerpt: string;
}

export async function addNote(database: D1Database, session: string, body: string): Promise<Note> {
  await openSession(database, session);
  const note = await database
    .prepare(
      "INSERT INTO notes (session_id, body, written_at) VALUES (?, ?, ?)" +
        " RETURNING id, session_id AS session, body, written_at AS writtenAt",
    )
    .bind(session, body, new Date().toISOString())
    .first<Note>();
  if (!note) {
    throw new Error("the new note was not returned");
  }
  return note;
}

/** Notes that contain every word of the text, best match first. */
export async function searchNotes(database: D1Database, text: string, limit: number): Promise<FoundNote[]> {
  const { results } = await database.prepare(searchStatement).bind(everyWord(text), limit).all<FoundNote>();
  return results;
}

/** Each word quoted, so that a person's `-` or `"` is text and not FTS5 syntax. */
function everyWord(text: string): string {
  return text
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => `"${word.replaceAll('"', '""')}"`)
    .join(" ");
}
