"""`split`: every Worker of the fleet gets a staging and a production, and production is what it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cattlegrid import toolchain
from cattlegrid.errors import ConfigError, Mistake, Refused, UsageError
from cattlegrid.git import repository as git
from cattlegrid.model.check import Outcome
from cattlegrid.model.fleet import Fleet
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge
from cattlegrid.wrangler.edit.save import Write, save
from cattlegrid.wrangler.split.content import Layout
from cattlegrid.wrangler.split.plan import File, FilePlan, plan
from cattlegrid.wrangler.split.proof import Proof, prove
from cattlegrid.wrangler.split.twin import Wishes


@dataclass(frozen=True)
class Options:
    """`check` only tells whether there is something to do: without wrangler, in milliseconds."""

    layout: Layout = Layout.STAGING_ON_TOP
    wishes: Wishes = field(default_factory=Wishes)
    dry_run: bool = False
    check: bool = False


@dataclass(frozen=True)
class SplitReport:
    """`files` in the fleet's order; `proof` is None when nothing was to be written, or only looked at."""

    files: tuple[FilePlan, ...]
    proof: Proof | None
    written: tuple[str, ...]
    check: bool = False

    @property
    def outcome(self) -> Outcome:
        if not self.files:
            return Outcome.NOT_MEASURED
        return Outcome.FAIL if self.check and any(one.changes for one in self.files) else Outcome.PASS


def split(edge: Edge, names: tuple[str, ...] = (), options: Options = Options()) -> SplitReport:
    """Split the named workers' files, or all. A file that is split already stays as it is, to the byte.

    Raises ConfigError for files that cannot be split, Refused when wrangler does not read production as before or
    staging would share something with it, StalePlan and Failed when a file cannot be written. Nothing is written then.
    """
    fleet = load(edge.cwd)
    chosen = {worker.name for worker in fleet.named(names)}
    plans = plan(files(fleet), options.layout, options.wishes)
    wanted = tuple(one for one in plans if one.file.worker in chosen)
    changed = [one for one in wanted if one.changes]
    if options.check or not changed:
        return SplitReport(wanted, None, (), options.check)
    # The others' production counts too: staging must share nothing with it.
    untouched = [one for one in plans if not one.changes]
    proof = prove(toolchain.locate(edge.environ), [*changed, *untouched], edge.environ)
    if not proof.holds:
        said = "\n".join(f"  {difference.said}" for difference in proof.differences)
        raise Refused(
            f"wrangler does not read it as meant; nothing was written:\n{said}",
            next="mend the values named above by hand, then repeat the command",
        )
    if options.dry_run:
        return SplitReport(wanted, proof, ())
    save([_write(fleet, one) for one in changed], _scratch(edge))
    return SplitReport(wanted, proof, tuple(one.file.path for one in changed))


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


def _write(fleet: Fleet, one: FilePlan) -> Write:
    return Write(fleet.root / one.file.path, one.file.path, one.file.text.encode(), one.after.encode())


def _scratch(edge: Edge) -> Path | None:
    """Git's own folder of this working tree; None outside a repository."""
    try:
        repository = git.find(edge.cwd, edge.environ)
    except UsageError:
        return None
    done = git.git(repository, "rev-parse", "--absolute-git-dir").expect_success("git rev-parse")
    return Path(done.out.strip())
