"""Every declared secret: where it is, how old, who uses it, and a keyed fingerprint. Values are never shown."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from cattlegrid.cli import options
from cattlegrid.cli.show import Show

if TYPE_CHECKING:
    from cattlegrid.verbs.secrets.listing import Listing, Row


def arguments(parser: ArgumentParser) -> None:
    options.venture(parser)
    parser.add_argument("--names", action="store_true", help="the names alone, one a line")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.secrets.listing import list_secrets  # noqa: PLC0415 - as above

    listing = list_secrets(Edge.here(), venture=args.venture)
    show.report(listing)
    if args.names:
        show.line("\n".join(row.name for row in listing.rows))
        return listing.outcome.exit_code
    for environment in listing.places:
        closed = f", closed here: {listing.closed[environment]}" if environment in listing.closed else ""
        show.heading(environment, f"{listing.places[environment]}{closed}")
    heads = [show.paint(word, "dim") for word in ("name", "list", *listing.places, "used by")]
    show.table([heads, *(_row(row, listing, show) for row in listing.rows)])
    for environment, names in listing.extra.items():
        show.heading(environment, f"in the store and in no list: {', '.join(names)}")
    for venture in listing.ventures:
        show.line(f"venture {venture} has secrets of its own: cattlegrid secrets list --venture {venture}")
    return listing.outcome.exit_code


def _row(row: Row, listing: Listing, show: Show) -> list[str]:
    cells = []
    for environment in listing.places:
        entry = row.entries.get(environment)
        if entry is None:
            cells.append(show.paint("-", "dim"))
        elif not entry.present:
            cells.append(show.paint("missing", "yellow"))
        else:
            age = options.age(entry.since, listing.now) if entry.since is not None else ""
            cells.append(f"{entry.fingerprint or 'present'} {age}".strip())
    users = ", ".join((*row.workers, *row.used_by)) or show.paint("nobody", "dim")
    name = f"{row.name} (also {', '.join(row.aliases)})" if row.aliases else row.name
    return [name, row.kind.value, *cells, users]
