"""Secrets: where an environment's values are kept, which are needed, and how they reach Cloudflare."""
