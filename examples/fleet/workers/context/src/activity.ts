export interface Activity {
  sessions: number;
  notes: number;
}

/** What agents did on one day (`2026-11-24`, UTC), or ever. */
export async function activity(database: D1Database, day = ""): Promise<Activity> {
  const counts = await database
    .prepare(
      "SELECT (SELECT count(*) FROM sessions WHERE started_at LIKE ?1 || '%') AS sessions," +
        " (SELECT count(*) FROM notes WHERE written_at LIKE ?1 || '%') AS notes",
    )
    .bind(day)
    .first<Activity>();
  return counts ?? { sessions: 0, notes: 0 };
}
