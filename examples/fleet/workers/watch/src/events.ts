/** One webhook delivery; `delivery` is the sender's own id, the same when it sends again. */
export interface Event {
  delivery: string;
  source: string;
  kind: string;
  receivedAt: string;
  payload: string;
}

export interface StoredEvent {
  delivery: string;
  source: string;
  kind: string;
  receivedAt: string;
  repository: string | null;
}

/** Stores a batch at once. A delivery that is already there is left as it was. */
export async function storeEvents(database: D1Database, events: readonly Event[]): Promise<void> {
  const insert = database.prepare(
    "INSERT INTO events (delivery, source, kind, received_at, payload) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );
  await database.batch(
    events.map((event) => insert.bind(event.delivery, event.source, event.kind, event.receivedAt, event.payload)),
  );
}

/** Newest first, without payloads. */
export async function recentEvents(database: D1Database, limit: number): Promise<StoredEvent[]> {
  const { results } = await database
    .prepare(
      "SELECT delivery, source, kind, received_at AS receivedAt, repository" +
        " FROM events ORDER BY received_at DESC, delivery LIMIT ?",
    )
    .bind(limit)
    .all<StoredEvent>();
  return results;
}
