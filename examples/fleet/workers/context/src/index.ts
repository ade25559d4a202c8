import { health, refusing } from "@crane/shared";
import { WorkerEntrypoint } from "cloudflare:workers";
import { activity, type Activity } from "./activity.ts";
import { api } from "./api.ts";
import type { Env } from "./env.ts";

export default {
  fetch(request, env): Promise<Response> | Response {
    if (new URL(request.url).pathname === "/health") {
      return health("context", env.ENVIRONMENT, env.VERSION);
    }
    return refusing(() => api(request, env));
  },
} satisfies ExportedHandler<Env>;

/** What other Workers may ask through a service binding; not reachable from outside. */
export class Summaries extends WorkerEntrypoint<Env> {
  ofDay(day: string): Promise<Activity> {
    return activity(this.env.DB, day);
  }
}
