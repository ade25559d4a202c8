"""Which workers changed: by content, against what is live in the environment. No history is needed.

With --base REV nothing is asked of Cloudflare: the inputs of HEAD are compared with those of another commit.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cattlegrid.cli import options, summary
from cattlegrid.cli.show import Show
from cattlegrid.model.change import Change, Changes, Verdict
from cattlegrid.model.environment import Environment

_STYLE = {
    Verdict.UNCHANGED: ("=", "dim"),
    Verdict.CHANGED: ("~", "yellow"),
    Verdict.NEW: ("+", "green"),
    Verdict.UNKNOWN: ("?", "red"),
    Verdict.DRIFTED: ("!", "red"),
}


def arguments(parser: ArgumentParser) -> None:
    options.workers(parser)
    options.environment(parser)
    parser.add_argument("--base", metavar="REV", help="compare inputs with this commit, without Cloudflare")
    parser.add_argument(
        "--no-build", action="store_true", help="stop at the inputs: different inputs count as a change"
    )
    options.limit(parser, 2)
    parser.add_argument("--matrix", default="", metavar="FILE", help="add `any` and `matrix` for a GitHub workflow")
    options.summary(parser)


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this

    edge, names = Edge.here(), tuple(args.workers)
    if args.base:
        from cattlegrid.verbs.changes_since import changes_since  # noqa: PLC0415 - needs no HTTP client

        found = changes_since(edge, args.base, names)
    else:
        from cattlegrid.verbs.changes import changes  # noqa: PLC0415 - as above

        with options.summarised(args.summary), show.telling() as tell:
            environment = Environment.named(args.env)
            found = changes(edge, environment, names, build=not args.no_build, limit=args.limit, tell=tell)
    show.report(found)
    _show(found, show)
    if args.matrix:
        from cattlegrid.github import shards  # noqa: PLC0415 - only a workflow pays

        told = shards.outputs(shards.shards(found.workers))
        summary.append(args.matrix, "\n".join(f"{name}={value}" for name, value in told.items()))
    summary.append(args.summary, summary.changes(found) if args.summary else "")
    return 0


def _show(found: Changes, show: Show) -> None:
    against = show.environment(Environment(found.environment)) if found.environment else f"commit {found.base}"
    dirty = f" and {len(found.dirty)} uncommitted files" if found.dirty else ""
    show.line(f"{against}  compared with commit {found.commit[:12]}{dirty}")
    show.table([row(change, show) for change in found.workers])
    for change in found.workers:
        for note in change.notes:
            show.line(f"  note: {change.worker}: {note}")
    changed = len(found.changed)
    show.line(f"  {changed} of {len(found.workers)} workers {'differs' if changed == 1 else 'differ'}")


def row(change: Change, show: Show) -> list[str]:
    mark, style = _STYLE[change.verdict]
    return [show.paint(mark, style), change.worker, show.paint(change.verdict.value, style), change.why]
