"""`split`: every Worker of the fleet gets a staging and a production, and production is what it was."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from cattlegrid import toolchain
from cattlegrid.check.look import look_at
from cattlegrid.check.repository import Caller, callers
from cattlegrid.errors import ConfigError, Mistake, Refused, UsageError
from cattlegrid.git import repository as git
from cattlegrid.model.check import Outcome
from cattlegrid.model.fleet import Fleet
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge
from cattlegrid.wrangler.edit.save import Write, save
from cattlegrid.wrangler.resources import routes
from cattlegrid.wrangler.split.content import Layout
from cattlegrid.wrangler.split.plan import File, FilePlan, plan, read
from cattlegrid.wrangler.split.proof import Proof, prove
from cattlegrid.wrangler.split.scripts import ScriptsPlan, plan_scripts
from cattlegrid.wrangler.split.twin import Wishes


@dataclass(frozen=True)
class Options:
    """`check` only tells whether there is something to do: without wrangler, in milliseconds. `scripts` mends all npm
    scripts that call wrangler without an environment; else only those that would come to mean something else.
    """

    layout: Layout = Layout.STAGING_ON_TOP
    wishes: Wishes = field(default_factory=Wishes)
    dry_run: bool = False
    check: bool = False
    scripts: bool = False


@dataclass(frozen=True)
class SplitReport:
    """`files` in the fleet's order; `proof` is None when nothing was to be written, or only looked at.

    `scripts` are the package.json files that change. `callers` are the calls of wrangler that name no environment, with
    what they mean once the files are split; those in `scripts` have been mended.
    """

    files: tuple[FilePlan, ...]
    proof: Proof | None
    written: tuple[str, ...]
    check: bool = False
    scripts: tuple[ScriptsPlan, ...] = ()
    callers: tuple[Caller, ...] = ()

    @property
    def outcome(self) -> Outcome:
        if not self.files:
            return Outcome.NOT_MEASURED
        return Outcome.FAIL if self.check and any(one.changes for one in self.files) else Outcome.PASS


@dataclass(frozen=True)
class Open:
    """What production has in files that are not split yet and staging may have or not, as a person wishes."""

    crons: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()


def open_questions(edge: Edge, names: tuple[str, ...] = ()) -> Open:
    """Raises ConfigError for files that cannot be read."""
    fleet = load(edge.cwd)
    chosen = {worker.name for worker in fleet.named(names)}
    _, found = read(files(fleet), fleet.blocks)
    fresh = [one.production for name, one in found.items() if name in chosen and one.layout is Layout.SINGLE]
    triggers = [config.get("triggers") for config in fresh]
    crons = [cron for one in triggers if isinstance(one, dict) for cron in one.get("crons") or ()]
    patterns = [pattern for config in fresh for _, pattern in routes(config) if pattern]
    return Open(tuple(dict.fromkeys(map(str, crons))), tuple(dict.fromkeys(patterns)))


def split(edge: Edge, names: tuple[str, ...] = (), options: Options = Options()) -> SplitReport:
    """Split the named workers' files, or all. A file that is split already stays as it is, to the byte.

    Raises ConfigError for files that cannot be split, Refused when wrangler does not read production as before or
    staging would share something with it, StalePlan and Failed when a file cannot be written. Nothing is written then.
    """
    fleet = load(edge.cwd)
    chosen = {worker.name for worker in fleet.named(names)}
    plans = plan(files(fleet), options.layout, options.wishes, fleet.blocks, one_account=fleet.one_account)
    wanted = tuple(one for one in plans if one.file.worker in chosen)
    changed = [one for one in wanted if one.changes]
    scripts = _scripts(fleet, wanted, all_scripts=options.scripts) if changed or options.scripts else ()
    if options.check or not (changed or scripts):
        return SplitReport(wanted, None, (), options.check, scripts)
    # The others' production counts too: staging must share nothing with it.
    untouched = [one.left_alone() for one in plans if one not in changed]
    proof = prove(toolchain.locate(edge.environ), [*changed, *untouched], edge.environ)
    if not proof.holds:
        said = "\n".join(f"  {difference.said}" for difference in proof.differences)
        raise Refused(
            f"wrangler does not read it as meant; nothing was written:\n{said}",
            next="mend the values named above by hand, then repeat the command",
        )
    report = SplitReport(wanted, proof, (), options.check, scripts, _callers(edge, fleet, plans))
    if options.dry_run:
        return report
    writes = [_write(fleet, one) for one in changed]
    writes += [Write(fleet.root / one.path, one.path, one.before.encode(), one.after.encode()) for one in scripts]
    save(writes, git.own_folder(edge.cwd, edge.environ))
    return replace(report, written=tuple(write.shown for write in writes))


def files(fleet: Fleet) -> tuple[File, ...]:
    """The fleet's wrangler files. Raises ConfigError for those that are not UTF-8."""
    found, mistakes = [], []
    for worker in fleet.workers:
        try:
            text = (fleet.root / worker.config).read_bytes().decode("utf-8")
            found.append(File(worker.name, worker.config, text))
        except UnicodeDecodeError as error:
            mistakes.append(Mistake(worker.config, "", f"is not UTF-8 (byte {error.start})"))
    if mistakes:
        raise ConfigError(tuple(mistakes), next="save the file as UTF-8, then repeat the command")
    return tuple(found)


def _scripts(fleet: Fleet, plans: tuple[FilePlan, ...], *, all_scripts: bool) -> tuple[ScriptsPlan, ...]:
    """Of the Workers' own package.json, and of the root's when all Workers have one layout."""
    folders: dict[str, set[Layout]] = {}
    for one in plans:
        folder = one.file.path.rpartition("/")[0]
        for place in dict.fromkeys((folder, "")):
            folders.setdefault(place, set()).add(one.layout)
    found = []
    for folder, layouts in folders.items():
        path = f"{folder}/package.json" if folder else "package.json"
        if len(layouts) == 1 and (fleet.root / path).is_file():
            text = (fleet.root / path).read_bytes().decode("utf-8", "replace")
            made = plan_scripts(path, text, next(iter(layouts)), fleet.blocks, all_scripts=all_scripts)
            found += [made] if made is not None else []
    return tuple(found)


def _callers(edge: Edge, fleet: Fleet, plans: tuple[FilePlan, ...]) -> tuple[Caller, ...]:
    """Calls without an environment, in the light of the files as they will be."""
    try:
        repository = git.find(edge.cwd, edge.environ)
    except UsageError:
        return ()
    seen = look_at(fleet, {one.file.worker: one.after for one in plans})
    return tuple(one for one in callers(seen, repository) if one.environment is None)


def _write(fleet: Fleet, one: FilePlan) -> Write:
    return Write(fleet.root / one.file.path, one.file.path, one.file.text.encode(), one.after.encode())
