"""`cattlegrid.toml`: one table of settings, a reader that reports all mistakes at once, and the folders it names."""

from cattlegrid.settings.file import FILE_NAME, load

__all__ = ["FILE_NAME", "load"]
