"""Environments, stores and Workers side by side, by keyed fingerprint: what is equal, what differs, what is stale."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cattlegrid.cli.show import Show
from cattlegrid.model.check import Outcome


def arguments(parser: ArgumentParser) -> None:
    """It has no options of its own."""


def run(args: Namespace, show: Show) -> int:  # noqa: ARG001 - every command has this form
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.secrets.diff import diff  # noqa: PLC0415 - as above

    found = diff(Edge.here())
    show.report(found)
    marks = {True: Outcome.PASS, False: Outcome.FAIL, None: Outcome.NOT_MEASURED}
    heads = [show.paint(word, "dim") for word in ("", "name", "list", *found.columns)]
    rows = [
        [show.mark(marks[row.good]), row.name, row.kind.value, *(row.places[column] or "-" for column in found.columns)]
        for row in found.rows
    ]
    show.table([heads, *rows])
    for place, why in found.unseen.items():
        show.line(f"  {show.paint('?', 'yellow')} {place}: {why}")
    show.line(f"staging and production  secrets {show.outcome(found.outcome)}")
    return found.outcome.exit_code
