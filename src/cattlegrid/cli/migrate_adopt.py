"""`migrate adopt`: what is proposed, the question, and what was written."""

from __future__ import annotations

from argparse import Namespace

from cattlegrid.cli.show import Show
from cattlegrid.database.adopt import Adoption
from cattlegrid.model.check import Outcome
from cattlegrid.model.count import count
from cattlegrid.model.environment import Environment
from cattlegrid.verbs.adopt import AdoptReport, adopt
from cattlegrid.verbs.edge import Edge


def run(args: Namespace, show: Show) -> int:
    environment = Environment.named(args.env)

    def agreed(report: AdoptReport) -> bool:
        _proposals(report, show)
        if args.dry_run or args.yes:
            return bool(args.yes)
        return show.ask(f"Write this into {environment}'s databases? Type yes: ") == "yes"

    names = tuple(args.workers[1:])
    report = adopt(Edge.here(), environment, names, through=args.through, agreed=agreed)
    show.report(report)
    if report.empty or report.outcome is not Outcome.PASS:
        _proposals(report, show)
    done = "written" if report.written else "nothing was written"
    show.heading(
        environment, f"migrate adopt {show.outcome(report.outcome)}  {count(len(report.databases), 'database')}, {done}"
    )
    refused = not report.empty and not report.written and not args.dry_run
    return 3 if refused and report.outcome is Outcome.PASS else report.outcome.exit_code


def _proposals(report: AdoptReport, show: Show) -> None:
    for one in report.databases:
        name = one.database.name or one.database.id
        if one.note:
            show.line(f"  {show.paint('!', 'yellow')} {name}  {one.note}")
        if one.empty:
            show.line(f"  {show.paint('·', 'dim')} {name}  its ledger is complete")
        elif not one.decided:
            _undecided(one, name, show)
        else:
            _proposal(one, name, report.environment, show)


def _proposal(one: Adoption, name: str, environment: Environment, show: Show) -> None:
    if one.mark:
        show.line(f"  + {name}  the marker: it belongs to {environment}")
    for file in one.record:
        show.line(f"  + {name}  into {one.database.table}: {file}")
    known = [file for file, _ in one.digests if file not in one.record]
    if known:
        show.line(f"  + {name}  what the file is now, so that later edits are seen: {', '.join(known)}")
    if one.remaining:
        show.line(f"  · {name}  stays pending: {', '.join(one.remaining)}")


def _undecided(one: Adoption, name: str, show: Show) -> None:
    if one.uncertain:
        files = ", ".join(one.uncertain)
        show.line(f"  {show.paint('?', 'yellow')} {name}  whether these ran cannot be seen in the structure: {files}")
        show.line("      next: repeat with --through FILE, the last file that ran")
        return
    show.line(
        f"  {show.paint('?', 'yellow')} {name}  no file leaves this structure behind; {one.nearest} comes nearest:"
    )
    for difference in one.differences:
        show.line(f"      {difference.sentence(one.nearest, 'the database')}")
    show.line("      next: write what is different as a migration, or mend the database; nothing is guessed")
