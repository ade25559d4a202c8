"""What lies around the Workers: callers of wrangler, Workers that the fleet does not know, missing smoke checks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cattlegrid.check import rules
from cattlegrid.check.look import PRODUCTION, STAGING, Layout, Look
from cattlegrid.git import repository as git
from cattlegrid.git.repository import Repository
from cattlegrid.model.finding import Finding
from cattlegrid.wrangler.calls import Call, calls
from cattlegrid.wrangler.edit import lines

_WHERE_CALLS_STAND: Final = (
    "package.json", "*.sh", "*.bash", "Makefile", "*.mk", "justfile", "Justfile", "Taskfile.yml", "Taskfile.yaml",
    "Dockerfile", "*.yml", "*.yaml", "*.md",
)  # fmt: skip
_WRANGLER_FILES: Final = ("wrangler.toml", "wrangler.json", "wrangler.jsonc")
_NOT_OURS: Final = frozenset({"node_modules", ".wrangler", "dist", "vendor"})
_ACTION: Final = re.compile(r"^(?P<pad>\s*)(?:-\s+)?uses:\s*[\"']?cloudflare/wrangler-action", re.MULTILINE)
_SCRIPT: Final = re.compile(r'"([^"]+)"\s*:')
_INPUT: Final = re.compile(r"^\s+(?P<name>command|environment|preCommands|postCommands):\s*(?P<value>.*)$")


@dataclass(frozen=True)
class Caller:
    """A call of wrangler somewhere in the repository. `environment` None: it names none. `means`: where it goes.
    `script` is the npm script that it stands in; `twin`: one of the same name for production is beside it.
    """

    file: str
    line: int
    column: int
    command: str
    environment: str | None
    means: str
    script: str = ""
    twin: bool = False


def callers(look: Look, repository: Repository) -> tuple[Caller, ...]:
    """Every call that reaches Cloudflare, in npm scripts, shell scripts, Makefiles, workflows and docs."""
    found = []
    prefix = _prefix(look.fleet.root, repository)
    for path in _listed(
        repository, "grep", "-l", "-I", "-z", "--untracked", "-e", "wrangler", "--", *_under(prefix, _WHERE_CALLS_STAND)
    ):
        file = path.removeprefix(prefix)
        try:
            text = (look.fleet.root / file).read_bytes().decode("utf-8", "replace")
        except OSError:
            continue  # deleted from the working tree since git listed it
        for call, at in sorted(_calls_in(file, text), key=lambda one: one[1]):
            line, column = lines.line_and_column(text, at)
            means = _means(look, file, call)
            script = _script(file, text, at)
            twin = bool(script) and any(f'"{script}:{word}"' in text for word in ("prod", "production"))
            found.append(Caller(file, line, column, call.command, call.environment, means, script, twin))
    return tuple(found)


def around(look: Look, repository: Repository) -> Iterator[Finding]:
    for caller in callers(look, repository):
        yield from _caller(look, caller)
    yield from _outside(look, repository)
    for worker in look.workers:
        if not worker.settings.smoke and not worker.settings.steps and worker.settings.probe is None:
            what = f"{worker.name} has neither smoke checks nor a probe of its databases"
            fix = f'[workers.{worker.name}] smoke = [{{ get = "/…" }}], probe = "/…"'
            yield Finding(rules.NO_SMOKE, "cattlegrid.toml", 1, 1, what, fix, worker.name)
        blocks = worker.raw.get("env")
        for name in blocks if isinstance(blocks, Mapping) else ():
            if name not in {look.fleet.blocks.staging, look.fleet.blocks.production}:
                what = f"env.{name} is neither staging nor production: nothing here watches over it"
                yield worker.finding(
                    rules.OTHER_ENVIRONMENT, ("env", name), what, "take it out, or give it one of the two names"
                )


def _caller(look: Look, caller: Caller) -> Iterator[Finding]:
    said = f"`{caller.command}` means {caller.means}"
    if caller.environment is None and caller.means == STAGING and (caller.twin or caller.file.endswith(".md")):
        return  # as it should be: what is typed without a thought goes to staging
    if caller.environment is None:
        rule = (
            rules.CALLS_PRODUCTION if caller.means == PRODUCTION and not caller.file.endswith(".md") else rules.CALLER
        )
        yield Finding(rule, caller.file, caller.line, caller.column, said, _say(look, caller.file))
    elif "$" not in caller.environment and caller.environment not in look.environments_of(caller.file):
        known = ", ".join(f"--env {name}" if name else "--env=" for name in sorted(look.environments_of(caller.file)))
        what = f"`{caller.command}` names an environment that no wrangler file here has"
        yield Finding(rules.UNKNOWN_ENVIRONMENT, caller.file, caller.line, caller.column, what, f"one of: {known}")


def _say(look: Look, file: str) -> str:
    if look.layout_of(file) is Layout.PRODUCTION_ON_TOP:
        return "say --env staging, or --env= for production"
    return "say --env= for staging, or --env production"


def _means(look: Look, file: str, call: Call) -> str:
    if call.environment is not None:
        return call.environment or "the top level"
    meant = {
        Layout.STAGING_ON_TOP: STAGING,
        Layout.PRODUCTION_ON_TOP: PRODUCTION,
        Layout.SINGLE: "the only environment there is",
        Layout.BLOCKS: "the top level, which is neither environment",
    }
    layout = look.layout_of(file)
    return meant[layout] if layout is not None else "staging or production, by the folder it runs in"


def _script(file: str, text: str, at: int) -> str:
    name = _SCRIPT.match(text, at) if file.rpartition("/")[2] == "package.json" else None
    return name[1] if name is not None else ""


def _calls_in(file: str, text: str) -> Iterator[tuple[Call, int]]:
    if file.rpartition("/")[2] == "package.json":
        yield from _in_scripts(text)
        return
    for call in calls(text):
        yield call, call.start
    if file.endswith((".yml", ".yaml")):
        yield from _in_actions(text)


def _in_scripts(text: str) -> Iterator[tuple[Call, int]]:
    try:
        package: Any = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError:
        yield from ((call, call.start) for call in calls(text))  # npm cannot read it; a person is to see the calls
        return
    scripts = package.get("scripts") if isinstance(package, dict) else None
    if not isinstance(scripts, dict) or not any("wrangler" in str(line) for line in scripts.values()):
        return
    for name, line in scripts.items():
        for call in calls(str(line)):
            yield call, _placed(text, name)


def _placed(text: str, script: str) -> int:
    """Where the script begins. Mostly one key of the file is called so; else the file is read with its places."""
    found = [one.start() for one in re.finditer(rf"{re.escape(json.dumps(script, ensure_ascii=False))}\s*:", text)]
    if len(found) == 1:
        return found[0]
    from cattlegrid.wrangler.edit import jsonc  # noqa: PLC0415 - 15 ms of imports that an odd file pays

    return ((jsonc.read(text).members or {})["scripts"].members or {})[script].begin


def _in_actions(text: str) -> Iterator[tuple[Call, int]]:
    """Steps of cloudflare/wrangler-action: without a `command` it deploys; `environment` is its --env."""
    for found in _ACTION.finditer(text):
        inputs: dict[str, str] = {}
        for line in text[found.end() :].splitlines()[1:]:
            if (
                line.strip()
                and len(line) - len(line.lstrip()) <= len(found["pad"])
                and not line.lstrip().startswith("#")
            ):
                break
            one = _INPUT.match(line)
            if one is not None:
                inputs[one["name"]] = one["value"].split(" #")[0].strip().strip("\"'")
        command = f"wrangler {inputs.get('command') or 'deploy'}"
        for call in calls(command):
            environment = inputs.get("environment") or call.environment
            yield Call(call.command, call.words, environment, call.start, call.end), found.start() + len(found["pad"])


def _outside(look: Look, repository: Repository) -> Iterator[Finding]:
    known = {worker.file for worker in look.workers}
    folders = {worker.settings.folder for worker in look.workers}
    for file in wrangler_files(look.fleet.root, repository):
        folder = file.rpartition("/")[0] or "."
        if file not in known and folder not in folders:
            what = f"the Worker in {folder} is not in the fleet: nothing here watches over it"
            yield Finding(rules.UNKNOWN_WORKER, file, 1, 1, what, f'add "{folder}" to fleet.workers')


def wrangler_files(root: Path, repository: Repository) -> list[str]:
    """Every wrangler file below the root that git holds or would hold, relative to it."""
    prefix = _prefix(root, repository)
    listing = ("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *_under(prefix, _WRANGLER_FILES))
    found = (path.removeprefix(prefix) for path in _listed(repository, *listing))
    return [file for file in found if (root / file).is_file()]


def _prefix(root: Path, repository: Repository) -> str:
    folder = root.resolve().relative_to(repository.root).as_posix()
    return "" if folder == "." else f"{folder}/"


def _under(prefix: str, names: tuple[str, ...]) -> list[str]:
    """Pathspecs: these names in any folder below the fleet's root."""
    return [f":(top,glob){prefix}**/{name}" for name in names]


def _listed(repository: Repository, *arguments: str) -> list[str]:
    raw = git.git(repository, *arguments).raw
    paths = [path.decode("utf-8", "surrogateescape") for path in raw.split(b"\0") if path]
    return sorted(path for path in paths if _NOT_OURS.isdisjoint(path.split("/")))
