"""`python -m cattlegrid.local serve|docs`: the control plane's own process, and the page about its routes."""

from __future__ import annotations

import argparse
import asyncio
import errno
import logging
import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cattlegrid.local.docs import page
from cattlegrid.local.runtime import PortTaken, StartFailed
from cattlegrid.local.serve import Options, serve
from cattlegrid.local.state import StateRefused, disk_full


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m cattlegrid.local")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("docs", help="print docs/local.md")
    run = commands.add_parser("serve", help="serve until SIGTERM")
    for name in ("--state", "--node", "--modules"):
        run.add_argument(name, type=Path, required=True)
    run.add_argument("--port", type=int, required=True)
    run.add_argument("--router-port", type=int, required=True)
    run.add_argument("--idle-seconds", type=float, default=300.0)
    told = vars(parser.parse_args(words))
    if told.pop("command") == "docs":
        sys.stdout.write(page())
        return 0
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        asyncio.run(serve(Options(**told)))
    except BlockingIOError:
        sys.stderr.write(f"error: another local Cloudflare serves {told['state']}\n")
        return 3
    except (PortTaken, StateRefused, StartFailed) as refused:
        sys.stderr.write(f"error: {refused}\n")
        return 3
    except (OSError, sqlite3.DatabaseError) as broken:
        sys.stderr.write(f"error: {_why(broken, told)}\n")
        return 3
    return 0


def _why(broken: OSError | sqlite3.DatabaseError, told: Mapping[str, Any]) -> str:
    if isinstance(broken, OSError) and broken.errno == errno.EADDRINUSE:
        return f"port {told['port']} is taken by another program"
    if disk_full(broken):
        return f"the disk that holds {told['state']} is full: free space, then repeat"
    if isinstance(broken, sqlite3.DatabaseError) and not isinstance(broken, sqlite3.OperationalError):
        return f"{told['state']}/control.sqlite is damaged ({broken}): `cattlegrid local reset` starts afresh"
    return f"{told['state']}: {broken}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
