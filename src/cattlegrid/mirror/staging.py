"""The only way in which the mirror writes to D1: a writer that cannot be made from production.

Two walls stand before each batch. The type: a StagingWriter is made from staging's target and refuses production's,
and every database that production names. The row: the batch's first statement fails, and takes the whole batch with it,
unless the database's own marker says staging.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cattlegrid.cloudflare.client import Client
from cattlegrid.cloudflare.d1 import Result, Statement
from cattlegrid.errors import ApiError, Refused
from cattlegrid.mirror.engine import OnD1
from cattlegrid.model.environment import Environment
from cattlegrid.model.target import Target

_NO_PATH: Final = "cattlegrid: the marker says "
_GUARD: Final = Statement(
    # A bad JSON path is an error that quotes the path; so the batch ends here, before anything is written.
    "SELECT CASE WHEN marker = 'staging' THEN 1 ELSE json_extract('{}', '" + _NO_PATH + "' || marker) END FROM"
    " (SELECT coalesce((SELECT value FROM _cattlegrid WHERE name = 'environment'), 'nothing') AS marker)"
)


class StagingWriter:
    """Writes to one database of staging. Raises Refused for anything of production's."""

    def __init__(self, target: Target, production: Target, client: Client, id: str, name: str) -> None:
        if target.environment is not Environment.STAGING:
            raise Refused(
                f"the mirror writes to staging only; this target is {target.environment}", next="cattlegrid mirror"
            )
        theirs = {database.id for worker in production.workers.values() for database in worker.databases}
        if id in theirs:
            raise Refused(
                f"database {name} is production's; nothing was written to it",
                where=f"database {id}",
                next="correct database_id in the wrangler file",
            )
        if client.account is not target.account:
            raise Refused("the client does not speak for staging's account", next="cattlegrid mirror")
        self.engine = OnD1(client, id, name)

    def write(self, statements: Sequence[Statement]) -> list[Result]:
        """One transaction, and only where the marker says staging. Raises Refused otherwise."""
        try:
            return self.engine.run([_GUARD, *statements])[1:]
        except ApiError as error:
            foreign = _NO_PATH in error.what or "no such table: _cattlegrid" in error.what
            if not foreign:
                raise
            said = error.what.partition(_NO_PATH)[2].split("'")[0].split(":")[0] or "nothing: it has no marker"
            raise Refused(
                f"database {self.engine.name} is not staging's: its marker says {said.strip()};"
                " nothing was written to it",
                where=f"database {self.engine.id}",
                next="correct database_id in the wrangler file",
            ) from error
