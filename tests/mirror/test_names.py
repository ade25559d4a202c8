"""Names that need quoting, ten thousand of them, as SQLite itself reads them back."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from cattlegrid.mirror.schema import literal, quoted

NAMES = some.text(some.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=12)
ODD = some.sampled_from(
    ['"', "'", "`", "[", "]", ";", "--", "/*", "\n", "select", "é", "\U0001f404", "%", "?1", ":a", "\\", " "]
)
ANY = some.one_of(NAMES, some.lists(ODD, min_size=1, max_size=6).map("".join))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(names=some.lists(ANY, min_size=50, max_size=50, unique_by=lambda name: name.lower()))
def test_a_name_of_any_characters_is_read_back_as_it_was_written(names: list[str]) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        for name in names:
            db.execute(f"CREATE TABLE {quoted('t' + name)} ({quoted(name)}, {quoted('x' + name)})")
            db.execute(f"INSERT INTO {quoted('t' + name)} ({quoted(name)}) VALUES ({literal(name)})")
            assert db.execute(f"SELECT {quoted(name)} FROM {quoted('t' + name)}").fetchall() == [(name,)]
        found = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
    assert found == {f"t{name}" for name in names}
