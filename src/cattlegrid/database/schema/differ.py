"""The differences between two structures, each one fact that a person can read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from cattlegrid.database.schema.structure import Column, Index, Plain, Structure, Table, Virtual

Item = TypeVar("Item")


@dataclass(frozen=True)
class Difference:
    """`what` differs (`column notes.body: type`); `left` and `right` as each side has it, empty where it is missing."""

    what: str
    left: str
    right: str

    def sentence(self, left: str, right: str) -> str:
        """In words, with the names of the two sides."""
        if not self.right:
            return f"{self.what}: only in {left}{_shown(self.left)}"
        if not self.left:
            return f"{self.what}: only in {right}{_shown(self.right)}"
        return f"{self.what}: {self.left} in {left}, {self.right} in {right}"


def differences(left: Structure, right: Structure) -> tuple[Difference, ...]:
    """None for two structures that mean the same, however they are spelt."""
    return (
        *_each("table", left.tables, right.tables, _tables, _HERE),
        *_each("virtual table", left.virtual, right.virtual, _virtual, _HERE),
        *_indexes(left.indexes, right.indexes),
        *_each("trigger", left.triggers, right.triggers, _bodies("trigger"), _HERE),
        *_each("view", left.views, right.views, _bodies("view"), _HERE),
    )


def _here(_: object) -> str:
    return "is there"


_HERE: Final = _here


def _shown(text: str) -> str:
    return "" if text == "is there" else f" ({text})"


def _each(
    kind: str,
    left: Mapping[str, Item],
    right: Mapping[str, Item],
    both: Callable[[Item, Item], Iterable[Difference]],
    shown: Callable[[Item], str],
) -> Iterator[Difference]:
    for name in dict.fromkeys((*left, *right)):
        if name not in right:
            yield Difference(f"{kind} {name}", shown(left[name]), "")
        elif name not in left:
            yield Difference(f"{kind} {name}", "", shown(right[name]))
        elif left[name] != right[name]:
            yield from both(left[name], right[name])


def _tables(left: Table, right: Table) -> Iterator[Difference]:
    name = left.name
    mine, theirs = ({column.name: column for column in table.columns} for table in (left, right))
    yield from _each(f"column {name}", mine, theirs, lambda a, b: _columns(name, a, b), _column)
    common = [column for column in mine if column in theirs]
    other = [column for column in theirs if column in mine]
    if common != other:
        yield Difference(f"table {name}: order of columns", ", ".join(common), ", ".join(other))
    yield from _key(left, right)
    yield from _sets(f"table {name}: check", map(_text, left.checks), map(_text, right.checks))
    yield from _sets(f"table {name}: unique", map(_list, left.unique), map(_list, right.unique))
    yield from _sets(f"table {name}: foreign key", map(str, left.foreign_keys), map(str, right.foreign_keys))
    for what, a, b in (
        ("STRICT", left.strict, right.strict),
        ("WITHOUT ROWID", left.without_rowid, right.without_rowid),
        ("AUTOINCREMENT", left.autoincrement, right.autoincrement),
    ):
        if a != b:
            yield Difference(f"table {name}: {what}", "yes" if a else "no", "yes" if b else "no")


def _columns(table: str, left: Column, right: Column) -> Iterator[Difference]:
    for what, a, b in (
        ("type", left.type or "no type", right.type or "no type"),
        ("null", _null(left), _null(right)),
        ("default", left.default or "none", right.default or "none"),
        ("collation", left.collation or "binary", right.collation or "binary"),
        ("generated", left.generated or "not generated", right.generated or "not generated"),
        ("on conflict", left.conflict or "abort", right.conflict or "abort"),
    ):
        if a != b:
            yield Difference(f"column {table}.{left.name}: {what}", a, b)


def _key(left: Table, right: Table) -> Iterator[Difference]:
    mine, theirs = (
        ", ".join(one.name for one in sorted(table.columns, key=lambda one: one.key) if one.key)
        for table in (left, right)
    )
    if mine != theirs:
        yield Difference(f"table {left.name}: primary key", mine or "none", theirs or "none")


def _virtual(left: Virtual, right: Virtual) -> Iterator[Difference]:
    what = f"virtual table {left.name}"
    if left.module != right.module:
        yield Difference(f"{what}: module", left.module, right.module)
    if left.columns != right.columns:
        yield Difference(f"{what}: columns", ", ".join(left.columns), ", ".join(right.columns))
    for option in dict.fromkeys((*left.options, *right.options)):
        mine, theirs = left.options.get(option, ""), right.options.get(option, "")
        if mine != theirs:
            yield Difference(f"{what}: {option}", mine or "not set", theirs or "not set")


def _indexes(left: Mapping[str, Index], right: Mapping[str, Index]) -> Iterator[Difference]:
    """An index that only changed its name is one difference and not two."""
    alone = [name for name in left if name not in right]
    unmatched = [name for name in right if name not in left]
    renamed = {}
    for name in alone:
        same = [other for other in unmatched if str(right[other]) == str(left[name])]
        if same:
            renamed[name] = same[0]
            unmatched.remove(same[0])
            yield Difference(f"index {left[name]}: name", name, same[0])
    gone = {*renamed, *renamed.values()}
    mine, theirs = ({name: one for name, one in side.items() if name not in gone} for side in (left, right))
    yield from _each("index", mine, theirs, lambda a, b: [Difference(f"index {a.name}", str(a), str(b))], str)


def _bodies(kind: str) -> Callable[[Plain, Plain], Iterator[Difference]]:
    def both(left: Plain, right: Plain) -> Iterator[Difference]:
        name = next((one for one in left[left.index(kind) + 1 :] if one not in ("if", "not", "exists")), "")
        at = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
        yield Difference(f"{kind} {name}", _around(left, at), _around(right, at))

    return both


def _around(body: Plain, at: int) -> str:
    """The place at which two bodies part."""
    words = " ".join(body[max(at - 4, 0) : at + 6])
    return f"{'… ' if at > 4 else ''}{words}{' …' if at + 6 < len(body) else ''}"


def _sets(what: str, left: Iterable[str], right: Iterable[str]) -> Iterator[Difference]:
    mine, theirs = set(left), set(right)
    for one in sorted(mine - theirs):
        yield Difference(what, one, "")
    for one in sorted(theirs - mine):
        yield Difference(what, "", one)


def _column(column: Column) -> str:
    words = [column.type, "NOT NULL" if column.not_null else "", f"default {column.default}" if column.default else ""]
    return " ".join(word for word in (*words, column.generated) if word) or "no type"


def _null(column: Column) -> str:
    return "NOT NULL" if column.not_null else "nullable"


def _text(check: Plain) -> str:
    return " ".join(check)


def _list(columns: tuple[str, ...]) -> str:
    return f"({', '.join(columns)})"
