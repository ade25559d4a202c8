import type { Env } from "./env.ts";
import summarise from "./summarise.sql";

/** Sums up one day (`2026-11-24`, UTC). Doing it again gives the same rows. */
export async function sumUp(env: Env, day: string): Promise<void> {
  const { sessions, notes } = await env.CONTEXT.ofDay(day);
  const activity = env.DB.prepare(
    "INSERT INTO daily_activity (day, sessions, notes, summed_at) VALUES (?, ?, ?, ?) ON CONFLICT (day)" +
      " DO UPDATE SET sessions = excluded.sessions, notes = excluded.notes, summed_at = excluded.summed_at",
  );
  await env.DB.batch([
    env.DB.prepare(summarise).bind(day),
    activity.bind(day, sessions, notes, new Date().toISOString()),
  ]);
}

export interface DaySummary {
  day: string;
  sessions: number;
  notes: number;
  events: number;
}

/** The newest days first. */
export async function summaries(database: D1Database, limit: number): Promise<DaySummary[]> {
  const { results } = await database
    .prepare(
      "SELECT day, sessions, notes," +
        " (SELECT coalesce(sum(events), 0) FROM daily_summaries WHERE daily_summaries.day = daily_activity.day) AS events" +
        " FROM daily_activity ORDER BY day DESC LIMIT ?",
    )
    .bind(limit)
    .all<DaySummary>();
  return results;
}

export function dayBefore(time: number): string {
  return new Date(time - 24 * 3600 * 1000).toISOString().slice(0, 10);
}
