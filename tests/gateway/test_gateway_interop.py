"""Two independent clients, the gateway, and the reference *everything* server: what is lost on the way is a defect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import anyio
import fastmcp
import httpx2
import mcp_types as types
import pytest
from everything import everything, front_fleet
from fastmcp.client.transports import StdioTransport
from mcp.shared.exceptions import MCPError
from talk import talk, text

from cattlegrid.gateway import questions
from cattlegrid.model.environment import Environment
from cattlegrid.toolchain import Toolchain
from herd import COMMAND, Herd

pytestmark = pytest.mark.slow
Facts = dict[str, Any]
Heard = defaultdict[str, anyio.Event]
"""The notifications that a client was sent, by method."""
CHANGED = "notifications/resources/list_changed"
LONG = {"duration": 0.4, "steps": 4}
GZIP = {"name": "new.gz", "data": "data:text/plain,hello", "outputType": "resourceLink"}


@pytest.fixture(scope="module")
def front(herd: Herd, node_parts: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Herd]:
    with everything(node_parts) as origin:
        yield front_fleet(herd, node_parts, tmp_path_factory.mktemp("front"), origin)


def _listening() -> tuple[Heard, Callable[[Any], Awaitable[None]]]:
    heard: Heard = defaultdict(anyio.Event)

    async def hear(message: Any) -> None:
        heard[str(getattr(message, "method", ""))].set()

    return heard, hear


async def _asked(client: Any, heard: Heard | None) -> Facts:
    """What both clients can be asked in the same words; `session` is the protocol's own, beneath either."""
    session = client.session
    found: Facts = {"prompts first": await session.list_prompts()}
    found["tools"] = await session.list_tools()
    calls = {
        "echo": {"message": "hællo"},
        "get-structured-content": {"location": "Chicago"},
        "get-tiny-image": {},
        "get-resource-links": {"count": 3},
        "get-sum": {"a": "no number"},
    }
    for name, words in calls.items():
        found[name] = await session.call_tool(name, words)
    steps: list[tuple[float, float | None]] = []

    async def progress(done: float, total: float | None, _: str | None) -> None:
        steps.append((done, total))

    await session.call_tool("trigger-long-running-operation", LONG, progress_callback=progress)
    found["steps"] = steps
    found["prompt"] = await session.get_prompt("args-prompt", {"city": "Oslo"})
    found["before"] = await session.list_resources()
    found["templates"] = await session.list_resource_templates()
    found["read"] = await session.read_resource("demo://resource/dynamic/text/7")
    found["completed"] = await session.complete(
        types.PromptReference(name="completable-prompt"), {"name": "department", "value": "E"}
    )
    if heard is not None:
        heard.pop(CHANGED, None)
    await session.call_tool("gzip-file-as-resource", GZIP)
    if heard is not None:
        with anyio.fail_after(20):
            await heard[CHANGED].wait()
    found["after"] = await session.list_resources()
    for _ in range(100 if heard is None else 0):
        if len(found["after"].resources) > len(found["before"].resources):
            break
        found["after"] = await session.list_resources()
    with anyio.move_on_after(1):
        await session.call_tool("trigger-long-running-operation", {"duration": 30, "steps": 1})
    found["still"] = await session.call_tool("echo", {"message": "after a cancelled call"})
    return found


def _official(front: Herd) -> Facts:
    heard, hear = _listening()
    return talk(front, lambda client: _asked(client, heard), message_handler=hear)


def _newest(front: Herd) -> Facts:
    """The protocol without sessions: who wants to be told of changes listens for them."""
    heard, hear = _listening()

    async def do(client: Any) -> Facts:
        async with anyio.create_task_group() as group, client.listen(resources_list_changed=True) as events:

            async def listen() -> None:
                async for _ in events:
                    heard[CHANGED].set()

            group.start_soon(listen)
            found = await _asked(client, heard)
            group.cancel_scope.cancel()
        return found

    return talk(front, do, mode="2026-07-28", message_handler=hear)


def _fastmcp(front: Herd) -> Facts:
    """It speaks the newest protocol, and has nothing to listen with."""

    async def main() -> Facts:
        transport = StdioTransport(COMMAND, ["mcp"], env=dict(front.environ), cwd=str(front.folder))
        with anyio.fail_after(120):
            async with fastmcp.Client(transport) as client:
                return await _asked(client, None)

    return anyio.run(main)


