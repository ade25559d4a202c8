"""The local Cloudflare: Cloudflare's API, the Workers runtime and D1 on this machine, on loopback only.

up       start it (or find it running); state is kept on disk
down     stop it; the state stays
status   where it is
env      wrangler's variables, for  eval "$(cattlegrid local env)"
reset    stop it and throw its state away
cron     run a Worker's cron now, since no clock fires them here: cattlegrid local cron my-worker '0 3 * * *'
fault    make calls fail on purpose: cattlegrid local fault 429 --route '*/versions' --count 2
"""

from __future__ import annotations

import os
import shlex
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cattlegrid.cli.show import Show
from cattlegrid.errors import Failed, UsageError

if TYPE_CHECKING:
    from cattlegrid.local.daemon import Running

_FAULTS = ("delay", "429", "500", "cut", "lost", "garbage", "edge-lag")
_FAULT_WORDS = (*_FAULTS, "list", "clear")
_SETTINGS = "cattlegrid.toml"


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("action", choices=[*_ACTIONS], metavar="ACTION", help=" | ".join(_ACTIONS))
    parser.add_argument(
        "words", nargs="*", metavar="WORD", help=f"of fault: {' | '.join(_FAULT_WORDS)}; of cron: WORKER [SCHEDULE]"
    )
    parser.add_argument("--state", metavar="DIR", help="where it lives (default: .cattlegrid/local of this repository)")
    parser.add_argument("--port", type=int, help="port of the API (default: a free one, kept for the next time)")
    parser.add_argument("--router-port", type=int, metavar="PORT", help="port at which the Workers answer")
    fault = parser.add_argument_group("fault")
    fault.add_argument("--method", default="*", help="only calls with this method (shell pattern)")
    fault.add_argument("--route", default="*", help="only calls of this path after /client/v4 (shell pattern)")
    fault.add_argument("--count", type=int, default=1, help="how many calls to hit (default 1)")
    fault.add_argument("--skip", type=int, default=0, help="how many matching calls to let pass first")
    fault.add_argument("--seconds", type=float, default=1.0, help="of the delay, the lag, or Retry-After")
    fault.add_argument("--chance", type=float, default=1.0, help="below 1: hit by chance, drawn from --seed")
    fault.add_argument("--seed", type=int, default=0)


def run(args: Namespace, show: Show) -> int:
    state = Path(args.state).absolute() if args.state else default_state(Path.cwd())
    if args.words and args.action not in {"fault", "cron"}:
        raise UsageError(f"local {args.action} takes no {args.words[0]!r}", next="cattlegrid local --help")
    with daemon_errors():
        return _ACTIONS[args.action](args, state, show)


def default_state(cwd: Path) -> Path:
    """Beside the nearest cattlegrid.toml, so that two fleets never share one; else in this folder."""
    home = next((folder for folder in (cwd, *cwd.parents) if (folder / _SETTINGS).is_file()), cwd)
    return home / ".cattlegrid" / "local"


@contextmanager
def daemon_errors() -> Iterator[None]:
    """The local Cloudflare imports nothing of ours, its errors included; here they become ours."""
    from cattlegrid.local.daemon import DaemonError  # noqa: PLC0415 - httpx2 costs 150 ms; --help does not pay

    try:
        yield
    except DaemonError as error:
        raise Failed(error.message, next=error.next) from error


def start(state: Path, show: Show, *, port: int | None = None, router_port: int | None = None) -> Running:
    """Bring it up, the Node parts first when they are not there yet."""
    from cattlegrid import toolchain  # noqa: PLC0415 - as above
    from cattlegrid.cli.progress import counted  # noqa: PLC0415 - as above
    from cattlegrid.local import daemon  # noqa: PLC0415 - as above

    with counted(show, "installing wrangler and workerd") as progress:
        parts = toolchain.locate(os.environ, progress=progress)
    state.parent.mkdir(parents=True, exist_ok=True)
    ignore = state.parent / ".gitignore"
    if state.parent.name == ".cattlegrid" and not ignore.exists():
        ignore.write_text("*\n")
    return daemon.up(state, node=parts.node, modules=parts.modules, port=port, router_port=router_port)


