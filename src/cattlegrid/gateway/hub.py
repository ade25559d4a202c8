"""The gateway itself, apart from its wire: which tools there are, who may call them, and where a call goes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import anyio
import httpx2
from mcp.shared.dispatcher import ProgressFnT
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, INVALID_REQUEST, ElicitRequest, ElicitRequestFormParams, ElicitResult

from cattlegrid.agents.calls import Call, Log, canonical
from cattlegrid.agents.policy import Effect, asks
from cattlegrid.errors import CattlegridError
from cattlegrid.gateway import answers, catalogue
from cattlegrid.gateway.approval import Desk
from cattlegrid.gateway.own import Tool, run_tool, serving
from cattlegrid.gateway.proof import Down, Mismatch
from cattlegrid.gateway.questions import Answer, Put, Question
from cattlegrid.gateway.upstream import Changed, Item, Upstream
from cattlegrid.gateway.way import Way

_LIST_PATIENCE: Final = 8.0


@dataclass
class Asked:
    """One tool call as a connection makes it. `may_ask`: what its client answers counts as a person's word."""

    name: str
    arguments: Mapping[str, Any]
    put: Put
    may_ask: bool
    progress: ProgressFnT | None = None


class Hub:
    def __init__(self, way: Way, log: Log, pool: httpx2.AsyncBaseTransport) -> None:
        self.way = way
        self.session = way.session
        self.desk = Desk(way.edge.clock)
        self.log = log
        self.changed: list[Changed] = []
        self.upstreams = {worker.name: Upstream(way, worker, pool, self._changed) for worker in way.serving}
        self._own = serving(way.session.environment)
        self._given: catalogue.Given = {}
        self._offers: list[tuple[Item, ...]] = []
        self._served: dict[str, catalogue.Served] = {}

    async def run(self) -> None:
        """Keep every worker's connection; the first one is made at once."""
        async with anyio.create_task_group() as group:
            for upstream in self.upstreams.values():
                group.start_soon(upstream.run)
                group.start_soon(self._awake, upstream)

    async def awake(self) -> None:
        """Waits a little for workers that were never reached, and for none that is down."""
        with anyio.move_on_after(_LIST_PATIENCE):
            async with anyio.create_task_group() as group:
                for upstream in self.upstreams.values():
                    if not any(upstream.offers.values()) and not upstream.trouble:
                        group.start_soon(self._awake, upstream)

    async def served(self, *, wait: bool = True) -> dict[str, catalogue.Served]:
        """The workers' tools; with `wait`, also of those that are being connected."""
        if wait:
            await self.awake()
        offers = [upstream.offers["tools"] for upstream in self.upstreams.values()]
        if offers != self._offers:
            label = self.session.environment.value
            self._served = catalogue.tools(self.upstreams.values(), frozenset(self._own), label, self._given)
            self._offers = offers
        return self._served

    async def tools(self) -> list[dict[str, Any]]:
        own = [_shown(tool, self.session.environment.value) for tool in self._own.values()]
        return own + [dict(one.shown) for one in (await self.served()).values()]

    async def call(self, asked: Asked) -> dict[str, Any]:
        """The result, logged. Raises MCPError for a tool that there is not, and with a worker's protocol errors."""
        started = time.monotonic()
        own = self._own.get(asked.name)
        served = None if own is not None else (await self.served(wait=False)).get(asked.name)
        if own is None and served is None:
            served = (await self.served()).get(asked.name)
        if own is None and served is None:
            raise MCPError(INVALID_PARAMS, f"there is no tool {asked.name}{self._silent()}")
        worker = served.upstream.worker.name if served is not None else ""
        verdict = "cancelled"
        try:
            verdict, result = await (self._ours(own, asked) if own is not None else self._theirs(served, asked))
        except MCPError:
            verdict = "error"
            raise
        else:
            return result
        finally:
            took = round((time.monotonic() - started) * 1000)
            digest = self.log.digest(asked.arguments)
            now = self.way.edge.clock.now().isoformat(timespec="milliseconds")
            environment = self.session.environment.value
            self.log.write(Call(now, self.session.id, environment, asked.name, worker, digest, verdict, took))

    async def _ours(self, tool: Tool | None, asked: Asked) -> tuple[str, dict[str, Any]]:
        assert tool is not None  # noqa: S101 - told apart by the caller
        try:
            found = await anyio.to_thread.run_sync(run_tool, tool, self.way, asked.arguments, abandon_on_cancel=True)
        except CattlegridError as error:
            return "error", answers.trouble(self.session, "", error)
        if tool.name == "deploy":
            for upstream in self.upstreams.values():
                upstream.forget()
        return "ok", answers.report(self.session, found, self._notes())

    async def _theirs(self, served: catalogue.Served | None, asked: Asked) -> tuple[str, dict[str, Any]]:
        assert served is not None  # noqa: S101 - told apart by the caller
        worker = served.upstream.worker.name
        try:
            self._all_well()
            await served.upstream.link()
            if (refusal := await self._allowed(served, asked)) is not None:
                return "refused", answers.trouble(self.session, worker, refusal)
            params: dict[str, Any] = {"name": served.own, "arguments": dict(asked.arguments)}
            result = await served.upstream.call(params, self._relaying(asked), asked.progress)
        except Down as error:
            text = f"worker {worker} is down: {error}. Its tools come back when it does; the others go on"
            return "down", answers.trouble(self.session, worker, text)
        except Mismatch as error:
            return "refused", answers.trouble(self.session, worker, self._stopped(str(error)))
        if not answers.readable(result):
            text = f"worker {worker} answered {served.own} with something that is no tool result"
            return "error", answers.trouble(self.session, worker, text)
        return "error" if result.get("isError") else "ok", answers.stamped(self.session, worker, result, self._notes())

    async def _allowed(self, served: catalogue.Served, asked: Asked) -> str | None:
        """Why this call may not run now; None when it may."""
        if not asks(self.session.environment, served.effect):
            return None
        if self.log.trouble:
            return f"{self.log.trouble}; a write in production that is not recorded is refused"
        worker, word = served.upstream.worker.name, self.session.environment.value
        digest = self.log.digest(asked.arguments)
        if self.desk.take(served.name, digest):
            return None
        message = (
            f"cattlegrid asks: run {served.name} ({served.effect}) of worker {worker} on {word.upper()}?"
            f" Arguments: {_brief(asked.arguments)}. Type {word} to confirm."
        )
        answer = await _confirmed(asked, message, word)
        if answer is True:
            return None
        if answer is False:
            return f"a person did not confirm {served.name} on {word}; nothing was done"
        request = self.desk.put(served.name, worker, served.effect.value, asked.arguments, digest)
        return (
            f"{served.name} {'destroys' if served.effect is Effect.DESTRUCTIVE else 'writes'} in {word} and needs a"
            f" person. Request {request.id} (arguments {digest}) waits until {request.expires:%H:%M:%S} UTC.\n"
            f"next: a person types `cattlegrid allow {request.id}` in a terminal of their own; then call the tool again"
            " with exactly the same arguments"
        )

    def _relaying(self, asked: Asked) -> Put:
        """How a Worker asks in the middle of this call. In production, of a person only: as approvals are."""

        async def put(question: Question) -> Answer:
            if self.session.writes_ask and not asked.may_ask:
                raise MCPError(INVALID_REQUEST, "in production only the agent's own connection is asked")
            return await asked.put(question)

        return put

    def _all_well(self) -> None:
        wrong = next((one for one in self.upstreams.values() if one.mismatch), None)
        if wrong is not None:
            wrong.forget()
            raise Mismatch(wrong.mismatch)

    def _stopped(self, reason: str) -> str:
        return (
            f"all tools of the workers have stopped: {reason}. This session is {self.session.environment} and calls"
            " nothing that is not.\nnext: tell the person; `cattlegrid smoke` shows what is wrong"
        )

    def _notes(self) -> tuple[str, ...]:
        return (f"note: {self.log.trouble}",) if self.log.trouble else ()

    def _silent(self) -> str:
        down = [f"{one.worker.name} ({one.trouble})" for one in self.upstreams.values() if one.trouble]
        return f"; not reached: {', '.join(down)}" if down else ""

    async def _awake(self, upstream: Upstream) -> None:
        try:
            await upstream.link()
        except (Down, Mismatch):
            return

    async def _changed(self, kind: str, uri: str) -> None:
        for tell in list(self.changed):
            await tell(kind, uri)


def _shown(tool: Tool, label: str) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": f"[{label} · cattlegrid] {tool.description}",
        "inputSchema": tool.schema,
        "annotations": {"readOnlyHint": tool.effect is Effect.READ, "destructiveHint": False},
    }


async def _confirmed(asked: Asked, message: str, word: str) -> bool | None:
    """What a person typed in the client's own form; None when there is nobody, or no form, to ask."""
    if not asked.may_ask:
        return None
    fields = {"confirm": {"type": "string", "title": f"Type {word}"}}
    schema = {"type": "object", "properties": fields, "required": ["confirm"]}
    form = ElicitRequestFormParams.model_validate({"message": message, "requestedSchema": schema})
    try:
        answer = await asked.put(ElicitRequest(params=form))
    except MCPError:
        return None
    if not isinstance(answer, ElicitResult) or answer.action != "accept":
        return None  # Codex declines by itself when nobody is there: a person may still allow it elsewhere
    return (answer.content or {}).get("confirm") == word


def _brief(arguments: Mapping[str, Any]) -> str:
    text = canonical(arguments).decode()
    return text if len(text) <= 400 else f"{text[:400]}… ({len(text)} characters)"
