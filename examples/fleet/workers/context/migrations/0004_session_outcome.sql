ALTER TABLE sessions ADD COLUMN outcome TEXT;

CREATE INDEX notes_by_time ON notes (written_at);
