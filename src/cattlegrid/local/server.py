"""The control plane as an ASGI application: who asks, whether they may, what goes wrong, and the envelope."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from cattlegrid.local import tokens
from cattlegrid.local.connections import cut
from cattlegrid.local.control import Control
from cattlegrid.local.envelope import ApiError, refused
from cattlegrid.local.faults import Fault
from cattlegrid.local.routes import Call, Route, match, served
from cattlegrid.local.state import NO_ROOM, disk_full

PREFIX = "/client/v4"
_NOT_SERVED = 7000
_log = logging.getLogger("cattlegrid.local")


@dataclass(frozen=True)
class App:
    control: Control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        path = scope["raw_path"].decode("ascii").removeprefix(PREFIX)
        faults = self.control.faults.strike(request.method, path)
        response, headers = await _answer(self.control, request, path, faults)
        if any(fault.kind in {"cut", "lost"} for fault in faults):
            await cut(scope, receive)
            return
        for name, value in {**headers, "CF-Ray": f"{secrets.token_hex(8)}-LCL"}.items():
            response.headers[name] = value
        await response(scope, receive, send)


async def _answer(
    control: Control, request: Request, path: str, faults: tuple[Fault, ...]
) -> tuple[Response, Mapping[str, str]]:
    headers: dict[str, str] = {}
    try:
        response = await _routed(control, request, path, faults, headers)
    except ApiError as error:
        return refused(error), headers
    except Exception as error:  # noqa: BLE001 (one broken route must not end the others; the log has the story)
        return refused(_failed(request, error)), headers
    if any(fault.kind == "garbage" for fault in faults):
        return HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>"), headers
    return response, headers


async def _routed(
    control: Control, request: Request, path: str, faults: tuple[Fault, ...], headers: dict[str, str]
) -> Response:
    _guard_address(request)
    found = match(request.method, path)
    token = _authenticated(control, request, found[0] if found else None)
    if not (found and (found[0].local or found[0].access == "signed")):
        headers.update(control.limiter.allow(token.id, time.monotonic()))
    await _before(faults)
    if found is None:
        raise _unknown(request.method, path)
    one, parts = found
    _authorised(control, token, one, parts)
    return await one.handler(Call(request, parts, control, token, faults))


def _guard_address(request: Request) -> None:
    """A page in the user's browser may reach loopback under a name of its own (DNS rebinding)."""
    host = request.url.hostname or ""
    if host not in {"127.0.0.1", "localhost", "::1"}:
        raise ApiError(403, 10000, f"This API is served on loopback only, not as {host}")
    if not request.scope["raw_path"].startswith(PREFIX.encode()):
        where = request.url.path
        raise ApiError(404, 7003, f"Could not route to {where}, perhaps your object identifier is invalid?")


def _authenticated(control: Control, request: Request, found: Route | None) -> tokens.Token:
    if found is not None and found.access == "signed":
        return tokens.Token("signed", "signed URL", frozenset(), None)
    value = tokens.bearer(request.headers.get("authorization"), request.headers.get("x-auth-key"))
    token = tokens.find(control.state.db, value)
    if token is not None:
        return token
    if found is not None and found.path == "/user/tokens/verify":
        raise ApiError(401, 1000, "Invalid API Token")
    if found is not None and found.path == "/user":
        raise ApiError(403, 9109, "Invalid access token")
    raise ApiError(401, 10000, "Authentication error")


async def _before(faults: tuple[Fault, ...]) -> None:
    for fault in faults:
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "429":
            message = "Please wait and consider throttling your request speed"
            raise ApiError(429, 971, message, headers={"Retry-After": f"{fault.seconds:g}"})
        elif fault.kind == "500":
            raise ApiError(500, 10013, "An unknown error has occurred (a fault that was asked for)")
        elif fault.kind == "cut":
            raise ApiError(500, 10013, "The connection is cut here")


def _authorised(control: Control, token: tokens.Token, one: Route, parts: Mapping[str, str]) -> None:
    if one.access == "signed":
        return
    area = one.scope.partition(":")[0]
    foreign = _foreign_account(control, parts)
    if foreign or not token.may(one.scope):
        if area == "d1":
            message = "The given account is not valid or is not authorized to access this service"
            raise ApiError(403, 7403, message, result=[])
        raise ApiError(403, 10000, "Authentication error")
    if "script" in parts and not token.reaches(parts["script"]):
        raise ApiError(403, 10000, "Authentication error")


def _foreign_account(control: Control, parts: Mapping[str, str]) -> bool:
    if "account" not in parts:
        return False
    account = parts["account"]
    if len(account) != 32 or not all(letter in "0123456789abcdef" for letter in account):
        message = f"Could not route to /client/v4/accounts/{account}, perhaps your object identifier is invalid?"
        raise ApiError(404, 7003, message)
    return account != tokens.account(control.state.db).id


def _unknown(method: str, path: str) -> ApiError:
    others = sorted({one.method for one in served() if one.pattern.fullmatch(path)})
    if others:
        return ApiError(405, 10405, f"Method {method} is not allowed for {PREFIX}{path}; it serves {', '.join(others)}")
    return ApiError(
        501,
        _NOT_SERVED,
        f"No route for that URI: {method} {PREFIX}{path} is not served by the local Cloudflare. "
        "docs/local.md lists what is.",
    )


def _failed(request: Request, error: Exception) -> ApiError:
    reference = secrets.token_hex(8)
    # The log gets the traceback without the message: a message may quote what a user sent.
    _log.error("%s %s failed: %s, reference %s", request.method, request.url.path, type(error).__name__, reference)
    _log.error("".join(_places(error)))
    if disk_full(error):
        return ApiError(507, 10013, NO_ROOM)
    return ApiError(500, 10013, f"An unknown error has occurred in the local Cloudflare; reference = {reference}")


def _places(error: Exception) -> list[str]:
    places = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"  {code.co_filename}:{trace.tb_lineno} {code.co_name}\n")
        trace = trace.tb_next
    return places
