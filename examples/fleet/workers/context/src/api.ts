import { authorized, json, object, probe, Refusal, required } from "@crane/shared";
import { activity } from "./activity.ts";
import type { Env } from "./env.ts";
import { lastSeen } from "./last-seen.ts";
import { mcp } from "./mcp.ts";
import { searchNotes } from "./notes.ts";
import { noteFrom, sessionFrom } from "./sent.ts";
import { endSession, recentSessions } from "./sessions.ts";

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
      return json(await sessionFrom(await object(request), env), 201);
    case "POST /sessions/:id/notes":
      return json(await noteFrom(await object(request), String(id), env), 201);
    case "POST /sessions/:id/end":
      return json(await endSession(env.DB, String(id), outcome(await object(request))));
    case "GET /notes":
      return json({ notes: await searchNotes(env.DB, required({ q: searchParams.get("q") }, "q"), PAGE) });
    default:
      throw new Refusal(404, `there is no ${request.method} ${pathname}`);
  }
}

function outcome(fields: Record<string, unknown>): string | null {
  return fields["outcome"] === undefined ? null : required(fields, "outcome");
}
