"""A version's bindings: what it inherits and keeps, whether their targets exist, and what of them is shown."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cattlegrid.local import actors, scripts
from cattlegrid.local.api import d1_state, kv_state, queue_state, r2_state
from cattlegrid.local.envelope import ApiError

Binding = Mapping[str, Any]
_MAX_TEXT = 5 * 1024
_MAX_VARS = 128
_D1_HELP = "https://developers.cloudflare.com/workers/observability/errors/#configuration-errors"


def resolve(
    uploaded: Sequence[Binding], before: Sequence[Binding], keep: Sequence[str], *, strict: bool
) -> tuple[Binding, ...]:
    """The complete list: uploaded ones, `inherit` replaced by what the version before has, kept types added.

    Raises ApiError 10057 for an `inherit` that finds nothing, when `strict`; else such a binding is dropped.
    """
    known = {binding["name"]: binding for binding in before}
    chosen: dict[str, Binding] = {}
    for binding in uploaded:
        name = _named(binding)
        if name in chosen:
            raise ApiError(400, 10053, f"Binding name {name!r} is used twice")
        if binding["type"] != "inherit":
            chosen[name] = binding
        elif (source := binding.get("old_name", name)) in known:
            chosen[name] = {**known[source], "name": name}
        elif strict:
            raise ApiError(
                400, 10057, f"Invalid inherit binding {name!r}: the version before has no binding {source!r}"
            )
    for name, binding in known.items():
        if name not in chosen and binding["type"] in keep:
            chosen[name] = binding
    return tuple(chosen.values())


def _named(binding: Binding) -> str:
    name = binding.get("name")
    if not isinstance(name, str) or not name:
        raise ApiError(400, 10052, f"A binding of type {binding.get('type')!r} has no name")
    return name


@dataclass(frozen=True)
class Where:
    """Whose bindings they are; `classes` are the Worker's own Durable Object namespaces after its migrations."""

    db: sqlite3.Connection
    account: str
    script: str
    classes: Sequence[actors.Namespace]


def complete(where: Where, bindings: Sequence[Binding]) -> tuple[Binding, ...]:
    """The bindings with what the runtime must know added. Raises ApiError for a target that does not exist."""
    check_count(bindings)
    return tuple(_completed(where, binding) for binding in bindings)


def check_count(bindings: Sequence[Binding]) -> None:
    """Raises ApiError 10055."""
    texts = [one for one in bindings if one["type"] in {"plain_text", "secret_text", "json"}]
    if len(texts) > _MAX_VARS:
        raise ApiError(400, 10055, f"Too many variables and secrets: {len(texts)}, and {_MAX_VARS} are allowed")


def _completed(where: Where, binding: Binding) -> Binding:
    kind = binding["type"]
    if kind not in _CHECKS:
        message = (
            f"Binding {binding['name']!r} of type {kind!r} is not served by the local Cloudflare; "
            f"it serves {', '.join(sorted(_CHECKS))}"
        )
        raise ApiError(501, 7000, message)
    return _CHECKS[kind](where, binding)


def _as_is(_where: Where, binding: Binding) -> Binding:
    return binding


def _text(_where: Where, binding: Binding) -> Binding:
    if not isinstance(binding.get("text"), str):
        raise ApiError(400, 10021, f"Binding {binding['name']!r}: text is missing")
    check_size(binding["name"], binding["text"])
    return binding


def _json(_where: Where, binding: Binding) -> Binding:
    check_size(binding["name"], json.dumps(binding.get("json")))
    return binding


def check_size(name: str, text: str) -> None:
    """Raises ApiError 10054; the text itself is not quoted."""
    size = len(text.encode())
    if size > _MAX_TEXT:
        raise ApiError(400, 10054, f"Text binding {name!r} is too large: {size} bytes, and 5 kB are allowed")


def _d1(where: Where, binding: Binding) -> Binding:
    wanted = str(binding.get("id") or binding.get("database_id") or "")
    found = d1_state.find(where.db, where.account, wanted)
    if found is None or found.uuid != wanted:
        message = f"D1 binding '{binding['name']}' references database '{wanted}' which was not found."
        raise ApiError(400, 10181, message, documentation_url=_D1_HELP)
    return {**binding, "id": wanted}


def _kv(where: Where, binding: Binding) -> Binding:
    wanted = str(binding.get("namespace_id", ""))
    if kv_state.find(where.db, where.account, wanted) is None:
        raise ApiError(400, 10041, f"KV namespace '{wanted}' not found.")
    return binding


def _r2(where: Where, binding: Binding) -> Binding:
    wanted = str(binding.get("bucket_name", ""))
    if r2_state.find(where.db, where.account, wanted) is None:
        raise ApiError(400, 10085, f"R2 bucket '{wanted}' not found. Please use a different name and try again.")
    return binding


def _queue(where: Where, binding: Binding) -> Binding:
    wanted = str(binding.get("queue_name", ""))
    if queue_state.named(where.db, wanted) is None:
        raise ApiError(400, 11000, f"Queue '{wanted}' does not exist. Please create it first.")
    return binding


def _service(where: Where, binding: Binding) -> Binding:
    wanted = str(binding.get("service", ""))
    if wanted != where.script and scripts.find(where.db, wanted) is None:
        message = f"Could not resolve service binding '{binding['name']}'. Target script '{wanted}' not found."
        raise ApiError(400, 10143, message)
    return binding


def _actor(where: Where, binding: Binding) -> Binding:
    owner, wanted = str(binding.get("script_name") or where.script), str(binding.get("class_name", ""))
    own = next((one for one in where.classes if one.class_name == wanted), None)
    found = own if owner == where.script else actors.find(where.db, owner, wanted)
    if found is None:
        message = (
            f"Cannot create binding for class '{wanted}' because it is not currently configured to implement "
            "Durable Objects. Did you forget to add a migration or a Durable Object export?"
        )
        raise ApiError(400, 10061, message)
    return {**binding, "namespace_id": found.id, "script_name": owner}


_CHECKS: dict[str, Callable[[Where, Binding], Binding]] = {
    "assets": _as_is,
    "d1": _d1,
    "durable_object_namespace": _actor,
    "json": _json,
    "kv_namespace": _kv,
    "plain_text": _text,
    "queue": _queue,
    "r2_bucket": _r2,
    "secret_text": _text,
    "service": _service,
    "version_metadata": _as_is,
}


def shown(bindings: Sequence[Binding], script: str) -> list[dict[str, Any]]:
    """As the API returns them: secrets by name only, and a Worker's own Durable Objects without its name."""
    return [_without_secret(binding, script) for binding in bindings]


def _without_secret(binding: Binding, script: str) -> dict[str, Any]:
    hidden = {"text"} if binding["type"] == "secret_text" else set()
    if binding["type"] == "durable_object_namespace" and binding.get("script_name") == script:
        hidden.add("script_name")
    return {key: value for key, value in binding.items() if key not in hidden}


def secret_names(bindings: Sequence[Binding]) -> list[str]:
    return [str(one["name"]) for one in bindings if one["type"] == "secret_text"]
