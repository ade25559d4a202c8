SELECT
  notes.id,
  notes.session_id AS session,
  sessions.agent,
  notes.body,
  notes.written_at AS writtenAt,
  snippet(notes_search, 0, '[', ']', '…', 12) AS excerpt
FROM notes_search
JOIN notes ON notes.id = notes_search.rowid
JOIN sessions ON sessions.id = notes.session_id
WHERE notes_search MATCH ?1
ORDER BY bm25(notes_search), notes.id DESC
LIMIT ?2
