"""The gateway on the official low-level MCP server: every era that its clients speak."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import anyio
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import NotificationOptions, Server
from mcp.server.models import InitializationOptions
from mcp.server.session import ServerSession
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
    ToolsListChanged,
)
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel

from cattlegrid import __version__
from cattlegrid.agents import banner
from cattlegrid.gateway import catalogue, questions
from cattlegrid.gateway.hub import Asked, Hub
from cattlegrid.gateway.proof import Down, Mismatch


@dataclass
class Caller:
    """One connection. Only a session's first one may be asked in its client's form: it is the agent's own.

    Later ones may be a shell command of the agent's that would answer itself.
    """

    may_ask: bool
    turns: questions.Turns
    session: ServerSession | None = None
    watched: set[str] = field(default_factory=set)


Context = ServerRequestContext[Caller, Any]

_EVENTS: Final[Mapping[str, ServerEvent]] = {
    "tools": ToolsListChanged(),
    "prompts": PromptsListChanged(),
    "resources": ResourcesListChanged(),
}
_COMPLETE: Final = {"resultType": "complete"}
_LISTED: Final = {**_COMPLETE, "ttlMs": 0, "cacheScope": "private"}
"""What the newest era wants in every answer; the older ones are sent without it."""


def build(hub: Hub, *, may_ask: bool) -> Server[Caller]:
    """A server for one connection, or for all that come over HTTP."""

    @asynccontextmanager
    async def connection(_: Server[Caller]) -> AsyncIterator[Caller]:
        async def tell(kind: str, uri: str) -> None:
            await bus.publish(ResourceUpdated(uri) if uri else _EVENTS[kind])
            if caller.session is None:
                return
            if uri:
                if uri in caller.watched:
                    await caller.session.send_resource_updated(uri)
                return
            send = {
                "tools": caller.session.send_tool_list_changed,
                "prompts": caller.session.send_prompt_list_changed,
                "resources": caller.session.send_resource_list_changed,
            }
            await send[kind]()

        async with anyio.create_task_group() as group:
            caller = Caller(may_ask, questions.Turns(group))
            hub.changed.append(tell)
            try:
                yield caller
            finally:
                group.cancel_scope.cancel()
                hub.changed.remove(tell)
                for uri in caller.watched:
                    await _unwatch(hub, uri)

    bus = InMemorySubscriptionBus()
    listening = ListenHandler(bus)

    async def listen(ctx: Context, params: types.SubscriptionsListenRequestParams) -> types.SubscriptionsListenResult:
        """In 2026-07-28 resources are watched for as long as somebody listens."""
        watched = []
        try:
            for uri in params.notifications.resource_subscriptions or ():
                with suppress(MCPError):  # as with a resource that there is not: it never changes
                    await _watch(hub, uri)
                    watched.append(uri)
            return await listening(ctx, params)
        finally:
            for uri in watched:
                await _unwatch(hub, uri)

    server: Server[Caller] = Server(
        "cattlegrid",
        version=__version__,
        instructions=instructions(hub),
        lifespan=connection,
        on_subscriptions_listen=listen,
    )
    _tools(server, hub)
    _prompts(server, hub)
    _resources(server, hub)
    return server


def options(server: Server[Caller]) -> InitializationOptions:
    changed = NotificationOptions(prompts_changed=True, resources_changed=True, tools_changed=True)
    return server.create_initialization_options(changed)


def instructions(hub: Hub) -> str:
    """The environment first: some clients keep 512 characters."""
    workers = "\n\n".join(f"Worker {name}: {upstream.worker.mcp}" for name, upstream in hub.upstreams.items())
    return "\n".join((*banner.lines(hub.session, hub.way.edge.clock.now()), "", workers)).strip()


def _tools(server: Server[Caller], hub: Hub) -> None:
    async def list_tools(ctx: Context, _: BaseModel) -> dict[str, Any]:
        ctx.lifespan_context.session = ctx.session
        return {**_LISTED, "tools": await hub.tools()}

    async def call_tool(ctx: Context, params: types.CallToolRequestParams) -> dict[str, Any]:
        ctx.lifespan_context.session = ctx.session
        turns = ctx.lifespan_context.turns
        if params.request_state is not None:
            return await turns.resume(params.request_state, params.input_responses)
        wanted = ctx.meta is not None and "progress_token" in ctx.meta
        progress = ctx.session.report_progress if wanted else None

        async def call(put: questions.Put) -> dict[str, Any]:
            may_ask = ctx.lifespan_context.may_ask
            return await hub.call(Asked(params.name, params.arguments or {}, put, may_ask, progress))

        if questions.by_turns(ctx.session):
            return await turns.begin(ctx.session, call)
        return await call(partial(questions.put, ctx.session, ctx.request_id))

    server.add_request_handler("tools/list", types.PaginatedRequestParams, list_tools)
    server.add_request_handler("tools/call", types.CallToolRequestParams, call_tool)


def _prompts(server: Server[Caller], hub: Hub) -> None:
    async def list_prompts(ctx: Context, _: BaseModel) -> dict[str, Any]:
        ctx.lifespan_context.session = ctx.session
        await hub.awake()
        found = catalogue.prompts(hub.upstreams.values(), hub.session.environment.value)
        return {**_LISTED, "prompts": [dict(one.shown) for one in found.values()]}

    async def get_prompt(_: Context, params: types.GetPromptRequestParams) -> dict[str, Any]:
        found = await _prompt(hub, params.name)
        sent = {"name": found.own, "arguments": params.arguments or {}}
        return await _relayed(hub, found.upstream.worker.name, "prompts/get", sent)

    async def complete(_: Context, params: types.CompleteRequestParams) -> dict[str, Any]:
        sent = params.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"meta"})
        if isinstance(params.ref, types.PromptReference):
            found = await _prompt(hub, params.ref.name)
            sent["ref"] = {"type": "ref/prompt", "name": found.own}
            return await _relayed(hub, found.upstream.worker.name, "completion/complete", sent)
        await hub.awake()
        return await _relayed(hub, _owner(hub, params.ref.uri), "completion/complete", sent)

    server.add_request_handler("prompts/list", types.PaginatedRequestParams, list_prompts)
    server.add_request_handler("prompts/get", types.GetPromptRequestParams, get_prompt)
    server.add_request_handler("completion/complete", types.CompleteRequestParams, complete)


def _resources(server: Server[Caller], hub: Hub) -> None:
    async def list_resources(ctx: Context, _: BaseModel) -> dict[str, Any]:
        ctx.lifespan_context.session = ctx.session
        await hub.awake()
        label = hub.session.environment.value
        return {**_LISTED, "resources": catalogue.resources(hub.upstreams.values(), "resources", label)}

    async def list_templates(_: Context, __: BaseModel) -> dict[str, Any]:
        await hub.awake()
        label = hub.session.environment.value
        return {**_LISTED, "resourceTemplates": catalogue.resources(hub.upstreams.values(), "templates", label)}

    async def read_resource(_: Context, params: types.ReadResourceRequestParams) -> dict[str, Any]:
        await hub.awake()
        read = await _relayed(hub, _owner(hub, str(params.uri)), "resources/read", {"uri": str(params.uri)})
        return {**_LISTED, **read}

    async def subscribe(ctx: Context, params: types.SubscribeRequestParams) -> dict[str, Any]:
        caller = ctx.lifespan_context
        caller.session = ctx.session
        if params.uri not in caller.watched:
            await _watch(hub, params.uri)
            caller.watched.add(params.uri)
        return {}

    async def unsubscribe(ctx: Context, params: types.UnsubscribeRequestParams) -> dict[str, Any]:
        if params.uri in ctx.lifespan_context.watched:
            ctx.lifespan_context.watched.remove(params.uri)
            await _unwatch(hub, params.uri)
        return {}

    server.add_request_handler("resources/list", types.PaginatedRequestParams, list_resources)
    server.add_request_handler("resources/templates/list", types.PaginatedRequestParams, list_templates)
    server.add_request_handler("resources/read", types.ReadResourceRequestParams, read_resource)
    server.add_request_handler("resources/subscribe", types.SubscribeRequestParams, subscribe)
    server.add_request_handler("resources/unsubscribe", types.UnsubscribeRequestParams, unsubscribe)


async def _prompt(hub: Hub, name: str) -> catalogue.Served:
    await hub.awake()
    found = catalogue.prompts(hub.upstreams.values(), hub.session.environment.value).get(name)
    if found is None:
        raise MCPError(types.INVALID_PARAMS, f"there is no prompt {name}")
    return found


async def _relayed(hub: Hub, worker: str, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    with _told(hub):
        return {**_COMPLETE, **await hub.upstreams[worker].request(method, params)}


async def _watch(hub: Hub, uri: str) -> None:
    await hub.awake()
    with _told(hub):
        await hub.upstreams[_owner(hub, uri)].watch(uri)


@contextmanager
def _told(hub: Hub) -> Iterator[None]:
    """A worker that is down, or another environment's, as an error of the protocol."""
    try:
        yield
    except (Down, Mismatch) as error:
        raise MCPError(types.INTERNAL_ERROR, f"Environment: {hub.session.environment}: {error}") from error


async def _unwatch(hub: Hub, uri: str) -> None:
    for upstream in hub.upstreams.values():
        if upstream.watches(uri):
            await upstream.unwatch(uri)


def _owner(hub: Hub, uri: str) -> str:
    """The worker that lists this resource; else the first with a template that could make it; else the only one."""
    for name, upstream in hub.upstreams.items():
        if any(item["uri"] == uri for item in upstream.offers["resources"]):
            return name
    for name, upstream in hub.upstreams.items():
        if any(uri.startswith(item["uriTemplate"].split("{", 1)[0]) for item in upstream.offers["templates"]):
            return name
    raise MCPError(types.INVALID_PARAMS, f"there is no resource {uri}")
