CREATE TABLE daily_summaries (
  day TEXT NOT NULL,
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  events INTEGER NOT NULL,
  PRIMARY KEY (day, source, kind)
) WITHOUT ROWID;
