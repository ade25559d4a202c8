"""A thin client of the part of Cloudflare's REST API that a deploy needs."""
