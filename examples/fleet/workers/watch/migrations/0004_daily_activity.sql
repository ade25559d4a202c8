-- What agents did on the same day, as the context Worker tells it.
CREATE TABLE daily_activity (
  day TEXT PRIMARY KEY,
  sessions INTEGER NOT NULL,
  notes INTEGER NOT NULL,
  summed_at TEXT NOT NULL
) WITHOUT ROWID;
