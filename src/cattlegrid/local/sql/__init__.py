"""SQL text as D1's REST API takes it: many statements in one string, and the limits that local D1 does not enforce."""
