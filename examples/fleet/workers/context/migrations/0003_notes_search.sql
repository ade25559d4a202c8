-- The words live in the index only; the text itself stays in notes.
CREATE VIRTUAL TABLE notes_search USING fts5 (body, content = 'notes', content_rowid = 'id', tokenize = 'porter unicode61');

INSERT INTO notes_search (rowid, body) SELECT id, body FROM notes;

CREATE TRIGGER notes_search_insert AFTER INSERT ON notes BEGIN
  INSERT INTO notes_search (rowid, body) VALUES (new.id, new.body);
END;

CREATE TRIGGER notes_search_delete AFTER DELETE ON notes BEGIN
  INSERT INTO notes_search (notes_search, rowid, body) VALUES ('delete', old.id, old.body);
END;

CREATE TRIGGER notes_search_update AFTER UPDATE OF body ON notes BEGIN
  INSERT INTO notes_search (notes_search, rowid, body) VALUES ('delete', old.id, old.body);
  INSERT INTO notes_search (rowid, body) VALUES (new.id, new.body);
END;
