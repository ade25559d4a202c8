"""Promotion: the bytes that staging ran, moved to production, tried there before anybody sees them, then switched."""
