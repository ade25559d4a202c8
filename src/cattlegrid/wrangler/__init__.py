"""Wrangler's files read as wrangler reads them, and wrangler itself driven."""
