"""D1's /query over HTTP, on real SQLite: one call, one transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from answering import CUT, Call, Says, answering, no, ok
from cattlegrid.clock import Clock
from cattlegrid.cloudflare.client import Client
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Account


@dataclass
class D1:
    client: Client
    sqlite: sqlite3.Connection
    calls: list[Call]
    before: Callable[[str], bool] = field(default=lambda _: False)
    after: Callable[[str], bool] = field(default=lambda _: False)


@contextmanager
def d1_server() -> Iterator[D1]:
    """`before(sql)` cuts the connection before the effect, `after(sql)` after it."""
    connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    hooks: list[D1] = []

    def answer(call: Call) -> Says:
        sql = str(json.loads(call.body)["sql"])
        if hooks[0].before(sql):
            return CUT
        try:
            results = _run(connection, sql)
        except sqlite3.Error as error:
            return no(400, 7500, f"{error}: SQLITE_ERROR")
        return CUT if hooks[0].after(sql) else ok(results)

    clock = Clock(now=lambda: datetime(2026, 11, 24, tzinfo=UTC), monotonic=lambda: 0.0, sleep=lambda _: None)
    with answering(answer) as server, Client(Account(server.url, "acc", Secret("t")), clock=clock) as client:
        hooks.append(D1(client, connection, server.calls))
        yield hooks[0]


def _run(connection: sqlite3.Connection, sql: str) -> list[dict[str, object]]:
    connection.execute("BEGIN")
    results: list[dict[str, object]] = []
    try:
        rest = ""
        for piece in sql.split(";"):
            rest += piece + ";"
            if not sqlite3.complete_statement(rest) or not rest.strip(" \n\t;"):
                continue
            cursor = connection.execute(rest)
            names = [column[0] for column in cursor.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            results.append({"results": rows, "success": True, "meta": {"duration": 0}})
            rest = ""
        if rest.strip(" \n\t;"):
            raise sqlite3.OperationalError("incomplete input")
    except sqlite3.Error:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return results
