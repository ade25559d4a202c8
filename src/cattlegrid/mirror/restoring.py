"""The writer of a restore: into a database that it has made itself, and into no other, whichever the environment."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client
from cattlegrid.cloudflare.d1 import Listed, Result, Statement
from cattlegrid.errors import Refused
from cattlegrid.mirror.engine import OnD1


class FreshWriter:
    """Makes a database of this name and writes to it. Raises Refused when there is one already. `mark` gives the new
    database its environment's marker.
    """

    def __init__(self, client: Client, name: str, mark: Callable[[Listed], None]) -> None:
        if d1.named(client, name) is not None:
            raise Refused(f"there is a database {name} already; a restore writes to new ones only")
        self.database = d1.create(client, name)
        mark(self.database)
        self.engine = OnD1(client, self.database.id, name)

    def write(self, statements: Sequence[Statement]) -> list[Result]:
        return self.engine.run(statements)