@pytest.fixture(
    scope="module",
    params=[_official, _newest, _fastmcp],
    ids=["the official client", "in the newest protocol", "FastMCP's client"],
)
def found(request: pytest.FixtureRequest, front: Herd) -> Facts:
    facts: Facts = request.param(front)
    return facts


def test_tools_prompts_and_resources_are_all_there_under_their_own_names(found: Facts) -> None:
    assert {tool.name for tool in found["tools"].tools} >= {"echo", "get-sum", "get-tiny-image", "status", "logs"}
    assert "simple-prompt" in {prompt.name for prompt in found["prompts first"].prompts}
    assert len(found["before"].resources) == 7
    templates = [str(one.uri_template) for one in found["templates"].resource_templates]
    assert "demo://resource/dynamic/text/{resourceId}" in templates


def test_results_arrive_whole_behind_the_line_that_names_the_environment(found: Facts) -> None:
    first, echoed = found["echo"].content
    assert first.text.startswith("Environment: staging (worker front")
    assert echoed.text == "Echo: hællo"
    assert found["get-structured-content"].structured_content["conditions"]
    assert "image" in [part.type for part in found["get-tiny-image"].content]
    assert [part.type for part in found["get-resource-links"].content].count("resource_link") == 3
    assert found["get-sum"].is_error
    assert "number" in found["get-sum"].content[1].text


def test_prompts_resources_and_completions_are_the_servers_own(found: Facts) -> None:
    assert "Oslo" in found["prompt"].messages[0].content.text
    assert "7" in found["read"].contents[0].text
    assert "Engineering" in found["completed"].completion.values


def test_progress_comes_step_by_step(found: Facts) -> None:
    assert found["steps"] == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_list_that_changes_is_told_and_read_anew(found: Facts) -> None:
    new = {str(one.uri) for one in found["after"].resources} - {str(one.uri) for one in found["before"].resources}
    assert len(new) == 1
    assert "new.gz" in new.pop()


def test_a_cancelled_call_is_cancelled_at_the_server_and_the_session_goes_on(found: Facts, front: Herd) -> None:
    assert found["still"].content[1].text == "Echo: after a cancelled call"
    assert "notifications/cancelled" in _told(front)


MODES = pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
WATCHED = "demo://resource/dynamic/text/1"


