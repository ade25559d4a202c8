"""Results as the client gets them: the environment first, in the first line and in a structured field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from cattlegrid.agents import banner
from cattlegrid.agents.session import Session
from cattlegrid.errors import CattlegridError

_PARTS: Final = frozenset({"text", "image", "audio", "resource", "resource_link"})
META: Final = "cattlegrid/environment"


def stamped(session: Session, worker: str, result: Mapping[str, Any], notes: tuple[str, ...] = ()) -> dict[str, Any]:
    """The worker's result, whole, behind one text that says where it comes from."""
    content = result.get("content")
    meta = result.get("_meta")
    said = {"environment": session.environment.value, "worker": worker, "fallback": session.fallback}
    return {
        "resultType": "complete",
        **result,
        "content": [_text(_first(session, worker, notes)), *(content if isinstance(content, list) else [])],
        "_meta": {**(meta if isinstance(meta, dict) else {}), META: said},
    }


def readable(result: Mapping[str, Any]) -> bool:
    """Whether a worker's answer is a tool result at all; what is in it is the worker's own affair."""
    content = result.get("content", [])
    return isinstance(content, list) and all(isinstance(part, dict) and part.get("type") in _PARTS for part in content)


def report(session: Session, value: object, notes: tuple[str, ...] = ()) -> dict[str, Any]:
    """A report of ours."""
    content = [_text(json.dumps(value, ensure_ascii=False, indent=1))]
    structured = {"environment": session.environment.value, "report": value}
    return stamped(session, "", {"content": content, "structuredContent": structured, "isError": False}, notes)


def trouble(session: Session, worker: str, error: CattlegridError | str) -> dict[str, Any]:
    """What the model must read: it is wrong, why, and what to do."""
    if isinstance(error, str):
        words = error
    else:
        words = f"[{error.code}] {error}" + (f"\nnext: {error.next}" if error.next else "")
    return stamped(session, worker, {"content": [_text(words)], "isError": True})


def _first(session: Session, worker: str, notes: tuple[str, ...]) -> str:
    where = next((one.url or one.script for one in session.workers if one.name == worker), "")
    from_ = f" (worker {worker}{f', {where}' if where else ''})" if worker else ""
    line = f"Environment: {session.environment}{from_}"
    return "\n".join(part for part in (line, banner.warning(session), *notes) if part)


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}
