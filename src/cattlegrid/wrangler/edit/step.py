"""The steps that lead from one content of a file to another, as data. The language of the file does not matter here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os.path import commonprefix
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True)
class Member:
    """`source` is where in the same file the very same value stands already: its text is copied, comments included.

    `moved`: the original goes away, so that the comment lines above it go along.
    """

    key: str
    value: object
    source: Path | None = None
    moved: bool = False


@dataclass(frozen=True)
class Add:
    """New members of the table at `path`, which is made when it is not there."""

    path: Path
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Append:
    """A new last entry of the list at `path`."""

    path: Path
    value: object


@dataclass(frozen=True)
class Replace:
    path: Path
    value: object


@dataclass(frozen=True)
class Remove:
    """`with_comments`: the comment lines directly above went along to another place."""

    path: Path
    with_comments: bool = False


class Uneditable(ValueError):
    """The text is written in a way in which a step cannot be taken."""


Step: TypeAlias = Add | Append | Replace | Remove


def steps(before: Mapping[str, object], after: Mapping[str, object], copies: Mapping[Path, Path]) -> list[Step]:
    """What is added comes first, while everything that it is copied from still stands; removals come last, from the
    end of each list, so that every path stays true until its step has been taken.
    """
    found = list(_table(before, after, (), copies))
    copied = {member.source for step in found if isinstance(step, Add) for member in step.members}
    gone = copied & {step.path for step in found if isinstance(step, Remove)}
    return sorted((_moving(step, gone) for step in found), key=_turn)


def _turn(step: Step) -> int:
    if isinstance(step, Add):
        return 0 if any(member.source is not None for member in step.members) else 1
    return {Append: 2, Replace: 3, Remove: 4}[type(step)]


def _moving(step: Step, gone: set[Path | None]) -> Step:
    if isinstance(step, Remove) and step.path in gone:
        return replace(step, with_comments=True)
    if isinstance(step, Add):
        return replace(step, members=tuple(replace(m, moved=m.source in gone) for m in step.members))
    return step


def _table(
    before: Mapping[str, object], after: Mapping[str, object], path: Path, copies: Mapping[Path, Path]
) -> Iterator[Step]:
    new = []
    for key, value in after.items():
        here = (*path, key)
        if key in before:
            yield from _value(before[key], value, here, copies)
        elif here not in copies and isinstance(value, Mapping) and value and _is_a_table_of_its_own(here, copies):
            yield from _table({}, value, here, copies)
        else:
            source = copies.get(here)
            new.append((key, value, source))
    if new:
        yield Add(path, tuple(Member(key, value, source) for key, value, source in new))
    for key in before:
        if key not in after:
            yield Remove((*path, key))


def _value(before: object, after: object, path: Path, copies: Mapping[Path, Path]) -> Iterator[Step]:
    if before == after and type(before) is type(after):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _table(before, after, path, copies)
    elif isinstance(before, list) and isinstance(after, list) and (pairs := _aligned(before, after)) is not None:
        for old, new in pairs:
            yield from _value(before[old], after[new], (*path, old), copies)
        kept = {old for old, _ in pairs}
        for value in after[len(pairs) :]:
            yield Append(path, value)
        for index in reversed(range(len(before))):
            if index not in kept:
                yield Remove((*path, index))
    else:
        yield Replace(path, after)


def _aligned(before: Sequence[object], after: Sequence[object]) -> list[tuple[int, int]] | None:
    """Which entry became which: in order, the new ones last. None when the list has to be written anew."""
    if not all(isinstance(item, Mapping) for item in (*before, *after)) or not after:
        return None
    if len(before) == len(after):
        return [(index, index) for index in range(len(before))]
    if len(before) < len(after):
        same = all(_likeness(old, new) > 0 for old, new in zip(before, after, strict=False))
        return [(index, index) for index in range(len(before))] if same and before else None
    return _best_fit(before, after)


def _best_fit(before: Sequence[object], after: Sequence[object]) -> list[tuple[int, int]]:
    """The choice of old entries, in order and one for each new one, that has most in common with the new ones."""
    # best[new]: the best fit of the first `new` entries so far, and the pairs that make it.
    best: list[tuple[float, list[tuple[int, int]]] | None] = [(0.0, []), *([None] * len(after))]
    for old, item in enumerate(before):
        for new in reversed(range(len(after))):
            so_far = best[new]
            if so_far is None:
                continue
            fit = so_far[0] + _likeness(item, after[new])
            known = best[new + 1]
            if known is None or fit > known[0]:
                best[new + 1] = (fit, [*so_far[1], (old, new)])
    return best[-1][1] if best[-1] is not None else []


def _likeness(old: object, new: object) -> float:
    """How much two entries have in common: a name that only got longer counts nearly as much as an equal one."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return 0.0
    common = [(str(old[key]), str(new[key])) for key in old if key in new]
    return sum(2.0 if one == other else _alike(one, other) for one, other in common)


def _is_a_table_of_its_own(path: Path, copies: Mapping[Path, Path]) -> bool:
    """Whether its members are added one by one: an environment's block, and what is copied part by part."""
    if path[0] == "env" and len(path) <= 2:
        return True
    return any(target[: len(path)] == path and len(target) > len(path) for target in copies)


def _alike(one: str, other: str) -> float:
    return len(commonprefix((one, other))) / 100  # noqa: RUF071 - names, not paths
