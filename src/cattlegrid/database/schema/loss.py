"""What takes data away, or breaks the version of the Worker that is still running."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cattlegrid.database.schema.look import Look, Remark, Severity


def drop_table(look: Look) -> Iterator[Remark]:
    if not look.starts("drop", "table"):
        return
    table, _ = look.name_at(4 if look.words[2:4] == ("if", "exists") else 2)
    if table in look.made:
        return
    for name, child in look.schema.tables.items():
        for key in child.foreign_keys:
            if key.table == table and name != table:
                yield _referenced(table, name, key.on_delete)
    if not (table in look.copied and table in look.renamed_to):
        what = f"all rows of {table} are deleted"
        yield Remark(
            "drop-table", Severity.LOSES, what, "first deploy code that no longer uses it; drop it a release later"
        )


def _referenced(table: str, child: str, action: str) -> Remark:
    if action == "CASCADE":
        return Remark(
            "drop-cascades",
            Severity.LOSES,
            f"dropping {table} deletes the rows of {child} too (ON DELETE CASCADE), and D1 cannot switch that off",
            f"copy {child} aside first, or rebuild {child} without the reference in the same file, then both back",
        )
    return Remark(
        "drop-referenced",
        Severity.FAILS,
        f"{child} refers to {table}: dropping it fails as soon as {child} has rows, deferred or not",
        f"rebuild {child} without the reference first; add columns with ALTER TABLE instead of rebuilding {table}",
    )


def drop_column(look: Look) -> Iterator[Remark]:
    if not look.starts("alter", "table"):
        return
    table, at = look.name_at(2)
    if look.words[at : at + 1] == ("drop",) and table not in look.made:
        column = look.words[-1]
        safe = "first deploy code that neither reads nor writes it; drop it a release later"
        yield Remark("drop-column", Severity.LOSES, f"all values of {table}.{column} are deleted", safe)


def rename(look: Look) -> Iterator[Remark]:
    if not look.starts("alter", "table"):
        return
    table, at = look.name_at(2)
    if look.words[at : at + 1] == ("rename",) and table not in look.made:
        what = f"the version that runs while this is applied still uses the old name of {table} or of its column"
        safe = "add the new one, write both, copy, switch reads, and drop the old one a release later"
        yield Remark("rename", Severity.TELLS, what, safe)


def whole_table(look: Look) -> Iterator[Remark]:
    if look.starts("delete", "from"):
        table, verb = look.name_at(2)[0], "deletes"
    elif look.starts("update"):
        table, verb = look.name_at(3 if look.words[1:2] == ("or",) else 1)[0], "overwrites"
    else:
        return
    if not look.keyword("where") and table not in look.made:
        what = f"it has no WHERE: it {verb} every row of {table}"
        rule = "delete-all" if verb == "deletes" else "update-all"
        yield Remark(rule, Severity.LOSES, what, "say which rows are meant; `WHERE true` says that all are")


def replace(look: Look) -> Iterator[Remark]:
    if look.inserts is None or look.inserts[0] in look.made or look.conflict not in ("replace", "ignore"):
        return
    table = look.inserts[0]
    if look.conflict == "replace":
        what = f"rows of {table} with an equal key are deleted, with all their other columns and what refers to them"
        yield Remark(
            "replaces-rows", Severity.LOSES, what, "INSERT … ON CONFLICT (key) DO UPDATE SET column = excluded.column"
        )
    elif look.selects_from:
        what = f"rows that break a rule of {table} are left out without a word"
        yield Remark("ignores-rows", Severity.LOSES, what, "INSERT without OR IGNORE, after the rows were put in order")


def ignored_copy(look: Look) -> Iterator[Remark]:
    """A rebuild that leaves out, or overwrites, what does not fit."""
    if look.inserts is not None and look.inserts[0] in look.made and look.selects_from and look.conflict in _LOSING:
        what = f"rows of {look.selects_from} that do not fit {look.inserts[0]} are lost without a word"
        yield Remark("rebuild-loses-rows", Severity.LOSES, what, "INSERT … SELECT without OR IGNORE or OR REPLACE")


_LOSING: Final = ("ignore", "replace")
RULES: Final = (drop_table, drop_column, rename, whole_table, replace, ignored_copy)
