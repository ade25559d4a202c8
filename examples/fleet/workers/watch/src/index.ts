import { authorized, health, json, probe, Refusal, refusing } from "@crane/shared";
import { dayBefore, summaries, sumUp } from "./daily.ts";
import type { Env } from "./env.ts";
import { recentEvents, storeEvents, type Event } from "./events.ts";
import { receive } from "./webhook.ts";

const PAGE = 50;

export default {
  fetch(request, env): Promise<Response> | Response {
    const { pathname } = new URL(request.url);
    if (pathname === "/health") {
      return health("watch", env.ENVIRONMENT, env.VERSION);
    }
    return refusing(() => route(request, pathname, env));
  },

  async queue(batch, env): Promise<void> {
    await storeEvents(
      env.DB,
      batch.messages.map(({ body }) => body),
    );
  },

  async scheduled(controller, env): Promise<void> {
    await sumUp(env, dayBefore(controller.scheduledTime));
  },
} satisfies ExportedHandler<Env, Event>;

async function route(request: Request, pathname: string, env: Env): Promise<Response> {
  const source = /^\/webhooks\/([^/]+)$/.exec(pathname)?.[1];
  if (source && request.method === "POST") {
    return receive(request, source, env.GH_WEBHOOK_SECRET, env.EVENTS);
  }
  await authorized(request, env.WATCH_KEY);
  switch (`${request.method} ${pathname}`) {
    case "GET /probe/database":
      return probe({ DB: env.DB });
    case "GET /events":
      return json({ events: await recentEvents(env.DB, PAGE) });
    case "GET /summaries":
      return json({ days: await summaries(env.DB, PAGE) });
    default:
      throw new Refusal(404, `there is no ${request.method} ${pathname}`);
  }
}
