"""Questions to the agent's client in the middle of a call: a Worker's own, marked as the Worker's, and our approvals.

In the protocol with handshake a question is a request to the client. In 2026-07-28 it is an answer: the call returns
what it wants to know, and the client calls once more with what was said. The call itself goes on meanwhile.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import mcp_types as types
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.session import ServerSession
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from cattlegrid.gateway import words
from cattlegrid.model.environment import Environment

PATIENCE: Final = 290.0
"""Seconds for a person to answer: a little less than a call may take, so that the Worker is told and not cut off."""

Question = types.ElicitRequest | types.CreateMessageRequest
Answer = types.ElicitResult | types.CreateMessageResult
Put = Callable[[Question], Awaitable[Answer]]
"""Asks the client whose call this is. Raises MCPError when it cannot be asked, or says no in words of its own."""
Work = Callable[[Put], Awaitable[dict[str, Any]]]
_KINDS: Final[Mapping[str, type[types.ElicitResult | types.CreateMessageResult]]] = {
    "elicitation/create": types.ElicitResult,
    "sampling/createMessage": types.CreateMessageResult,
}


def of_worker(question: Question, environment: Environment, worker: str) -> Question:
    """The question with whose it is in front. It can be taken for no approval of ours: it never begins as one does."""
    key = "message" if isinstance(question, types.ElicitRequest) else "system_prompt"
    said = _marked(getattr(question.params, key), environment, worker)
    return question.model_copy(update={"params": question.params.model_copy(update={key: said, "meta": None})})


def of_worker_instead(error: MCPError, environment: Environment, worker: str) -> MCPError:
    """The error by which a Worker wants addresses opened before it is called again, marked in the same way."""
    data = error.error.data
    asked = data.get("elicitations") if isinstance(data, dict) else None
    if error.error.code != types.URL_ELICITATION_REQUIRED or not isinstance(asked, list):
        return error
    marked = [
        {**one, "message": _marked(one.get("message"), environment, worker)} for one in asked if isinstance(one, dict)
    ]
    return MCPError(error.error.code, error.error.message, {**data, "elicitations": marked})


def _marked(text: object, environment: Environment, worker: str) -> str:
    where = f"{environment} · worker {worker} asks"
    if environment is Environment.PRODUCTION:
        where = f"PRODUCTION · worker {worker} asks, and not cattlegrid: no answer to this approves a call"
    return f"[{where}] {words.plain(text)}".rstrip()


def answers(client: types.ClientCapabilities | None, question: Question) -> bool:
    """Whether the client has said that it answers such questions. One that names no mode of elicitation has forms."""
    if client is None:
        return False
    if isinstance(question, types.CreateMessageRequest):
        return client.sampling is not None
    modes = client.elicitation
    if modes is None:
        return False
    if isinstance(question.params, types.ElicitRequestURLParams):
        return modes.url is not None
    return modes.form is not None or modes.url is None


async def put(session: ServerSession, call: types.RequestId | None, question: Question) -> Answer:
    """To a client of the protocol with handshake."""
    _expect(session, question)
    if not session.can_send_request:
        raise MCPError(types.INVALID_REQUEST, "this connection carries no questions to the client")
    belongs = ServerMessageMetadata(related_request_id=call)
    return await session.send_request(question, _KINDS[question.method], PATIENCE, belongs)


def by_turns(session: ServerSession) -> bool:
    return session.protocol_version in MODERN_PROTOCOL_VERSIONS


def _expect(session: ServerSession, question: Question) -> None:
    if not answers(session.client_capabilities, question):
        raise MCPError(types.INVALID_REQUEST, f"the agent's client does not answer {question.method}")


@dataclass(eq=False)
class _Turn:
    """A call that is being carried out. `say` gets its questions and at last its result or error."""

    say: MemoryObjectSendStream[dict[str, Any] | MCPError]
    said: MemoryObjectReceiveStream[dict[str, Any] | MCPError]
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    one_at_a_time: anyio.Lock = field(default_factory=anyio.Lock)
    answer: Any = None
    answered: anyio.Event = field(default_factory=anyio.Event)


class Turns:
    """The calls of one connection in 2026-07-28 that wait for the client to come back with an answer."""

    def __init__(self, group: TaskGroup) -> None:
        self._group = group
        self._waiting: dict[str, _Turn] = {}

    async def begin(self, session: ServerSession, work: Work) -> dict[str, Any]:
        """The result, or the first question in its place."""
        turn = _Turn(*anyio.create_memory_object_stream[dict[str, Any] | MCPError](2))

        async def ask(question: Question) -> Answer:
            _expect(session, question)
            return await self._ask(turn, question)

        async def carry_out() -> None:
            with turn.scope, turn.say:
                try:
                    said: dict[str, Any] | MCPError = await work(ask)
                except MCPError as error:
                    said = error
                except Exception:  # noqa: BLE001 - one call must not end its connection; the library says it as well
                    said = MCPError(types.INTERNAL_ERROR, "Internal server error")
                turn.say.send_nowait(said)

        self._group.start_soon(carry_out)
        return await self._next(turn)

    async def resume(self, state: str, answers: Mapping[str, object] | None) -> dict[str, Any]:
        """The same call goes on with the answer. Raises MCPError when nothing waits for one under this state."""
        turn = self._waiting.pop(state, None)
        if turn is None:
            raise MCPError(types.INVALID_PARAMS, "no call waits for this answer; it may have expired")
        turn.answer = (answers or {}).get(state)
        turn.answered.set()
        return await self._next(turn)

    async def _next(self, turn: _Turn) -> dict[str, Any]:
        try:
            said = await turn.said.receive()
        except anyio.get_cancelled_exc_class():
            turn.scope.cancel()
            raise
        if turn not in self._waiting.values():
            turn.said.close()
        if isinstance(said, MCPError):
            raise said
        return said

    async def _ask(self, turn: _Turn, question: Question) -> Answer:
        async with turn.one_at_a_time:
            state, turn.answered = secrets.token_urlsafe(16), anyio.Event()
            self._waiting[state] = turn
            asked = {state: question.model_dump(by_alias=True, mode="json", exclude_none=True)}
            turn.say.send_nowait({"resultType": "input_required", "inputRequests": asked, "requestState": state})
            try:
                with anyio.fail_after(PATIENCE):
                    await turn.answered.wait()
            except TimeoutError:
                raise MCPError(types.REQUEST_TIMEOUT, "nobody answered") from None
            finally:
                self._waiting.pop(state, None)
        if not isinstance(turn.answer, _KINDS[question.method]):
            raise MCPError(types.INVALID_REQUEST, "the client came back without an answer")
        return turn.answer
