ALTER TABLE events ADD COLUMN repository TEXT GENERATED ALWAYS AS (json_extract(payload, '$.repository.full_name')) VIRTUAL;

CREATE INDEX events_by_repository ON events (repository, received_at DESC);
