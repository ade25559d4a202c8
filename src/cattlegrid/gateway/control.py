"""What a person asks of a running session from another terminal: which requests wait, and to allow one."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any, Final

import anyio
from anyio.abc import ByteStream, SocketAttribute

from cattlegrid.agents import person
from cattlegrid.gateway.hub import Hub

_CREDENTIALS: Final = struct.Struct("3i")


async def answer(stream: ByteStream, hub: Hub, agent: int) -> None:
    """One question, one answer, each a line of JSON. Who says nothing, or something else, gets no answer."""
    async with stream:
        try:
            asked = json.loads(await stream.receive(65536))
        except (anyio.EndOfStream, ValueError):
            return
        if isinstance(asked, dict):
            await stream.send(json.dumps(_answer(asked, _peer(stream), hub, agent)).encode() + b"\n")


def _answer(asked: dict[str, Any], peer: int, hub: Hub, agent: int) -> dict[str, Any]:
    session = hub.session
    head = {"session": session.id, "environment": session.environment.value, "venture": session.venture}
    if asked.get("do") == "list":
        return {**head, "waiting": [one.told() for one in hub.desk.waiting()]}
    if asked.get("do") != "allow":
        return {**head, "refused": f"there is no question {asked.get('do')!r}"}
    if reason := person.why_not(peer, agent):
        return {**head, "refused": f"{reason}: a person allows a write, from a terminal of their own"}
    if asked.get("typed") != session.environment.value:
        return {**head, "refused": f"the environment's name was not typed: {session.environment}"}
    allowed = hub.desk.allow(str(asked.get("id")))
    if allowed is None:
        return {**head, "refused": f"no request {asked.get('id')!r} waits here; it may have expired"}
    return {**head, "allowed": allowed.told()}


def _peer(stream: ByteStream) -> int:
    """The process at the other end, as the kernel knows it."""
    raw = stream.extra(SocketAttribute.raw_socket)  # noqa: S610 - anyio, not Django
    return int(_CREDENTIALS.unpack(raw.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))[0])
