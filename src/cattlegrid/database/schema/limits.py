"""What D1 refuses whatever the rows: its limits, statements that it does not allow, and files that break the ledger.

Source: developers.cloudflare.com/d1/platform/limits, and what workerd's D1 was seen to refuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cattlegrid.database.schema.look import Look, Remark, Severity
from cattlegrid.database.sql import Kind

STATEMENT_BYTES: Final = 100_000
COLUMNS: Final = 100
COMPOUND: Final = 5
ARGUMENTS: Final = 32
PATTERN_BYTES: Final = 50

NO_SEMICOLON: Final = Remark(
    "no-semicolon",
    Severity.FAILS,
    "the last statement has no `;`: wrangler writes its ledger's row right behind it, and both fail",
    "end the statement with `;`",
)
_FORBIDDEN: Final = {
    "begin": "D1 runs each file as one transaction already",
    "commit": "D1 runs each file as one transaction already",
    "rollback": "D1 runs each file as one transaction already",
    "savepoint": "D1 runs each file as one transaction already",
    "release": "D1 runs each file as one transaction already",
    "attach": "D1 has one database a binding",
    "detach": "D1 has one database a binding",
    "vacuum": "D1 does that itself",
}
_COMPOUND: Final = ("union", "intersect", "except")


def too_long(look: Look) -> Iterator[Remark]:
    size = len(look.statement.text.encode())
    if size > STATEMENT_BYTES:
        yield Remark(
            "statement-too-long",
            Severity.FAILS,
            f"the statement has {size:,} bytes; D1 takes {STATEMENT_BYTES:,}",
            "write it as several statements, a few hundred rows each",
        )


def too_many_columns(look: Look) -> Iterator[Remark]:
    if not look.creates or look.starts("create", "virtual"):
        return
    depth = commas = 0
    for token in look.tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        commas += depth == 1 and token.text == ","
    if commas + 1 > COLUMNS:
        what = f"the table has {commas + 1} columns and constraints; D1 allows {COLUMNS} columns"
        yield Remark("too-many-columns", Severity.FAILS, what, "keep rare values in one JSON column or a second table")


def compound(look: Look) -> Iterator[Remark]:
    terms, depth = {0: 1}, 0
    for token in look.tokens:
        if token.text == "(":
            depth += 1
            terms[depth] = 1
        elif token.text == ")":
            depth -= 1
        elif token.kind is Kind.WORD and token.plain in _COMPOUND:
            terms[depth] = terms.get(depth, 1) + 1
            if terms[depth] == COMPOUND + 1:
                what = (
                    f"more than {COMPOUND} SELECTs are combined with UNION, INTERSECT or EXCEPT; D1 allows {COMPOUND}"
                )
                yield Remark("compound-select", Severity.FAILS, what, "INSERT … VALUES (…), (…), or several statements")


def arguments(look: Look) -> Iterator[Remark]:
    calls: list[tuple[str, int]] = []
    before = ""
    for token in look.tokens:
        if token.text == "(":
            calls.append((before, 1))
        elif token.text == ")" and calls:
            calls.pop()
        elif token.text == "," and calls:
            name, count = calls[-1]
            calls[-1] = (name, count + 1)
            if name in _VARIADIC and count + 1 == ARGUMENTS + 1:
                what = f"{name}() is called with more than {ARGUMENTS} arguments, D1's limit"
                yield Remark("too-many-arguments", Severity.FAILS, what, "nest the calls")
        before = token.plain if token.kind is Kind.WORD else ""


_VARIADIC: Final = frozenset(
    {
        "char", "coalesce", "concat", "concat_ws", "format", "json_array", "json_extract", "json_insert", "json_object",
        "json_remove", "json_replace", "json_set", "jsonb_array", "jsonb_object", "jsonb_set", "max", "min", "printf",
    }
)  # fmt: skip


def pattern(look: Look) -> Iterator[Remark]:
    for operator, value in zip(look.tokens, look.tokens[1:], strict=False):
        if operator.plain in ("like", "glob") and value.kind is Kind.TEXT:
            size = len(value.text.encode()) - 2
            if size > PATTERN_BYTES:
                what = f"the {operator.text.upper()} pattern has {size} bytes; D1 takes {PATTERN_BYTES}"
                yield Remark("pattern-too-long", Severity.FAILS, what, "instr(column, 'text') > 0")


def forbidden(look: Look) -> Iterator[Remark]:
    first = look.words[0]
    if first in _FORBIDDEN:
        yield Remark("not-allowed", Severity.FAILS, f"D1 refuses {first.upper()}", f"leave it out: {_FORBIDDEN[first]}")
    if first == "create" and look.words[1:2] in (("temp",), ("temporary",)):
        yield Remark("not-allowed", Severity.FAILS, "D1 refuses TEMP tables", "use a table and drop it at the end")
    if look.starts("create", "virtual") and (module := _module(look)) not in ("fts5", "fts5vocab"):
        yield Remark("not-allowed", Severity.FAILS, f"D1 has no module {module}", "fts5 is the one that D1 has")
    if look.starts("pragma", "foreign_keys"):
        yield Remark(
            "foreign-keys-stay-on",
            Severity.TELLS,
            "D1 ignores PRAGMA foreign_keys: dropping a table still deletes or blocks what refers to it",
            "PRAGMA defer_foreign_keys = on, and rebuild the tables that refer to it in the same file",
        )


def _module(look: Look) -> str:
    return look.words[look.words.index("using") + 1] if "using" in look.words[:-1] else ""


def own_ledger(look: Look) -> Iterator[Remark]:
    table = look.database.table.lower()
    if table in look.words and look.words[0] in ("insert", "replace", "update", "delete", "drop", "create", "alter"):
        yield Remark(
            "writes-the-ledger",
            Severity.FAILS,
            f"the file itself writes {table}; wrangler writes its row too, and a name can be there once only",
            "leave it out; `cattlegrid migrate adopt` records what ran without wrangler",
        )


RULES: Final = (too_long, too_many_columns, compound, arguments, pattern, forbidden, own_ledger)
