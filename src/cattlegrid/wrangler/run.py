"""Starting wrangler: which one, with exactly which environment, and what it says it did."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cattlegrid.errors import ToolFailed, ToolMissing, ToolTooOld
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Account
from cattlegrid.process import Finished, run
from cattlegrid.toolchain import Toolchain, cache_folder

OLDEST: Final = (4, 100)
_PASSED_ON: Final = (
    "HOME", "LANG", "LC_ALL", "TERM", "TMPDIR", "TZ", "USER", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "npm_config_cache",
    "NODE_EXTRA_CA_CERTS", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy",
)  # fmt: skip
_TIMEOUT: Final = 600.0


@dataclass(frozen=True)
class Wrangler:
    """`argv` starts it; `node_folder` goes first on its PATH."""

    argv: tuple[str, ...]
    node_folder: Path


def pinned(toolchain: Toolchain) -> Wrangler:
    """The wrangler that cattlegrid ships: the only one that ever sees production's credential."""
    return Wrangler(tuple(toolchain.wrangler), toolchain.node.parent)


def choose(toolchain: Toolchain, folder: Path, root: Path, environ: Mapping[str, str]) -> Wrangler:
    """CATTLEGRID_WRANGLER, else the one in `node_modules` of the worker's folder or above it up to `root`, else ours.

    Raises ToolMissing when CATTLEGRID_WRANGLER names nothing, ToolTooOld when the worker's own is older than 4.100.
    """
    if override := environ.get("CATTLEGRID_WRANGLER"):
        path = Path(override)
        if not path.is_file():
            raise ToolMissing(
                f"CATTLEGRID_WRANGLER names {override}, which is not there", next="unset CATTLEGRID_WRANGLER"
            )
        return Wrangler(_argv(toolchain, path), toolchain.node.parent)
    for parent in (folder, *folder.parents):
        own = parent / "node_modules" / "wrangler"
        if (own / "package.json").is_file():
            _check_age(own / "package.json")
            return Wrangler(_argv(toolchain, own / "bin" / "wrangler.js"), toolchain.node.parent)
        if parent == root:
            break
    return pinned(toolchain)


def environment(wrangler: Wrangler, environ: Mapping[str, str], account: Account | None) -> dict[str, str]:
    """The whole environment of a wrangler process, from an allow-list: no CLOUDFLARE_* of the parent gets through."""
    kept = {name: environ[name] for name in _PASSED_ON if name in environ}
    path = os.pathsep.join((str(wrangler.node_folder), environ.get("PATH", os.defpath)))
    own = {
        "PATH": path,
        "CI": "1",
        "NO_COLOR": "1",
        "WRANGLER_SEND_METRICS": "false",
        "WRANGLER_SEND_ERROR_REPORTS": "false",
        "WRANGLER_WRITE_LOGS": "false",
        "WRANGLER_HIDE_BANNER": "true",
        # Node keeps its compiled form of wrangler's 13 MB between runs: a third of a run's processor time.
        "NODE_COMPILE_CACHE": str(cache_folder(environ) / "compiled"),
    }
    if account is not None:
        own |= {
            "CLOUDFLARE_API_BASE_URL": account.api,
            "CLOUDFLARE_API_TOKEN": account.token.reveal(),
            "CLOUDFLARE_ACCOUNT_ID": account.account_id,
        }
    return kept | own


@dataclass(frozen=True)
class Said:
    """What wrangler left behind: the finished process and the records of its output file."""

    finished: Finished
    records: tuple[Mapping[str, object], ...]

    def version_id(self, kind: str, doing: str) -> str:
        """The version that wrangler says it made: `kind` is "deploy" or "version-upload"."""
        for record in self.records:
            if record.get("type") == kind and isinstance(record.get("version_id"), str):
                return str(record["version_id"])
        raise ToolFailed(f"{doing}: wrangler ended well but did not say which version it made")


def call(
    wrangler: Wrangler,
    words: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    secrets: Mapping[str, Secret] | None = None,
) -> Said:
    """Run wrangler to its end. Never reads an `.env` file. `secrets` reach it through memory, as `--secrets-file`."""
    with tempfile.TemporaryDirectory(prefix="cattlegrid-") as folder, _in_memory(secrets or {}) as extra:
        output = Path(folder) / "wrangler.ndjson"
        argv = [*wrangler.argv, *words, "--env-file", os.devnull, *extra]
        finished = run(argv, cwd=cwd, env={**env, "WRANGLER_OUTPUT_FILE_PATH": str(output)}, timeout=_TIMEOUT)
        return Said(finished, tuple(_records(output)))


@contextmanager
def _in_memory(secrets: Mapping[str, Secret]) -> Iterator[list[str]]:
    """The words that hand the secrets over. They lie in this process's memory, under a path that its user can read.

    The descriptor is named through this process, not inherited: wrangler starts another process, which would lose it.
    """
    if not secrets:
        yield []
        return
    handle = os.memfd_create("secrets", os.MFD_CLOEXEC)
    try:
        os.write(handle, json.dumps({name: value.reveal() for name, value in secrets.items()}).encode())
        yield ["--secrets-file", f"/proc/{os.getpid()}/fd/{handle}"]
    finally:
        os.close(handle)


def _records(output: Path) -> Iterator[Mapping[str, object]]:
    if not output.is_file():
        return
    for line in output.read_text("utf-8").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            yield record


def _argv(toolchain: Toolchain, path: Path) -> tuple[str, ...]:
    if path.suffix in {".js", ".mjs", ".cjs"}:
        return (str(toolchain.node), "--no-warnings", str(path))
    return (str(path),)


def _check_age(package: Path) -> None:
    try:
        version = str(json.loads(package.read_text("utf-8")).get("version", ""))
    except ValueError as error:
        raise ToolFailed("the worker's own wrangler has an unreadable package.json", where=str(package)) from error
    found = re.match(r"(\d+)\.(\d+)\.", version)
    if found is None or (int(found[1]), int(found[2])) < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise ToolTooOld(
            f"the worker's own wrangler is {version or 'of no known version'}; {needed} or newer is needed",
            where=str(package.parent),
            next="npm install --save-dev wrangler@latest",
        )
