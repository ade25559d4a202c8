import type { Key, VersionMetadata } from "@crane/shared";
import type { Event } from "./events.ts";

/** The part of the context Worker's `Summaries` that is called here. */
interface Summaries {
  ofDay(day: string): Promise<{ sessions: number; notes: number }>;
}

export interface Env {
  DB: D1Database;
  EVENTS: Queue<Event>;
  CONTEXT: Summaries;
  VERSION: VersionMetadata;
  ENVIRONMENT: string;
  WATCH_KEY: Key;
  GH_WEBHOOK_SECRET: Key;
}
