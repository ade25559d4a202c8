CREATE TABLE notes (
  id INTEGER PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  body TEXT NOT NULL CHECK (length(body) BETWEEN 1 AND 100000),
  written_at TEXT NOT NULL
);

CREATE INDEX notes_by_session ON notes (session_id, id);
