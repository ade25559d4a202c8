"""Wrangler's files changed as text: what is not meant to change stays byte for byte, comments included."""
