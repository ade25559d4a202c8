"""`install` and `uninstall`: an agent's own files in the repository, for those who start it without `run`."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cattlegrid.agents.calls import state_folder
from cattlegrid.agents.install import INSTALLED, Content, Taken, Wish, merged, without
from cattlegrid.errors import Refused, UsageError
from cattlegrid.git import repository as git
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge
from cattlegrid.wrangler import config
from cattlegrid.wrangler.edit.rewrite import rewrite
from cattlegrid.wrangler.edit.save import Write, create, save


@dataclass(frozen=True)
class Change:
    """One file, by its path in the repository. None: it is not there."""

    file: str
    before: bytes | None = field(repr=False)
    after: bytes | None = field(repr=False)


@dataclass(frozen=True)
class InstallReport:
    """`changes` in order. `remains` is what a person has to know or do besides."""

    agent: str
    changes: tuple[Change, ...]
    remains: str = ""


def install(edge: Edge, agent: str, *, venture: str = "", dry_run: bool = False) -> InstallReport:
    """Add the gateway, and hooks where the agent has them, to its files; what they were is kept in the state folder.

    Raises UsageError for an unknown agent or venture, Refused when a file already says something else in that place.
    """
    fleet = load(edge.cwd)
    wish = _wish(fleet, agent, venture)
    record = _record(edge, fleet, agent)
    if record.is_file():
        raise Refused(f"{agent} is installed here already", next=f"cattlegrid uninstall {agent}")
    files = INSTALLED[agent].files(wish)
    changes = tuple(_added(fleet.root, file, ours) for file, ours in files.items())
    if not dry_run:
        _keep(record, changes, files, fleet.root)
        _write(edge, fleet.root, changes)
    return InstallReport(agent, changes, INSTALLED[agent].remains)


def uninstall(edge: Edge, agent: str, *, dry_run: bool = False) -> InstallReport:
    """Put the files back byte for byte. One that was edited since loses what is ours, and keeps the edits.

    Raises UsageError when it was not installed from this account of this machine.
    """
    fleet = load(edge.cwd)
    if agent not in INSTALLED:
        raise _unknown(agent)
    record = _record(edge, fleet, agent)
    if not record.is_file():
        raise UsageError(f"{agent} was not installed here by you", next=f"cattlegrid install {agent}")
    kept = json.loads(record.read_text())
    changes = tuple(_taken_out(fleet.root, one) for one in kept["files"])
    if not dry_run:
        _write(edge, fleet.root, changes)
        for folder in kept["folders"]:
            _remove_empty(fleet.root / folder)
        record.unlink()
    return InstallReport(agent, changes)


def _wish(fleet: Fleet, agent: str, venture: str) -> Wish:
    if agent not in INSTALLED:
        raise _unknown(agent)
    if venture:
        fleet.expect_venture(venture)
    return Wish(venture, fleet.environments[Environment.STAGING].token)


def _unknown(agent: str) -> UsageError:
    return UsageError(f"there is no agent {agent!r}; the agents are {', '.join(INSTALLED)}")


def _added(root: Path, file: str, ours: Content) -> Change:
    before = _content(root, file)
    try:
        now = config.parse(before, file, shown=file) if before else {}
        after = merged(now, ours)
    except Taken as taken:
        raise Refused(
            f"{taken} is set to something else already", where=file, next="take it out, and repeat the command"
        ) from taken
    return Change(file, before, _text(before, file, after))


def _text(before: bytes | None, file: str, after: Content) -> bytes:
    if not before:
        text = rewrite("", file, after) if file.endswith(".toml") else json.dumps(after, indent=2) + "\n"
        return text.encode()
    return rewrite(before.decode(), file, after, shown=file).encode()


def _taken_out(root: Path, kept: Mapping[str, str | Content | None]) -> Change:
    file, ours = str(kept["file"]), kept["ours"]
    original = base64.b64decode(str(kept["before"])) if kept["before"] is not None else None
    now = _content(root, file)
    if now is None or not isinstance(ours, Mapping):
        return Change(file, now, original if now is None else now)
    if hashlib.sha256(now).hexdigest() == kept["after"]:
        return Change(file, now, original)
    rest = without(config.parse(now, file, shown=file), ours)
    return Change(file, now, rewrite(now.decode(), file, rest, shown=file).encode())


def _content(root: Path, file: str) -> bytes | None:
    path = root / file
    if path.is_symlink():
        raise Refused("is a symbolic link; nothing was changed", where=file, next="name the file itself in your agent")
    return path.read_bytes() if path.is_file() else None


def _keep(record: Path, changes: tuple[Change, ...], files: Mapping[str, Content], root: Path) -> None:
    """Before anything is written: whoever is killed in between can still put everything back."""
    document = {
        "files": [
            {
                "file": one.file,
                "before": None if one.before is None else base64.b64encode(one.before).decode(),
                "after": hashlib.sha256(one.after or b"").hexdigest(),
                "ours": files[one.file],
            }
            for one in changes
        ],
        "folders": list(dict.fromkeys(folder for one in changes for folder in _missing(root, one.file))),
    }
    record.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    record.touch(mode=0o600)
    record.write_text(json.dumps(document, indent=1))


def _missing(root: Path, file: str) -> Iterator[str]:
    """The file's folders that are not there yet, the deepest first."""
    return (str(folder) for folder in Path(file).parents if folder != Path() and not (root / folder).exists())


def _write(edge: Edge, root: Path, changes: tuple[Change, ...]) -> None:
    """Each file whole: whoever is killed in between leaves none that `uninstall` cannot read."""
    scratch = git.own_folder(edge.cwd, edge.environ)
    pairs = [(one.file, one.before, one.after) for one in changes if one.after != one.before]
    save(
        [
            Write(root / file, file, before, after)
            for file, before, after in pairs
            if before is not None and after is not None
        ],
        scratch,
    )
    for file, before, after in pairs:
        path = root / file
        if after is None:
            path.unlink(missing_ok=True)
        elif before is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            create(path, file, after, scratch)


def _remove_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _record(edge: Edge, fleet: Fleet, agent: str) -> Path:
    name = hashlib.sha256(str(fleet.root.resolve()).encode()).hexdigest()[:16]
    return state_folder(edge.environ) / "installed" / name / f"{agent}.json"
