"""Wrangler's files changed as text: what is not meant to change stays byte for byte, comments included."""

from cattlegrid.wrangler.edit.rewrite import locate, rewrite
from cattlegrid.wrangler.edit.step import Path

__all__ = ["Path", "locate", "rewrite"]
