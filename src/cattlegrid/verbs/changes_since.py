"""`changes --base`: which workers' inputs differ between a commit and HEAD. No Cloudflare, no build."""

from __future__ import annotations

from cattlegrid.errors import UsageError
from cattlegrid.model.change import Change, Changes, Reason, Verdict
from cattlegrid.model.stamp import Digests, Stamp
from cattlegrid.release.source import Before, Source, before, committed, files
from cattlegrid.verbs.edge import Edge


def changes_since(edge: Edge, base: str, names: tuple[str, ...] = ()) -> Changes:
    """By inputs alone; uncommitted files are left out. Raises UsageError when this clone does not have the commit."""
    source = committed(edge.cwd, edge.environ)
    chosen = source.fleet.named(names)
    old = before(source, base)
    if old is None:
        raise UsageError(f"this clone has no commit {base}", next=f"git fetch origin {base}")
    return Changes("", base, source.commit, (), tuple(_since(source, old, worker.name) for worker in chosen))


def _since(source: Source, old: Before, worker: str) -> Change:
    stamp = Stamp(source.commit, Digests(source.inputs[worker].digest, "", "", ""))
    if worker not in old.changed:
        unchanged = Reason("inputs", "everything that goes into it is as it was")
        return Change(worker, Verdict.UNCHANGED, (unchanged,), stamp)
    reason = Reason("inputs", "its inputs differ")
    return Change(worker, Verdict.CHANGED, (reason,), stamp, files=files(source, worker, old))
