INSERT INTO daily_summaries (day, source, kind, events)
SELECT ?1, source, kind, count(*)
FROM events
WHERE received_at >= ?1 AND received_at < date(?1, '+1 day')
GROUP BY source, kind
ON CONFLICT (day, source, kind) DO UPDATE SET events = excluded.events
