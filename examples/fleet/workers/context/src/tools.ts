import { Refusal, required, type Json } from "@crane/shared";
import type { Env } from "./env.ts";
import { searchNotes } from "./notes.ts";
import { noteFrom, sessionFrom } from "./sent.ts";
import { recentSessions } from "./sessions.ts";

const MOST = 20;

export const TOOLS = [
  tool("start_session", "Begin a task; returns the session with its id.", ["agent", "title"], {
    agent: { type: "string", description: "Your name." },
    title: { type: "string", description: "The task in one line." },
  }),
  tool("add_note", "Write down something that the next agent should know.", ["session", "body"], {
    session: { type: "string", description: "The id that start_session returned." },
    body: { type: "string", description: "The note, in plain text." },
  }),
  tool("search_notes", "Find notes that contain every given word.", ["query"], {
    query: { type: "string", description: "Words to look for." },
    limit: { type: "integer", minimum: 1, maximum: MOST },
  }),
  tool("recent_sessions", "What agents are working on, newest first.", [], {
    limit: { type: "integer", minimum: 1, maximum: MOST },
  }),
];

/** Runs one of TOOLS. Raises Refusal for arguments that make no sense. */
export async function callTool(name: string, fields: Json, env: Env): Promise<unknown> {
  switch (name) {
    case "start_session":
      return sessionFrom(fields, env);
    case "add_note":
      return noteFrom(fields, required(fields, "session"), env);
    case "search_notes":
      return { notes: await searchNotes(env.DB, required(fields, "query"), limit(fields)) };
    case "recent_sessions":
      return { sessions: await recentSessions(env.DB, limit(fields)) };
    default:
      throw new Refusal(404, `there is no tool ${name}`);
  }
}

function limit(fields: Json): number {
  const wanted = fields["limit"] ?? MOST;
  if (typeof wanted !== "number" || !Number.isInteger(wanted) || wanted < 1 || wanted > MOST) {
    throw new Refusal(400, `limit: a whole number from 1 to ${MOST} is needed`);
  }
  return wanted;
}

function tool(name: string, description: string, needed: string[], properties: Json) {
  return { name, description, inputSchema: { type: "object", properties, required: needed } };
}
