"""Staging and production for agent infrastructure on Cloudflare Workers and D1."""

__version__ = "0.1.0.dev0"
