"""Change detection: cheap digests first, a build only where they differ, then code, configuration and schema."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from cattlegrid.cloudflare.client import Client
from cattlegrid.errors import ApiError, ConfigError, Mistake, ToolError
from cattlegrid.model.change import Change, Reason, Verdict
from cattlegrid.model.environment import Environment
from cattlegrid.model.event import Event, Phase, Tell
from cattlegrid.model.stamp import Digests, Stamp
from cattlegrid.model.target import Deployable, Target
from cattlegrid.release import digests, live, sources
from cattlegrid.release.changes import compare, needs_build, unknown
from cattlegrid.release.live import Live
from cattlegrid.release.parallel import each
from cattlegrid.release.source import Before, Source, before, files
from cattlegrid.release.target import deployables
from cattlegrid.toolchain import Toolchain
from cattlegrid.wrangler.bundle import Bundle, bundle
from cattlegrid.wrangler.run import choose

# What of the configuration goes into the bundle: where the environments differ in these, their bytes may differ.
_INTO_THE_BUNDLE: Final = (
    "alias", "base_dir", "build", "compatibility_date", "compatibility_flags", "define", "find_additional_modules",
    "jsx_factory", "jsx_fragment", "keep_names", "main", "minify", "no_bundle", "preserve_file_names", "rules",
    "tsconfig",
)  # fmt: skip


@dataclass(frozen=True)
class Builder:
    """How workers are built: `toolchain` is asked for at the first build, since it may have to be installed."""

    toolchain: Callable[[], Toolchain]
    environ: Mapping[str, str]
    limit: int = 2


@dataclass(frozen=True)
class Detected:
    """`bundle` when the worker was built; `error` when it could not be."""

    change: Change
    bundle: Bundle | None = None
    error: ToolError | None = None


def detect(
    source: Source,
    target: Target,
    state: Mapping[str, Live | ApiError],
    builder: Builder | None,
    tell: Tell = lambda _: None,
    *,
    build_all: bool = False,
) -> tuple[Detected, ...]:
    """The decision about every worker in `state`, in its order.

    Without a builder nothing is built, and different inputs count as a change. `build_all` builds also what must be
    deployed in any case (new, drifted, unknown), as a deploy needs it. Raises ConfigError for undeclared inputs.
    """
    staging = target.environment is Environment.STAGING
    production = deployables(source.fleet, Environment.PRODUCTION) if staging else {}
    stamps = {name: measured(source, target.workers[name], production.get(name)) for name in state}
    wanted = [name for name, found in state.items() if _to_build(stamps[name], found, build_all=build_all)]
    built = _build_all(source, target, wanted, builder, tell) if builder is not None else {}
    found = [_decided(name, stamps[name], state[name], built.get(name)) for name in state]
    return _explained(source, found)


def measured(source: Source, deployable: Deployable, promoted_as: Deployable | None) -> Stamp:
    """The stamp that the worker would get, without its code digest: nothing is built for it."""
    known = source.inputs[deployable.worker.name]
    found = Digests(known.digest, "", digests.config(deployable, promoted_as=promoted_as), digests.schema(deployable))
    return Stamp(source.commit, found, dirty=bool(known.dirty))


def read_state(client: Client, target: Target, names: tuple[str, ...]) -> dict[str, Live | ApiError]:
    """What is live of each worker; an error of Cloudflare's stands for the worker that it concerns.

    Raises ApiError when not one could be read, or when the credential is refused.
    """

    def one(name: str) -> Live | ApiError:
        try:
            return live.read_one(client, target.workers[name].script)
        except ApiError as error:
            if error.status in (401, 403):
                raise
            return error

    found = dict(zip(names, each(one, names), strict=True))
    errors = [state for state in found.values() if isinstance(state, ApiError)]
    if errors and len(errors) == len(found):
        raise errors[0]
    return found


def _to_build(now: Stamp, found: Live | ApiError, *, build_all: bool) -> bool:
    if isinstance(found, ApiError) or found.version is None or found.stamp is None:
        return build_all
    return needs_build(now, found)


@dataclass(frozen=True)
class _Built:
    bundle: Bundle | None = None
    code: str = ""
    notes: tuple[str, ...] = ()
    error: ToolError | None = None
    mistakes: tuple[Mistake, ...] = ()


def _build_all(source: Source, target: Target, names: list[str], builder: Builder, tell: Tell) -> dict[str, _Built]:
    if not names:
        return {}
    toolchain = builder.toolchain()
    other = Environment.STAGING if target.environment is Environment.PRODUCTION else Environment.PRODUCTION
    others = deployables(source.fleet, other)

    def one(name: str) -> _Built:
        tell(Event(Phase.STARTED, "build", target.environment, name))
        done = _build(source, target.workers[name], others[name], toolchain, builder.environ)
        failed = done.error is not None or bool(done.mistakes)
        tell(Event(Phase.FAILED if failed else Phase.FINISHED, "build", target.environment, name))
        return done

    built = dict(zip(names, each(one, names, limit=builder.limit), strict=True))
    mistakes = tuple(mistake for done in built.values() for mistake in done.mistakes)
    if mistakes:
        raise ConfigError(mistakes, next="mend the files named above, then repeat the command")
    return built


def _build(
    source: Source, deployable: Deployable, other: Deployable, toolchain: Toolchain, environ: Mapping[str, str]
) -> _Built:
    worker = deployable.worker
    wrangler = choose(toolchain, deployable.folder, source.fleet.root, environ)
    with tempfile.TemporaryDirectory(prefix="cattlegrid-") as folder:
        try:
            made = bundle(wrangler, deployable, Path(folder) / "one", environ)
            examined = sources.check(source.fleet, worker, made, source.inputs[worker.name], source.snapshot)
            code = digests.code(made.modules, made.assets)
            notes = [
                f"{path} goes into it but is not in git: what it was made from cannot be proven"
                for path in examined.generated
            ]
            differing = _differing_keys(deployable, other)
            if differing:
                theirs = bundle(wrangler, other, Path(folder) / "other", environ)
                if digests.code(theirs.modules, theirs.assets) != code:
                    notes.append(
                        f"staging's code and production's differ, since they are configured with their own"
                        f" {' and '.join(differing)}: promotion moves the bytes that staging ran"
                    )
        except ToolError as error:
            return _Built(error=error)
        except ConfigError as error:
            return _Built(mistakes=error.mistakes)
    return _Built(made, code, tuple(notes))


def _differing_keys(one: Deployable, other: Deployable) -> list[str]:
    return [key for key in _INTO_THE_BUNDLE if one.config.get(key) != other.config.get(key)]


def _decided(name: str, now: Stamp, found: Live | ApiError, built: _Built | None) -> Detected:
    if built is not None and built.error is not None:
        reason = Reason("build", f"it could not be built: {built.error.what}")
        known = None if isinstance(found, ApiError) else found
        return Detected(unknown(name, now, reason, known), error=built.error)
    if built is not None:
        now = replace(now, digests=replace(now.digests, code=built.code))
    if isinstance(found, ApiError):
        change = unknown(name, now, Reason("live", f"Cloudflare did not tell what is live: {found.what}"))
    else:
        change = compare(name, now, found)
    return Detected(replace(change, notes=built.notes if built is not None else ()), built.bundle if built else None)


def _explained(source: Source, found: list[Detected]) -> tuple[Detected, ...]:
    """With the files that differ, where git still has the live commit. Explanation only: the verdicts stand."""
    commits = {one.change.live.commit for one in found if one.change.live is not None and _is_open(one.change)}
    earlier = {commit: before(source, commit) for commit in commits if commit}
    return tuple(_with_files(source, one, earlier) if _is_open(one.change) else one for one in found)


def _is_open(change: Change) -> bool:
    return change.verdict is not Verdict.UNCHANGED or change.built


def _with_files(source: Source, detected: Detected, earlier: Mapping[str, Before | None]) -> Detected:
    change = detected.change
    commit = change.live.commit if change.live is not None else ""
    old = earlier.get(commit)
    notes = change.notes
    if commit and old is None:
        notes = (*notes, f"the live commit {commit[:12]} is not in this clone, so changed files cannot be named")
    return replace(detected, change=replace(change, files=files(source, change.worker, old), notes=notes))
