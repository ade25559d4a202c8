"""The gateway in front of the example fleet, by the official MCP client."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import httpx2
import mcp_types as types
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from talk import talk, text

from herd import COMMAND, PRODUCTION_TOKEN, STAGING_TOKEN, Herd

pytestmark = pytest.mark.slow


def test_the_environment_is_in_the_instructions_in_every_description_and_in_every_result(herd: Herd) -> None:
    async def do(client: Client) -> tuple[str, list[Any], list[Any]]:
        tools = (await client.list_tools()).tools
        results = [await client.call_tool(name, {}) for name in ("recent_sessions", "status")]
        return client.instructions or "", tools, results

    instructions, tools, results = talk(herd, do)
    assert instructions.startswith("Environment: staging  http://context-staging.")
    assert {tool.name for tool in tools} >= {"start_session", "search_notes", "status", "deploy", "query_staging"}
    assert all(tool.description.startswith("[staging · ") for tool in tools)
    for result in results:
        assert text(result).startswith("Environment: staging")
        assert result.meta["cattlegrid/environment"]["environment"] == "staging"


def test_a_write_lands_in_stagings_database_and_not_in_productions(herd: Herd) -> None:
    talk(herd, lambda client: client.call_tool("start_session", {"agent": "test", "title": "lands in staging"}))
    question = "SELECT title FROM sessions WHERE title = 'lands in staging'"
    assert len(herd.rows("staging", question)) == 1
    assert herd.rows("production", question) == []


def test_no_tool_has_an_argument_that_changes_the_environment(herd: Herd) -> None:
    async def do(client: Client) -> list[Any]:
        return [
            await client.call_tool(name, {word: "production"})
            for name in ("status", "smoke", "deploy", "history")
            for word in ("env", "environment")
        ]

    for result in talk(herd, do):
        assert result.is_error
        assert "the environment is the session's and cannot be chosen" in text(result)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28", "auto"])
def test_every_era_of_the_protocol_is_served(herd: Herd, mode: str) -> None:
    result = talk(herd, lambda client: client.call_tool("recent_sessions", {}), mode=mode)
    assert text(result).startswith("Environment: staging")


def test_fifty_calls_at_once_are_not_mixed_up(herd: Herd) -> None:
    async def do(client: Client) -> dict[int, Any]:
        found: dict[int, Any] = {}

        async def one(number: int) -> None:
            found[number] = await client.call_tool("start_session", {"agent": f"a{number}", "title": f"t{number}"})

        async with anyio.create_task_group() as group:
            for number in range(50):
                group.start_soon(one, number)
        return found

    found = talk(herd, do)
    assert len(found) == 50
    for number, result in found.items():
        made = json.loads(result.content[1].text)
        assert (made["agent"], made["title"]) == (f"a{number}", f"t{number}")


def test_staging_is_asked_by_select_and_by_nothing_else(herd: Herd) -> None:
    statements = {
        "SELECT count(*) AS n FROM sessions": False,
        "WITH x AS (SELECT 1 AS one) SELECT * FROM x;": False,
        "DELETE FROM sessions": True,
        "SELECT 1; DELETE FROM sessions": True,
        "SELECT 1) ; DELETE FROM sessions; SELECT * FROM (SELECT 1": True,
        "WITH x AS (SELECT 1) DELETE FROM sessions": True,
        "SELECT 1 --'\n; DELETE FROM sessions --'": True,
        "PRAGMA user_version = 7": True,
    }

    async def do(client: Client) -> dict[str, bool]:
        asked = {"database": "context.DB"}
        return {sql: (await client.call_tool("query_staging", {**asked, "sql": sql})).is_error for sql in statements}

    before = herd.rows("staging", "SELECT count(*) AS n FROM sessions")
    assert talk(herd, do) == statements
    assert herd.rows("staging", "SELECT count(*) AS n FROM sessions") == before


def _answering(word: str | None, seen: list[str]) -> Any:
    async def elicited(_: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        seen.append(params.message)
        if word is None:
            return types.ElicitResult(action="cancel")
        return types.ElicitResult(action="accept", content={"confirm": word})

    return elicited


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
@pytest.mark.parametrize(("word", "rows"), [("production", 1), ("staging", 0), ("yes", 0), (None, 0)])
def test_a_write_in_production_happens_only_when_its_name_is_typed(
    herd: Herd, word: str | None, rows: int, mode: str
) -> None:
    title, seen = f"typed {word} in {mode}", list[str]()
    asked = {"agent": "test", "title": title}
    talk(
        herd,
        lambda client: client.call_tool("start_session", asked),
        "--venture=ke",
        mode=mode,
        elicitation_callback=_answering(word, seen),
    )
    assert len(seen) == 1
    assert seen[0].startswith("cattlegrid asks: run start_session (write) of worker context on PRODUCTION?")
    assert title in seen[0]
    titles = "SELECT title FROM sessions"
    assert [row["title"] for row in herd.rows("production", titles)].count(title) == rows
    assert title not in [row["title"] for row in herd.rows("staging", titles)]


def test_a_venture_without_staging_warns_in_the_instructions_and_in_every_result(herd: Herd) -> None:
    async def do(client: Client) -> tuple[str, Any, Any, Any]:
        read = await client.call_tool("recent_sessions", {})
        write = await client.call_tool("start_session", {"agent": "x", "title": "not asked"})
        return client.instructions or "", read, write, (await client.list_tools()).tools

    instructions, read, write, tools = talk(herd, do, "--venture=ke")
    assert instructions.startswith("WARNING: venture ke has no staging. THIS SESSION IS PRODUCTION")
    assert "Environment: production  http://context." in instructions
    assert "WARNING: venture ke has no staging" in text(read)
    assert not read.is_error
    assert write.is_error
    assert "cattlegrid allow" in text(write)
    assert "deploy" not in {tool.name for tool in tools}
    assert herd.rows("production", "SELECT id FROM sessions WHERE title = 'not asked'") == []


def test_the_log_names_the_call_and_holds_no_value(herd: Herd) -> None:
    talk(herd, lambda client: client.call_tool("start_session", {"agent": "test", "title": "canary-7331"}))
    shown = herd.run("log", "--json")
    last = json.loads(shown)["calls"][-1]
    assert (last["tool"], last["worker"], last["result"]) == ("start_session", "context", "ok")
    assert len(last["arguments"]) == 16
    assert "canary-7331" not in shown


def test_a_full_disk_for_the_log_stops_no_read_and_refuses_a_write_in_production(herd: Herd) -> None:
    full = Herd(herd.folder, herd.state, {**herd.environ, "XDG_STATE_HOME": "/dev/full"}, herd.router)

    async def do(client: Client) -> tuple[Any, Any]:
        read = [await client.call_tool("recent_sessions", {}) for _ in range(2)][-1]
        return read, await client.call_tool("start_session", {"agent": "x", "title": "unrecorded"})

    read, write = talk(full, do, "--venture=ke", elicitation_callback=_answering("production", []))
    assert not read.is_error
    assert "the log of calls cannot be written" in text(read)
    assert "a write in production that is not recorded is refused" in text(write)
    assert herd.rows("production", "SELECT id FROM sessions WHERE title = 'unrecorded'") == []


@contextmanager
def over_http(herd: Herd, token: str) -> Iterator[str]:
    process = subprocess.Popen(
        [COMMAND, "mcp", "--http", "0", "--json"],
        cwd=herd.folder,
        env={**herd.environ, "CATTLEGRID_MCP_BEARER": token},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        document = ""
        while not document.rstrip().endswith("}"):
            document += process.stdout.readline()
        yield json.loads(document)["url"]
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()


def test_over_http_the_token_opens_it_and_nothing_else_does(herd: Herd) -> None:
    async def call(url: str) -> Any:
        headers = {"Authorization": "Bearer correct"}
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False, timeout=30) as http,
            Client(streamable_http_client(url, http_client=http), mode="legacy") as client,
        ):
            return await client.call_tool("recent_sessions", {})

    with over_http(herd, "correct") as url:
        for sent in ({}, {"Authorization": "Bearer wrong"}):
            assert httpx2.post(url, json={}, headers=sent, trust_env=False).status_code == 401
        rebound = {"Authorization": "Bearer correct", "Host": "evil.example"}
        assert httpx2.post(url, json={}, headers=rebound, trust_env=False).status_code in {403, 421}
        assert text(anyio.run(call, url)).startswith("Environment: staging")


def test_a_tool_that_there_is_not_is_a_protocol_error(herd: Herd) -> None:
    async def do(client: Client) -> str:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("promote", {})
        return str(caught.value)

    assert talk(herd, do).startswith("there is no tool promote")


def test_the_configuration_moved_under_the_session_and_the_session_keeps_its_target(herd: Herd) -> None:
    config = herd.folder / "workers/context/wrangler.jsonc"
    before = config.read_text()

    async def do(client: Client) -> tuple[Any, Any]:
        await client.call_tool("recent_sessions", {})
        config.write_text(before.replace('"context-staging",', '"context-elsewhere",', 1))
        return await client.call_tool("deploy", {}), await client.call_tool("recent_sessions", {})

    try:
        deploy, read = talk(herd, do)
    finally:
        config.write_text(before)
    assert "the files name another staging than this session" in text(deploy)
    assert "context-elsewhere" in text(deploy)
    assert not read.is_error


def test_deploy_reaches_staging_and_the_next_call_is_proven_anew(herd: Herd) -> None:
    async def do(client: Client) -> tuple[Any, Any]:
        done = await client.call_tool("deploy", {"workers": ["context"]})
        return done, await client.call_tool("recent_sessions", {})

    done, read = talk(herd, do)
    assert not done.is_error, text(done)
    assert json.loads(done.content[1].text)["outcome"] == "pass"
    assert not read.is_error


def test_no_credential_is_in_the_environment_of_the_gateway_that_run_starts(herd: Herd) -> None:
    values = "|".join(herd.environ[name] for name in (STAGING_TOKEN, PRODUCTION_TOKEN))
    script = f"sleep 2; for p in /proc/[0-9]*; do grep -laE '{values}' $p/environ; done 2>/dev/null; true"
    said = herd.run("run", "--no-sandbox", "--", "sh", "-c", script)
    assert [line for line in said.splitlines() if line.startswith("/proc/")] == []


def test_check_schema_and_logs_are_tools_of_the_gateway(herd: Herd) -> None:
    async def do(client: Client) -> dict[str, Any]:
        found = {name: await client.call_tool(name, {}) for name in ("check", "schema_diff")}
        async with anyio.create_task_group() as group:

            async def listen() -> None:
                found["logs"] = await client.call_tool("logs", {"worker": "context", "seconds": 5})
                group.cancel_scope.cancel()

            group.start_soon(listen)
            while True:
                await client.call_tool("recent_sessions", {})
        return found

    found = {name: result.structured_content["report"] for name, result in talk(herd, do).items()}
    assert found["check"]["workers"] == 2
    sides = [side["environment"] for one in found["schema_diff"]["databases"] for side in one["sides"]]
    assert set(sides) == {"staging"}
    assert {"POST /mcp"} <= {event["trigger"] for event in found["logs"]["events"]}
    assert found["logs"]["events"][0]["outcome"] == "ok"


def test_arguments_of_another_kind_are_refused_by_name(herd: Herd) -> None:
    asked = {"logs": {"worker": 7}, "query_staging": {"database": "context.DB", "sql": "SELECT 1", "limit": "many"}}

    async def do(client: Client) -> list[str]:
        return [text(await client.session.call_tool(name, words)) for name, words in asked.items()]

    worker, limit = talk(herd, do)
    assert "tool logs wants worker as string, not int" in worker
    assert "tool query_staging wants limit as integer, not str" in limit
