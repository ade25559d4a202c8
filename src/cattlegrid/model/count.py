"""How many of what, as a person says it."""

from __future__ import annotations


def count(number: int, what: str, many: str = "") -> str:
    """`1 table`, `2 tables`; `many` where the plural is not made with an s."""
    return f"{number} {what if number == 1 else many or f'{what}s'}"
