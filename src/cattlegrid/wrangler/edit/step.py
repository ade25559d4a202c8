"""The steps that lead from one content of a file to another, as data. The language of the file does not matter here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
_IDENTITIES: Final = ("binding", "name", "queue", "service", "pattern", "tag", "class_name")


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


Step: TypeAlias = Add | Append | Replace | Remove


def steps(before: Mapping[str, object], after: Mapping[str, object], copies: Mapping[Path, Path]) -> list[Step]:
    """What is added comes first, while everything that it is copied from still stands; removals come last, from the
    end of each list, so that every path stays true until its step has been taken.
    """
    found = list(_table(before, after, (), copies))
    copied = {member.source for step in found if isinstance(step, Add) for member in step.members}
    gone = copied & {step.path for step in found if isinstance(step, Remove)}
    order = {Add: 0, Append: 1, Replace: 2, Remove: 3}
    return sorted((_moving(step, gone) for step in found), key=lambda step: order[type(step)])


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
        elif here not in copies and isinstance(value, Mapping) and _copies_into(copies, here):
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
    pairs, at = [], 0
    for old, item in enumerate(before):
        if at < len(after) and _identity(item) == _identity(after[at]):
            pairs.append((old, at))
            at += 1
    return pairs if pairs and (at == len(after) or len(pairs) == len(before)) else None


def _identity(item: object) -> object:
    if isinstance(item, Mapping):
        return next(((key, item[key]) for key in _IDENTITIES if key in item), None)
    return item


def _copies_into(copies: Mapping[Path, Path], path: Path) -> bool:
    return any(target[: len(path)] == path and len(target) > len(path) for target in copies)
