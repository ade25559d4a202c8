CREATE TABLE events (
  delivery TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  received_at TEXT NOT NULL,
  payload TEXT NOT NULL CHECK (json_valid(payload))
);

CREATE INDEX events_by_time ON events (received_at DESC);
