"""A session: one environment, resolved once. What is written down here holds no credential.

Named tuples and no dataclasses here, in `model.environment` and in the guard: every hook of an agent reads them, and
`import dataclasses` alone is a third of what a hook may take.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from cattlegrid.errors import UsageError
from cattlegrid.model.environment import Environment

VARIABLE: Final = "CATTLEGRID_SESSION"
FILE: Final = "session.json"
GATEWAY: Final = "gateway.sock"
CONTROL: Final = "control.sock"


class Reached(NamedTuple):
    """One worker as the session began: where it answers, and what is live there. Empty texts: not known."""

    name: str
    script: str
    url: str = ""
    version: str = ""
    commit: str = ""
    dirty: bool = False
    deployed: str = ""
    mcp: bool = False


class Session(NamedTuple):
    """`fallback`: the venture declares no staging, so this is production. `venture` is empty when none was named.

    For the guard: `production` are ids and names that only production has, `scripts` its Workers' names, and `flags`
    gives, by the folder of each worker, the value of wrangler's `--env` that means production ("": the top level).
    `hosts` are what a sandboxed agent may reach besides the workers, `secrets` the names that its shell holds.
    """

    id: str
    fleet: str
    root: str
    environment: Environment
    venture: str = ""
    fallback: bool = False
    api: str = ""
    account: str = ""
    agent: str = ""
    started: str = ""
    workers: tuple[Reached, ...] = ()
    production: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    flags: Mapping[str, str] = MappingProxyType({})
    hosts: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()

    @property
    def writes_ask(self) -> bool:
        return self.environment is Environment.PRODUCTION


def write(session: Session, folder: Path) -> None:
    (folder / FILE).write_text(json.dumps(encode(session), ensure_ascii=False, indent=1))


def encode(session: Session) -> dict[str, Any]:
    workers = [worker._asdict() for worker in session.workers]
    return {**session._asdict(), "workers": workers, "flags": dict(session.flags)}


def decode(fields: Mapping[str, Any]) -> Session:
    known: dict[str, Any] = {**fields, "environment": Environment.named(fields["environment"])}
    known["workers"] = tuple(Reached(**worker) for worker in fields["workers"])
    for name in ("production", "scripts", "hosts", "secrets"):
        known[name] = tuple(fields[name])
    return Session(**known)


def read(folder: Path) -> Session:
    """Raises UsageError when the folder holds no session."""
    try:
        return decode(json.loads((folder / FILE).read_text("utf-8")))
    except FileNotFoundError as error:
        raise UsageError(f"the session of {folder} has ended", next="cattlegrid run -- <agent>") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{folder / FILE} is not a session of this version of cattlegrid") from error


def here(environ: Mapping[str, str]) -> Path | None:
    """The folder of the session that this process lives in, if it lives in one."""
    named = environ.get(VARIABLE, "")
    return Path(named) if named else None
