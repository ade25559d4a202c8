"""The same work on several things at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

API_CALLS: Final = 16

Item = TypeVar("Item")
Done = TypeVar("Done")


def each(work: Callable[[Item], Done], items: Iterable[Item], *, limit: int = API_CALLS) -> list[Done]:
    """`work` on every item, `limit` at a time; results in the items' order. The first error is raised at the end."""
    todo = list(items)
    if len(todo) <= 1:
        return [work(item) for item in todo]
    with ThreadPoolExecutor(min(limit, len(todo))) as threads:
        return list(threads.map(work, todo))
