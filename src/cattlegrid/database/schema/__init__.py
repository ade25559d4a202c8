"""The structure of a database: read by the engine's own PRAGMAs, compared piece by piece, never as text."""
