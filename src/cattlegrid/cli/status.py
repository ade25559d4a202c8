"""The page to open at two in the morning: both environments, every worker, databases, drift, and what to type next."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import datetime
from typing import TYPE_CHECKING

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.model.count import count
from cattlegrid.model.environment import Environment

if TYPE_CHECKING:
    from cattlegrid.release.standing import DatabaseStanding, Running, WorkerStanding
    from cattlegrid.verbs.status import Status


def arguments(parser: ArgumentParser) -> None:
    options.workers(parser)
    parser.add_argument(
        "--watch", nargs="?", const="5s", metavar="TIME", help="look again and again (every 5 s), until it is stopped"
    )


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.status import status  # noqa: PLC0415 - as above

    edge, pause = Edge.here(), options.duration(args.watch, "--watch") if args.watch else 0.0
    while True:
        found = status(edge, tuple(args.workers))
        if pause:
            show.page(f"{found.at:%H:%M:%S} UTC")
        show.report(found)
        _show(found, show)
        if not pause:
            return 0
        edge.clock.sleep(pause)


def _show(found: Status, show: Show) -> None:
    head = [
        "",
        show.environment(Environment.STAGING),
        show.environment(Environment.PRODUCTION),
        show.paint("same code", "dim"),
    ]
    show.line(f"fleet {show.paint(found.fleet, 'bold')}")
    show.table([head, *(_worker(worker, found.at, show) for worker in found.workers)])
    for worker in found.workers:
        for environment, one in ((Environment.STAGING, worker.staging), (Environment.PRODUCTION, worker.production)):
            for trouble in _troubles(one):
                show.line(f"  {show.paint('!', 'red')} {show.environment(environment)} {worker.worker}: {trouble}")
            if one is not None and one.secret:
                show.line(f"  {show.paint('·', 'dim')} {show.environment(environment)} {worker.worker}: {one.secret}")
    for stop in found.stops:
        show.line(f"  {show.paint('!', 'red')} {show.environment(Environment.PRODUCTION)} {stop}")
    show.table([_database(database, show) for database in found.databases])
    for database in found.databases:
        if database.handmade:
            show.line(f"  {show.paint('!', 'red')} {show.environment(database.environment)} {database.handmade}")
    _left_over(found, show)
    for name, taken in found.backups:
        said = f"last good backup {options.age(taken, found.at)}" if taken else "no backup in the fleet's folder"
        mark = show.paint("·", "dim") if taken else show.paint("!", "yellow")
        show.line(f"  {mark} {show.environment(Environment.PRODUCTION)} {name}: {said}")
    if found.missing:
        show.line(f"  {show.paint('?', 'yellow')} one environment was not looked at: {found.missing}")
    show.line(f"  next: {show.paint(found.next, 'bold')}  ({found.why})" if found.next else f"  {found.why}")


def _left_over(found: Status, show: Show) -> None:
    said: dict[str, list[str]] = {}
    for one in found.left.orphans:
        said.setdefault(one.why, []).append(str(one))
    for why, names in said.items():
        what = f"named by no wrangler file, left as it is ({why}): {', '.join(names)}"
        show.line(f"  {show.paint('?', 'yellow')} {show.environment(Environment.STAGING)} {what}")
    for unlisted in found.left.unlisted:
        show.line(f"  {show.paint('·', 'dim')} not looked through for what is left over: {unlisted}")


def _worker(worker: WorkerStanding, now: datetime, show: Show) -> list[str]:
    same = show.paint("✓", "green") if worker.same_code else show.paint("-", "dim")
    return [worker.worker, _running(worker.staging, now), _running(worker.production, now), same]


def _running(one: Running | None, now: datetime) -> str:
    if one is None or one.problem:
        return "not measured"
    if one.deployed is None:
        return "nothing deployed"
    commit = one.commit[:12] + ("+" if one.dirty else "") if one.commit else "no stamp"
    return f"{commit} {one.code[:8]} {options.age(one.deployed, now)}".replace("  ", " ")


def _troubles(one: Running | None) -> list[str]:
    if one is None:
        return []
    found = [one.problem] if one.problem else []
    if one.drift:
        found.append(f"drift: {one.drift}")
    if one.waiting:
        found.append(f"version {one.waiting[:8]} waits at 0 %: a promotion did not come to its end")
    elif one.stage == "held":
        found.append(f"was rolled back and is held: cattlegrid unhold {one.release} lifts it")
    elif one.stage == "live":
        found.append("a promotion was switched here and not verified")
    return found


def _database(database: DatabaseStanding, show: Show) -> list[str]:
    if database.problem:
        state = show.paint(database.problem, "red")
    elif database.pending:
        state = show.paint(f"{len(database.pending)} pending: {', '.join(database.pending)}", "yellow")
    else:
        state = f"{count(database.applied, 'migration')}, none pending"
    marker = database.marker or "no marker"
    return [
        show.environment(database.environment),
        f"{database.worker}.{database.binding}",
        database.name,
        marker,
        state,
    ]
