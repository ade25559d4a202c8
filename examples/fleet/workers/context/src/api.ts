import { authorized, json, object, probe, Refusal, required } from "@crane/shared";
import { activity } from "./activity.ts";
import type { Env } from "./env.ts";
import { lastSeen, remember } from "./last-seen.ts";
import { mcp } from "./mcp.ts";
import { addNote, searchNotes } from "./notes.ts";
import { endSession, recentSessions, startSession } from "./sessions.ts";

const PAGE = 50;

export async function api(request: Request, env: Env): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const [resource, id, action] = pathname.slice(1).split("/");
  await authorized(request, resource === "admin" ? env.ADMIN_KEY : env.CONTEXT_KEY);
  if (pathname === "/mcp") {
    return mcp(request, env);
  }
  switch (`${request.method} ${id && resource === "sessions" ? `/sessions/:id/${action}` : pathname}`) {
    case "GET /probe/database":
      return probe({ DB: env.DB });
    case "GET /admin/stats":
      return json({ ...(await activity(env.DB)), lastSeen: await lastSeen(env.LAST_SEEN) });
    case "GET /sessions":
      return json({ sessions: await recentSessions(env.DB, PAGE) });
    case "POST /sessions":
      return created(request, env);
    case "POST /sessions/:id/notes":
      return json(await addNote(env.DB, String(id), required(await object(request), "body")), 201);
    case "POST /sessions/:id/end":
      return json(await endSession(env.DB, String(id), outcome(await object(request))));
    case "GET /notes":
      return json({ notes: await searchNotes(env.DB, required({ q: searchParams.get("q") }, "q"), PAGE) });
    default:
      throw new Refusal(404, `there is no ${request.method} ${pathname}`);
  }
}

async function created(request: Request, env: Env): Promise<Response> {
  const fields = await object(request);
  const session = await startSession(env.DB, required(fields, "agent"), required(fields, "title"));
  await remember(env.LAST_SEEN, session);
  return json(session, 201);
}

function outcome(fields: Record<string, unknown>): string | null {
  return fields["outcome"] === undefined ? null : required(fields, "outcome");
}
