"""Writing an id into a wrangler file: one value replaced or put in, every other byte as it was.

What was written is parsed and compared before it is kept: a file whose form is too unusual is refused, not damaged.
"""

from __future__ import annotations

import copy
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from cattlegrid.errors import Failed, StalePlan
from cattlegrid.wrangler import config
from cattlegrid.wrangler.spans import Path as Place
from cattlegrid.wrangler.spans import Span, Spans, spans


def write(path: Path, places: Mapping[Place, str], *, before: bytes, shown: str) -> bytes:
    """Set the text at each place of the file, whose content must still be `before`; the new content.

    The file is replaced in one step, or not at all. Raises StalePlan when it changed, Failed when it cannot be done.
    """
    after = edited(before, places, path.name, shown=shown)
    if path.read_bytes() != before:
        raise StalePlan("was changed by somebody else in the meantime", where=shown, next="repeat the command")
    try:
        replace(path, after)
    except OSError as error:
        raise Failed(
            f"cannot be written: {error.strerror}; the ids that belong there: {_words(places)}",
            where=shown,
            next=f"chmod u+w {shown}, then repeat the command: it finds what was made",
        ) from error
    return after


def edited(before: bytes, places: Mapping[Place, str], file_name: str, *, shown: str) -> bytes:
    """The content with these texts in it. Raises Failed with what to write by hand when the form is not known."""
    expected = config.parse(before, file_name, shown=shown)
    text = before.decode("utf-8")
    for place, value in places.items():
        expected = _with(expected, place, value)
        try:
            text = _put(text, file_name, place, value)
            found = config.parse(text.encode(), file_name, shown=shown)
        except (ValueError, IndexError, Failed) as error:
            raise _by_hand(place, value, shown) from error
        if found != expected:
            raise _by_hand(place, value, shown)
    return text.encode()


def replace(path: Path, content: bytes) -> None:
    """The file's content in one step, with its mode and through its links. Raises OSError."""
    real = path.resolve()
    mode = real.stat().st_mode
    if not mode & 0o222:  # asked of the mode: root could write it, and a folder lets anybody replace it
        raise PermissionError(13, "the file is read-only")
    handle, temporary = tempfile.mkstemp(prefix=f".{real.name}.", dir=real.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(real)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _put(text: str, file_name: str, place: Place, value: str) -> str:
    found = spans(text, file_name)
    literal = json.dumps(value)
    if place in found.values:
        span = found.values[place]
        return text[: span.start] + literal + text[span.end :]
    return _insert(text, file_name, found, place, literal)


def _insert(text: str, file_name: str, found: Spans, place: Place, literal: str) -> str:
    """Behind the last entry of the object that is to hold it, written as that entry is."""
    parent, key = place[:-1], str(place[-1])
    siblings = [span for path, span in found.values.items() if path[:-1] == parent]
    if not siblings:
        raise ValueError("there is no entry to write it behind")
    last = max(siblings, key=lambda span: span.end)
    if file_name.endswith(".toml"):
        return _insert_toml(text, last, f"{key} = {literal}", own_line=parent in found.tables)
    return _insert_json(text, last, f"{json.dumps(key)}: {literal}")


def _insert_json(text: str, last: Span, entry: str) -> str:
    gap = text[text.rfind("\n", 0, last.key) + 1 : last.key]
    newline = "\r\n" if "\r\n" in text else "\n"
    # An entry that begins its line is followed by one that does too.
    between = newline + gap if not gap.strip() and "\n" in text[: last.key] else " "
    return f"{text[: last.end]},{between}{entry}{text[last.end :]}"


def _insert_toml(text: str, last: Span, entry: str, *, own_line: bool) -> str:
    if not own_line:
        return f"{text[: last.end]}, {entry}{text[last.end :]}"
    indent = text[text.rfind("\n", 0, last.key) + 1 : last.key]
    newline = "\r\n" if "\r\n" in text else "\n"
    end = text.find("\n", last.end)
    if end == -1:
        return f"{text}{newline}{indent}{entry}{newline}"
    return f"{text[: end + 1]}{indent}{entry}{newline}{text[end + 1 :]}"


def _with(value: dict[str, object], place: Place, text: str) -> dict[str, object]:
    changed = copy.deepcopy(value)
    here: object = changed
    for key in place[:-1]:
        here = here[key]  # type: ignore[index]  # a parsed file: dictionaries and lists all the way
    here[place[-1]] = text  # type: ignore[index]
    return changed


def _by_hand(place: Place, value: str, shown: str) -> Failed:
    words = _words({place: value})
    return Failed(
        f"the form of this file is not one that an id can be written into; it is unchanged. To be written: {words}",
        where=shown,
        next=f"write it by hand: {words}",
    )


def _words(places: Mapping[Place, str]) -> str:
    return ", ".join(f"{dotted(place)} = {json.dumps(value)}" for place, value in places.items())


def dotted(place: Place) -> str:
    """`env.production.d1_databases[0].database_id`"""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
