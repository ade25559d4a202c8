"""From one content of a wrangler file to another, changing the text only where the contents differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cattlegrid.errors import ConfigError, Failed
from cattlegrid.wrangler import config
from cattlegrid.wrangler.edit import jsonc, lines, toml
from cattlegrid.wrangler.edit.step import Path, Uneditable, steps

_NO_COPIES: Final[Mapping[Path, Path]] = {}


def rewrite(
    text: str,
    file_name: str,
    after: Mapping[str, object],
    *,
    copies: Mapping[Path, Path] = _NO_COPIES,
    shown: str = "",
) -> str:
    """The text whose content is `after`. Comments, order, blank lines, quotes, line ends stay where nothing changes.

    `copies` says of a new place from which top-level place its text is to be copied, comments included; when the
    original goes away in the same change, the comments directly above it go along. The result is read again before it
    is returned: raises Failed when it does not say `after`, which happens only to a file of a form not thought of.
    """
    shown = shown or file_name
    language = toml if file_name.endswith(".toml") else jsonc
    before = config.parse(text.encode(), file_name, shown=shown)
    try:
        for step in steps(before, after, copies):
            text = language.apply(text, step)
        same = config.parse(text.encode(), file_name, shown=shown) == after
    except (Uneditable, ConfigError) as error:
        raise _by_hand(shown) from error
    if not same:
        raise _by_hand(shown)
    return text


def locate(text: str, file_name: str, path: Path) -> tuple[int, int]:
    """Line and column, from 1, of what stands at `path`, or of the nearest thing above it."""
    language = toml if file_name.endswith(".toml") else jsonc
    return lines.line_and_column(text, language.locate(text, path))


def _by_hand(shown: str) -> Failed:
    return Failed(
        "is written in a form that cannot be changed without rewriting it whole; nothing was changed",
        where=shown,
        next="write its tables as [sections], or as members on lines of their own, and repeat the command",
    )