def _up(args: Namespace, state: Path, show: Show) -> int:
    return _told(start(state, show, port=args.port, router_port=args.router_port), show)


def _status(_args: Namespace, state: Path, show: Show) -> int:
    from cattlegrid.local import daemon  # noqa: PLC0415 - as above

    running = daemon.status(state)
    if running is None:
        show.report({"running": False, "state": state})
        show.line(f"the local Cloudflare of {state} is not running\n  next: cattlegrid local up")
        return 1
    return _told(running, show)


def _told(running: Running, show: Show) -> int:
    show.report({"running": True, "base_url": running.base_url, **vars(running)})
    show.line(f"local Cloudflare  {show.paint('running', 'green')}, process {running.pid}")
    show.table(
        [
            ["API", running.base_url],
            ["account", running.account],
            ["workers", running.worker_address("<script>")],
            ["state", str(running.state)],
            ["logs", str(running.logs)],
        ]
    )
    option = "" if running.state == default_state(Path.cwd()) else f" --state {shlex.quote(str(running.state))}"
    show.line(f'  next: eval "$(cattlegrid local env{option})"')
    return 0


def _down(_args: Namespace, state: Path, show: Show) -> int:
    from cattlegrid.local import daemon  # noqa: PLC0415 - as above

    was_running = daemon.down(state)
    show.report({"was_running": was_running})
    show.line("stopped; its state stays" if was_running else "it was not running")
    return 0


def _env(_args: Namespace, state: Path, show: Show) -> int:
    """Prints the token: it opens nothing but this machine's own local Cloudflare, and the shell has to get it."""
    from cattlegrid.local import daemon  # noqa: PLC0415 - as above

    variables = daemon.env(state)
    show.report(variables)
    for name, value in environment(variables).items():
        show.line(f"export {name}={shlex.quote(value)}")
    if sys.stdout.isatty():
        show.line('# for your shell:  eval "$(cattlegrid local env)"')
    return 0


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """With the settings that keep wrangler from asking and from calling home."""
    return {**variables, "WRANGLER_SEND_METRICS": "false", "WRANGLER_SEND_ERROR_REPORTS": "false"}


def _reset(_args: Namespace, state: Path, show: Show) -> int:
    from cattlegrid.local import daemon  # noqa: PLC0415 - as above

    there = daemon.reset(state)
    show.report({"was_there": there})
    show.line(f"{state} is gone" if there else f"there was nothing at {state}")
    return 0


def _cron(args: Namespace, state: Path, show: Show) -> int:
    from cattlegrid.local import daemon  # noqa: PLC0415 - as above

    if len(args.words) not in {1, 2}:
        raise UsageError("which Worker?", next="cattlegrid local cron WORKER [SCHEDULE]")
    fired = daemon.fire(state, *args.words)
    show.report(fired)
    failed = fired["outcome"] != "ok"
    show.line(f"{args.words[0]}  {fired['cron']}  {show.paint(fired['outcome'], 'red' if failed else 'green')}")
    if failed:
        show.line(f"  next: tail {state / 'logs' / args.words[0]}.log")
    return int(failed)


def _fault(args: Namespace, state: Path, show: Show) -> int:
    from cattlegrid.local import daemon  # noqa: PLC0415 - as above

    if len(args.words) != 1 or args.words[0] not in _FAULT_WORDS:
        raise UsageError("which fault?", next=f"cattlegrid local fault {' | '.join(_FAULT_WORDS)}")
    (kind,) = args.words
    if kind == "clear":
        daemon.disarm(state)
        show.report([])
        show.line("no fault is armed")
        return 0
    if kind != "list":
        names = ("method", "route", "count", "skip", "seconds", "chance", "seed")
        daemon.arm(state, {"kind": kind, **{name: getattr(args, name) for name in names}})
    armed = daemon.armed(state)
    show.report(armed)
    show.table([[f"{name}={value}" for name, value in fault.items()] for fault in armed])
    return 0


_ACTIONS: Mapping[str, Callable[[Namespace, Path, Show], int]] = {
    "up": _up,
    "down": _down,
    "status": _status,
    "env": _env,
    "reset": _reset,
    "cron": _cron,
    "fault": _fault,
}
