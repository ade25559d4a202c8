"""Parents before children: the order in which tables are filled, and the circles in which there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cattlegrid.mirror.schema import Table


def parents_first(tables: Sequence[Table]) -> list[Table]:
    return [table for group in circles(tables) for table in group]


def circles(tables: Sequence[Table], *, loosen: bool = True) -> list[tuple[Table, ...]]:
    """The tables in groups, parents first. A group of several, or of one that names itself, is a circle.

    Tarjan's strongly connected components, without recursion: a chain of ten thousand tables is no trouble. Unless
    `loosen` is false, a circle is ordered by its references that are NOT NULL.
    """
    by_name = {table.name: table for table in tables}
    parents = {table.name: [one.table for one in table.references if one.table in by_name] for table in tables}
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[tuple[Table, ...]] = []
    for root in by_name:
        work = [(root, iter(parents[root]))] if root not in index else []
        while work:
            name, rest = work[-1]
            if name not in index:
                index[name] = low[name] = len(index)
                stack.append(name)
                on_stack.add(name)
            for parent in rest:
                if parent not in index:
                    work.append((parent, iter(parents[parent])))
                    break
                if parent in on_stack:
                    low[name] = min(low[name], index[parent])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    found.append(_popped(name, stack, on_stack, by_name))
    return [within(group) for group in found] if loosen else found


def within(group: Sequence[Table]) -> tuple[Table, ...]:
    """A circle in an order that only its nullable references break, if there is one."""
    if len(group) == 1:
        return tuple(group)
    strict = []
    for table in group:
        firm = {column.name for column in table.columns if column.not_null or column.primary}
        kept = tuple(one for one in table.references if firm.issuperset(one.columns) and one.table != table.name)
        strict.append(replace(table, references=kept))
    ordered = [table.name for some in circles(strict, loosen=False) for table in some]
    return tuple(sorted(group, key=lambda table: ordered.index(table.name)))


def circular(group: Sequence[Table]) -> bool:
    names = {table.name for table in group}
    return any(one.table in names for table in group for one in table.references)


def _popped(name: str, stack: list[str], on_stack: set[str], by_name: dict[str, Table]) -> tuple[Table, ...]:
    group = []
    while True:
        last = stack.pop()
        on_stack.discard(last)
        group.append(by_name[last])
        if last == name:
            return tuple(sorted(group, key=lambda table: table.name))
