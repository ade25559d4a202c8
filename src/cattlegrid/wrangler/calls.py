"""Calls of wrangler in shell text: which command, and which environment it is told, if any."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# Commands that read the wrangler file and reach Cloudflare. `dev` and `types` stay on the machine.
_REACHING: Final = frozenset(
    {"d1", "delete", "deploy", "deployments", "kv", "publish", "rollback", "secret", "tail", "triggers", "versions"}
)
_CALL: Final = re.compile(
    r"""(?<![\w.@-])wrangler(?:@[\w.^~-]+)?[ \t]+(?P<words>[a-z0-9:]+(?:"[^"\n]*"|'[^'\n]*'|[^\n;&|)`"'#<>])*)"""
)
_ENV: Final = re.compile(r"(?:^|\s)(?:--env|-e)(?:=|\s+)(?P<name>\"[^\"]*\"|'[^']*'|\$\{\{.*?\}\}|[^\s-]\S*)?")
_LOCAL: Final = re.compile(r"(?:^|\s)(?:--local|--dry-run|--help|-h)(?:\s|$)")


@dataclass(frozen=True)
class Call:
    """`command` as written, from `start` to `end` of the text. `environment`: what it names, "" being the top level;
    None when it names none. A name that is put together when it runs holds a `$`.
    """

    command: str
    words: tuple[str, ...]
    environment: str | None
    start: int
    end: int


def calls(text: str) -> Iterator[Call]:
    """The calls that reach Cloudflare through a wrangler file, in order."""
    for found in _CALL.finditer(text):
        said = found["words"].rstrip(" \t\\,.:*_")
        words = tuple(said.split())
        if not words or words[0].partition(":")[0] not in _REACHING or _stays_here(words, said):
            continue
        end = found.start("words") + len(said)
        yield Call(text[found.start() : end], words, _environment(said), found.start(), end)


def _stays_here(words: tuple[str, ...], said: str) -> bool:
    if _LOCAL.search(said):
        return True
    if words[0] == "d1":
        return len(words) < 2 or words[1] in {"create", "list", "delete", "info"}
    if words[0] == "kv":
        return "--binding" not in said
    return words[0] == "kv:namespace"


def _environment(said: str) -> str | None:
    found = _ENV.search(said)
    return None if found is None else (found["name"] or "").strip("\"'")
