"""The last look for what must not have crossed: originals of masked values, and the forms of addresses and keys.

It sees the originals before and after they are masked, and at the end what staging holds in columns that are kept. That
a masked value is somebody else's original says nothing: masked dates, codes and names are dates, codes and names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from cattlegrid.mirror.masks import Json
from cattlegrid.mirror.originals import MOST, Originals
from cattlegrid.mirror.rules import Rules
from cattlegrid.mirror.schema import Table, quoted
from cattlegrid.mirror.values import Row
from cattlegrid.model.check import Check, Outcome

SHORTEST: Final = 6
_BY_CHANCE: Final = 1 / 100
"""Of a column's values, so many may come out of their mask as they went in: of short ones some do."""
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_WORDS: Final = re.compile(r"[^\s,;|<>()\[\]{}\"'=]+")
FORMS: Final = {
    "an e-mail address": re.compile(r"[\w.+-]+@(?!(?:[\w-]+\.)*example(?:\.(?:com|org|net))?\b)[\w-]+\.[a-zA-Z]{2,}"),
    "a token": re.compile(
        r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|sk-[A-Za-z0-9_-]{20,}"
        r"|xox[abprs]-[A-Za-z0-9-]{10,}|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}|AIza[A-Za-z0-9_-]{30,})"
    ),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a telephone number": re.compile(r"(?<![\w.:-])\+\d{1,3}[ .-]?\(?\d{2,4}\)?(?:[ .-]?\d{2,4}){2,4}(?![\w.:-])"),
}
_LIKELY: Final = re.compile(r"@|\+\d|AKIA|gh[pousr]_|github_pat_|sk-|xox|eyJ|AIza|-----BEGIN")


@dataclass
class Leaks:
    """`accepted` are columns (`table.column`) in which such forms are meant to be. `seen` is, by table, how many rows
    staging gave back, and by column how many characters of text were in them. `same` is, by masked column, how many
    texts their mask left as they were, and of how many.
    """

    rules: Rules
    accepted: frozenset[str] = frozenset()
    hits: dict[str, str] = field(default_factory=dict)
    looked: int = 0
    seen: dict[str, tuple[int, dict[str, int]]] = field(default_factory=dict)
    same: dict[str, tuple[int, int]] = field(default_factory=dict)
    originals: Originals = field(default_factory=Originals, repr=False)

    def original(self, table: Table, rows: Sequence[Row]) -> Callable[[Sequence[Row]], None]:
        """The rows before they are masked. What it returns is called with the same rows afterwards."""
        columns = list(zip(*rows, strict=True))
        before: dict[str, tuple[int, Sequence[object], int]] = {}
        for name, mask in self.rules.of(table).masks.items() if columns else ():
            at = table.carried.index(quoted(name))
            texts = [value for value in columns[at] if isinstance(value, str) and len(value) >= SHORTEST]
            # A day by itself is nobody's secret, and every other column of dates holds it too.
            self.originals.add(text for text in texts if not _DAY.fullmatch(text))
            if texts and not isinstance(mask, Json):  # which may keep parts of a document, or all
                before[name] = at, columns[at], len(texts)

        def masked(now: Sequence[Row]) -> None:
            for name, (at, values, texts) in before.items():
                place = f"{table.name}.{name}"
                same, of = self.same.get(place, (0, 0))
                same += sum(old == row[at] and _telling(old) for old, row in zip(values, now, strict=True))
                self.same[place] = same, of + texts

        return masked

    def written(self, table: Table, rows: Sequence[Row]) -> None:
        """What staging gave back."""
        masks = self.rules.of(table).masks
        number, seen = self.seen.get(table.name, (0, {}))
        for at, texts in _texts(rows):
            name = _column(table, at)
            if name is not None:
                seen[name] = seen.get(name, 0) + sum(map(len, texts))
            self.looked += len(texts) if name in masks else 0
        self.seen[table.name] = number + len(rows), seen

    def kept(self, table: Table, rows: Sequence[Row]) -> None:
        """What lies in staging in columns that are kept: no address, no key, and no word that is masked elsewhere."""
        for at, texts in _texts(rows):
            name = _column(table, at)
            place = f"{table.name}.{name}"
            if name is None or place in self.hits or place in self.accepted:
                continue
            self.looked += len(texts)
            for text in set(texts):
                self._look(place, text)

    def _look(self, place: str, value: str) -> None:
        if _LIKELY.search(value):
            for form, pattern in FORMS.items():
                if pattern.search(value):
                    self.hits[place] = form
                    return
        if self.originals.any(_candidates(value)):
            self.hits[place] = "the original of a masked value"

    def checks(self) -> tuple[Check, ...]:
        """Nothing looked at is not measured; a run that masks nothing has no originals to look for."""
        if not self.looked:
            return ()
        left = {place: "values that their mask left as they were" for place in self.same if self._unmasked(place)}
        if hits := sorted({**left, **self.hits}.items())[:5]:
            found = "; ".join(f"{place} holds {what}" for place, what in hits)
            meant = ", ".join(f'"{place}"' for place, _ in hits)
            advice = f"choose a mask under [mirror.mask], or say under [mirror] that it is meant: accept = [{meant}]"
            return (Check("leak scan", Outcome.FAIL, f"{found}; {advice}"),)
        limit = f", the first {MOST} originals only" if self.originals.full else ""
        return (Check("leak scan", Outcome.PASS, f"{self.looked} texts{limit}"),)

    def _unmasked(self, place: str) -> bool:
        same, of = self.same[place]
        return same > of * _BY_CHANCE and place not in self.accepted


def _telling(value: object) -> bool:
    """Whether there is enough in it to be masked."""
    return isinstance(value, str) and len(value) >= SHORTEST and any(map(str.isalnum, value))


def _texts(rows: Sequence[Row]) -> Iterator[tuple[int, Sequence[str]]]:
    """The texts of each column that has some, with the column's place."""
    *columns, kinds = zip(*rows, strict=True) if rows else ((),)
    for at, values in enumerate(columns):
        letters = {str(kind)[at] for kind in set(kinds)}
        if letters == {"t"}:
            yield at, values
        elif "t" in letters:
            yield at, [value for value, kind in zip(values, kinds, strict=True) if kind[at] == "t"]


def _candidates(value: str) -> Iterator[str]:
    if len(value) >= SHORTEST:
        yield value
    for word in _WORDS.findall(value):
        stripped = word.strip(".:!?")
        if len(stripped) >= SHORTEST and stripped != value:
            yield stripped


def _column(table: Table, at: int) -> str | None:
    """The name of the column that is carried at this place; None for the row id."""
    first = len(table.carried) - len(table.columns)
    return table.columns[at - first].name if at >= first else None
