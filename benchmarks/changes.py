"""What changed in a repository of 1,000 Workers and 100,000 files: cattlegrid, git's own listing, turbo and nx."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from big_tree import Tree, build
from measure import ProgramFailed, Run, Series, interleaved, run
from programs import Programs, install_rivals, modules
from results import Goal, Result, Row, rows

TITLE = "changes"
OURS = "cattlegrid changes --base HEAD~1"
LS_TREE = "git ls-tree -r -z HEAD"
DIFF_TREE = "git diff-tree -r -z HEAD~1 HEAD"
STATUS = "git status --porcelain"
PYTHON = "python -c pass"
TURBO_LS = "turbo ls --affected"
TURBO_HASH = "turbo run build --dry=json"
NX = "nx show projects --affected"
COLD = ", its caches removed"


def bench(programs: Programs, *, quick: bool) -> Result:
    install_rivals()
    with tempfile.TemporaryDirectory(prefix="cattlegrid-bench-") as folder:
        size = (
            {"workers": 40, "files": 2_000, "teams": 4} if quick else {"workers": 1_000, "files": 100_000, "teams": 20}
        )
        tree = build(Path(folder) / "tree", **size)
        (tree.root / "node_modules").symlink_to(modules())
        contenders = _contenders(programs, tree)
        for contender in contenders.values():
            contender()  # one round that does not count: files into memory, caches of the rivals filled
        found = interleaved(contenders, rounds=1 if quick else 9)
        found |= interleaved(_cold(tree, contenders), rounds=1 if quick else 3)
    return Result(TITLE, _setting(tree), _rows(found), _goals(found), _NOTES)


def _contenders(programs: Programs, tree: Tree) -> dict[str, Callable[[], float]]:
    env = {**programs.environ, "TURBO_SCM_BASE": "HEAD~1", "TURBO_SCM_HEAD": "HEAD"}

    def of(*argv: str, read: Callable[[Run], Iterable[str]] | None = None) -> Callable[[], float]:
        def once() -> float:
            done = run(argv, cwd=tree.root, env=env)
            if read is not None:
                _same(argv, tree, read(done))
            return done.seconds

        return once

    return {
        OURS: of(programs.cattlegrid, "changes", "--base", "HEAD~1", "--json", read=_ours),
        LS_TREE: of("git", "ls-tree", "-r", "-z", "HEAD"),
        DIFF_TREE: of("git", "diff-tree", "-r", "-z", "HEAD~1", "HEAD"),
        STATUS: of("git", "status", "--porcelain"),
        PYTHON: of(sys.executable, "-c", "pass"),
        TURBO_LS: of(programs.rival("turbo"), "ls", "--affected", "--output=json", read=_turbo),
        TURBO_HASH: of(programs.rival("turbo"), "run", "build", "--dry=json"),
        NX: of(programs.rival("nx"), "show", "projects", "--affected", "--base=HEAD~1", "--head=HEAD", read=_nx),
    }


def _cold(tree: Tree, contenders: dict[str, Callable[[], float]]) -> dict[str, Callable[[], float]]:
    """Ours, turbo and nx again, each without what an earlier run of theirs left in the tree, as in a fresh clone."""

    def without_caches(contender: Callable[[], float]) -> Callable[[], float]:
        def once() -> float:
            for cache in (".nx", ".turbo", ".cattlegrid"):
                shutil.rmtree(tree.root / cache, ignore_errors=True)
            return contender()

        return once

    return {name + COLD: without_caches(contenders[name]) for name in (OURS, TURBO_LS, TURBO_HASH, NX)}


def _ours(done: Run) -> list[str]:
    report = json.loads(done.out)
    return [change["worker"] for change in report["workers"] if change["verdict"] != "unchanged"]


def _turbo(done: Run) -> list[str]:
    return [item["name"] for item in json.loads(done.out)["packages"]["items"]]


def _nx(done: Run) -> list[str]:
    return done.out.split()


def _same(argv: Iterable[str], tree: Tree, names: Iterable[str]) -> None:
    """A tool that finds other Workers than it should has not done the work that it is timed for."""
    workers = {name for name in names if not name.startswith("@bench/")}
    if workers != tree.changed:
        wrong = sorted(workers ^ tree.changed)
        raise ProgramFailed(f"{' '.join(argv)} found {len(workers)} workers, not {len(tree.changed)}: {wrong[:5]} …")


def _rows(found: dict[str, Series]) -> tuple[Row, ...]:
    warm = {name: series for name, series in found.items() if not name.endswith(COLD)}
    cold = {name: series for name, series in found.items() if name.endswith(COLD)}
    return (*rows(warm, OURS), *rows(cold, OURS + COLD))


def _goals(found: dict[str, Series]) -> tuple[Goal, ...]:
    ours = found[OURS]
    allowed = Series(
        tuple(3 * tree + python for tree, python in zip(found[LS_TREE].values, found[PYTHON].values, strict=True))
    )
    faster = [
        Goal(f"≥ 5 x faster than `{name}`", found[name].over(ours).median, 5, "x", why, at_least=True)
        for name, why in ((TURBO_LS, _TURBO_LS_WHY), (TURBO_HASH, _TURBO_HASH_WHY), (NX, _NX_WHY))
    ]
    return (
        Goal("≤ 1 x (3 x `git ls-tree` + interpreter)", ours.over(allowed).median, 1, "x", _LS_TREE_WHY),
        *faster,
    )


def _setting(tree: Tree) -> str:
    return f"""
    A generated repository of {tree.workers:,} Workers (npm workspaces, each with a shared package of its team) and
    {tree.files:,} committed files. The last commit changes one file of one Worker and one of one shared package:
    {len(tree.changed)} Workers change. Every tool has to name exactly these, or the benchmark stops
    (`--dry=json` hashes every package of the tree and compares nothing). No tool needs the network; ours compares
    the inputs of two commits.
    """


_LS_TREE_WHY = """
It looks 100,000 entries over in Python, reads 3,000 manifests and digests the inputs of 1,000 Workers: no part stands
out.
"""
_TURBO_LS_WHY = """
It is a native program that maps git's list of changed files to folders; it digests nothing, and sees nothing where
the history is missing. Ours compares the inputs of every Worker.
"""
_TURBO_HASH_WHY = "It digests every file, as a native program on both processors; ours is one Python process."
_NX_WHY = "It is close: what ours takes is Python's own speed."

_NOTES = (
    """turbo and nx run on the pinned Node with telemetry off and nx's daemon off (as in CI). A developer's running nx
    daemon answers faster; ours has none.""",
    """Warm: files in the kernel's cache, turbo's and nx's own caches filled. Cold: their caches in the tree removed
    before each run, as in a fresh clone; files still in the kernel's cache. We keep no cache.""",
)