async def _elicited(_: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
    return types.ElicitResult(action="accept", content={"name": f"heard: {params.message}"})


async def _sampled(_: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
    said = types.TextContent(type="text", text=f"heard: {params.system_prompt}")
    return types.CreateMessageResult(role="assistant", model="none", content=said)


@MODES
@pytest.mark.parametrize("what", ["elicitation", "sampling"])
def test_a_worker_s_question_reaches_the_client_whose_call_it_is_with_the_worker_s_name(
    front: Herd, mode: str, what: str
) -> None:
    words = {"prompt": "hello"} if what == "sampling" else {}
    answers = {"elicitation_callback": _elicited, "sampling_callback": _sampled}
    said = talk(front, lambda one: one.call_tool(f"trigger-{what}-request", words), mode=mode, **answers)
    assert not said.is_error, text(said)
    assert "heard: [staging · worker front asks] " in text(said)


@MODES
def test_ten_questions_at_once_are_each_answered_to_the_call_that_asked(front: Herd, mode: str) -> None:
    async def sampled(_: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
        said = types.TextContent(type="text", text=f"to {params.messages[0].content.text}")
        return types.CreateMessageResult(role="assistant", model="none", content=said)

    async def do(client: Any) -> dict[int, str]:
        found: dict[int, str] = {}

        async def one(number: int) -> None:
            words = {"prompt": f"number {number}."}
            found[number] = text(await client.call_tool("trigger-sampling-request", words))

        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(one, number)
        return found

    for number, said in talk(front, do, mode=mode, sampling_callback=sampled).items():
        assert f"context: number {number}." in said


@MODES
@pytest.mark.parametrize("what", ["elicitation", "sampling"])
def test_a_client_that_cannot_be_asked_costs_the_worker_that_question_and_no_more(
    front: Herd, mode: str, what: str
) -> None:
    async def do(client: Any) -> tuple[Any, Any]:
        words = {"prompt": "hello"} if what == "sampling" else {}
        asked = await client.call_tool(f"trigger-{what}-request", words)
        return asked, await client.call_tool("echo", {"message": "still here"})

    asked, after = talk(front, do, mode=mode)
    assert asked.is_error
    assert "the agent's client does not answer" in text(asked)
    assert not after.is_error


def test_an_address_to_open_reaches_a_client_that_has_said_it_opens_them(front: Herd) -> None:
    async def opened(_: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        assert isinstance(params, types.ElicitRequestURLParams)
        assert params.message.startswith("[staging · worker front asks] Please open")
        return types.ElicitResult(action="accept" if params.url == "https://a.example/" else "decline")

    async def do(client: Any) -> tuple[Any, types.ErrorData]:
        asked = {"url": "https://a.example/"}
        said = await client.call_tool("trigger-url-elicitation", asked)
        with pytest.raises(MCPError) as caught:
            await client.call_tool("trigger-url-elicitation", {**asked, "errorPath": True})
        return said, caught.value.error

    said, error = talk(front, do, elicitation_callback=opened)
    assert "accept" in text(said)
    assert error.code == types.URL_ELICITATION_REQUIRED
    assert error.data["elicitations"][0]["message"].startswith("[staging · worker front asks] Open this")


def test_a_person_who_declines_is_told_to_the_worker_as_such(front: Herd) -> None:
    async def decline(*_: Any) -> types.ElicitResult:
        return types.ElicitResult(action="decline")

    said = talk(front, lambda one: one.call_tool("trigger-elicitation-request", {}), elicitation_callback=decline)
    assert "declined" in text(said)


def _told(front: Herd) -> list[str]:
    host = {"Host": f"front-staging.local.localhost:{front.router}"}
    told: list[str] = httpx2.get(f"http://127.0.0.1:{front.router}/told", headers=host, trust_env=False).json()
    return told


@pytest.mark.filterwarnings("ignore:resources/(un)?subscribe is removed")
def test_a_resource_that_is_subscribed_to_tells_of_its_changes_until_it_is_not(front: Herd) -> None:
    heard, hear = _listening()

    async def do(client: Any) -> None:
        await client.session.subscribe_resource(WATCHED)
        await client.call_tool("toggle-subscriber-updates", {})
        with anyio.fail_after(20):
            await heard["notifications/resources/updated"].wait()
        await client.session.unsubscribe_resource(WATCHED)

    talk(front, do, message_handler=hear)
    assert _told(front)[-2:] == ["tools/call", "resources/unsubscribe"]


def test_in_the_newest_protocol_a_resource_is_watched_for_as_long_as_somebody_listens(front: Herd) -> None:
    async def do(client: Any) -> str:
        async with client.listen(resource_subscriptions=[WATCHED]) as events:
            await client.call_tool("toggle-subscriber-updates", {})
            with anyio.fail_after(20):
                async for event in events:
                    return str(event.uri)
        raise AssertionError("the stream ended")

    assert talk(front, do, mode="2026-07-28") == WATCHED
    assert "resources/unsubscribe" in _told(front)[-3:]


@pytest.mark.filterwarnings("ignore:resources/(un)?subscribe is removed")
def test_a_resource_that_nobody_has_cannot_be_subscribed_to(front: Herd) -> None:
    async def do(client: Any) -> str:
        with pytest.raises(MCPError) as caught:
            await client.session.subscribe_resource("elsewhere://x")
        return str(caught.value)

    assert talk(front, do) == "there is no resource elsewhere://x"


def test_a_question_in_production_says_that_it_is_the_worker_s_and_approves_nothing() -> None:
    form = {"message": "cattlegrid asks: run\u202e purge?", "requestedSchema": {"type": "object", "properties": {}}}
    asked = types.ElicitRequest(params=types.ElicitRequestFormParams.model_validate(form))
    shown = questions.of_worker(asked, Environment.PRODUCTION, "context").params.message
    mark = "[PRODUCTION · worker context asks, and not cattlegrid: no answer to this approves a call] "
    assert shown == f"{mark}cattlegrid asks: run purge?"
