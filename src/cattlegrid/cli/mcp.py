"""Serve MCP: the tools of one environment's workers, and cattlegrid's own.

Inside a session made by `cattlegrid run` it joins that session's gateway, whatever the options say. By itself it
resolves its environment once, at the start, and serves it on standard input and output, or with --http on loopback.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.errors import UsageError
from cattlegrid.model.environment import Environment


def arguments(parser: ArgumentParser) -> None:
    options.environment(parser)
    parser.add_argument("--venture", default="", metavar="NAME", help="a venture of cattlegrid.toml")
    parser.add_argument("--strict", action="store_true", help="a venture without staging is an error")
    parser.add_argument("--http", type=int, metavar="PORT", help="streamable HTTP on loopback; 0 takes a free port")
    parser.add_argument(
        "--token", default="CATTLEGRID_MCP_BEARER", metavar="VARIABLE", help="variable that holds the token for --http"
    )


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.agents import session  # noqa: PLC0415 - the parser alone (--help) needs none of this

    environment = Environment.named(args.env)
    inside = session.here(os.environ)
    if inside is not None:
        from cattlegrid.agents.relay import relay  # noqa: PLC0415 - as above

        relay(inside)
        return 0
    return _alone(args, environment, show)


def _alone(args: Namespace, environment: Environment, show: Show) -> int:
    import anyio  # noqa: PLC0415 - the gateway costs a second of imports, and only those who serve pay it

    from cattlegrid.gateway import serve  # noqa: PLC0415 - as above
    from cattlegrid.gateway.way import open_way  # noqa: PLC0415 - as above
    from cattlegrid.model.secret import Secret  # noqa: PLC0415 - as above
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - as above
    from cattlegrid.verbs.session import Wanted, begin  # noqa: PLC0415 - as above

    edge = Edge.here()
    for name, value in edge.environ.items():
        if "${" in value and name.startswith(("CLOUDFLARE_", "CATTLEGRID_")):
            raise UsageError(f"{name} still holds `${{`: the agent's configuration did not fill it in")
    begun = begin(edge, Wanted(args.venture, environment, strict=args.strict, agent="mcp", shell=False))
    way = open_way(begun.session, begun.edge)
    if args.http is None:
        anyio.run(serve.on_stdio, way)
        return 0
    token = edge.environ.get(args.token, "")
    if not token:
        raise UsageError(f"--http wants a token: the variable {args.token} is not set", next=f"export {args.token}=…")

    def ready(url: str) -> None:
        show.report({"environment": begun.session.environment, "url": url})
        show.heading(begun.session.environment, url)
        sys.stdout.flush()

    anyio.run(serve.on_http, way, args.http, Secret(token), ready)
    return 0
