"""What a Worker logs and throws, as it happens: what `wrangler tail` shows, without starting wrangler."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from cattlegrid.cloudflare import reading
from cattlegrid.cloudflare.client import Body, Client
from cattlegrid.cloudflare.reading import Json
from cattlegrid.errors import ApiError

_PROTOCOL: Final = Subprotocol("trace-v1")
_LARGEST: Final = 4 * 1024 * 1024
_PATIENCE: Final = 10.0


@dataclass(frozen=True)
class Event:
    """One invocation. `trigger` is `GET /path`, `cron …` or the kind of event: no header, query or body is kept."""

    at: str
    outcome: str
    trigger: str
    logs: tuple[str, ...]
    exceptions: tuple[str, ...]


def follow(client: Client, script: str, *, seconds: float) -> Iterator[Event]:
    """The events of `seconds` from now on. Raises ApiError when the tail cannot be opened."""
    path = f"/workers/scripts/{quote(script, safe='')}/tails"
    made = reading.mapping(client.call("POST", path, body=Body(json={"filters": []})).result, path)
    try:
        with _opened(reading.text(made, "url", path), path) as socket:
            yield from _events(socket, time.monotonic() + seconds)
    finally:
        client.remove(f"{path}/{reading.text(made, 'id', path)}")  # it may have ended with its connection


def _opened(url: str, where: str) -> ClientConnection:
    try:
        return connect(
            url, subprotocols=[_PROTOCOL], open_timeout=_PATIENCE, close_timeout=1, max_size=_LARGEST, proxy=None
        )
    except (OSError, InvalidHandshake) as error:
        raise ApiError(f"the tail cannot be opened: {error}", where=where) from error


def _events(socket: ClientConnection, until: float) -> Iterator[Event]:
    while (left := until - time.monotonic()) > 0:
        try:
            yield _event(json.loads(socket.recv(timeout=left)))
        except TimeoutError:
            return
        except ValueError:
            continue  # not an event: Cloudflare says so itself when it leaves some out
        except ConnectionClosed:
            return


def _event(told: object) -> Event:
    found = reading.mapping(told, "tail")
    moment = found.get("eventTimestamp")
    at = time.strftime("%H:%M:%S", time.gmtime(moment / 1000)) if isinstance(moment, int | float) else ""
    logs = tuple(f"{line.get('level', 'log')}: {_words(line.get('message'))}" for line in _many(found, "logs"))
    thrown = tuple(f"{one.get('name', 'Error')}: {one.get('message', '')}" for one in _many(found, "exceptions"))
    return Event(at, str(found.get("outcome", "unknown")), _trigger(reading.part(found, "event")), logs, thrown)


def _many(found: Json, key: str) -> list[Json]:
    items = found.get(key)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _words(message: object) -> str:
    parts = message if isinstance(message, list) else [message]
    return " ".join(part if isinstance(part, str) else json.dumps(part, ensure_ascii=False) for part in parts)


def _trigger(event: Json) -> str:
    if request := reading.part(event, "request"):
        return f"{request.get('method', '?')} {urlsplit(str(request.get('url', ''))).path}"
    if cron := reading.optional(event, "cron"):
        return f"cron {cron}"
    return next(iter(event), "unknown")
