"""`secrets/<environment>.sops.json`: the file, who may open it, and its one way of being changed.

The list of recipients is kept a second time inside, under the MAC: somebody who may write to the repository but not
open the file could otherwise add a key of their own, and the next writer would encrypt for it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from cattlegrid.errors import ConfigError, MissingCredential, Mistake, Refused, StoreError, UsageError
from cattlegrid.model.environment import Environment
from cattlegrid.model.secret import Secret
from cattlegrid.secrets.files import alone, replace_file
from cattlegrid.secrets.sops import age, cipher, document
from cattlegrid.secrets.sops.age import Keyring
from cattlegrid.secrets.sops.document import Document
from cattlegrid.secrets.store import RESERVED, Changes, Contents

RECIPIENTS: Final = f"{RESERVED}RECIPIENTS"
_SINCE: Final = "_set_unencrypted"
_CLOSED: Final = "none of the keys on this machine opens it"
_WHO: Final = "cattlegrid secrets recipients list"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Recipient:
    """A public key, and whose it is."""

    key: str
    name: str


@dataclass(frozen=True)
class _Open:
    document: Document
    key: bytes = field(repr=False)
    tree: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True)
class SopsStore:
    root: Path
    environment: Environment
    keyring: Keyring
    folder: str = "secrets"
    option: str = ""

    @property
    def file(self) -> Path:
        return self.root / self.place

    @property
    def place(self) -> str:
        return f"{self.folder}/{self.environment}.sops.json"

    def how_to_add(self, name: str) -> str:
        if not self.file.is_file():
            return "cattlegrid secrets init"
        return f"cattlegrid secrets set {name} --env {self.environment}"

    def read(self) -> Contents:
        if not self.file.is_file():
            return Contents()
        found = document.parse(self._text(), self.place)
        names = frozenset(name for name in found.tree if not name.endswith(_SINCE))
        since = _dates(found)
        opened = self._open(found)
        if opened is None:
            return Contents(names=names, since=since, closed=_CLOSED)
        return Contents(_secrets(opened.tree, self.place), names, since)

    def readers(self) -> tuple[str, ...]:
        return tuple(one.name or one.key for one in self.recipients())

    def change(self, changes: Changes, now: datetime) -> None:
        with alone(self.file.parent):
            opened = self._expect_open()
            tree = {name: value for name, value in opened.tree.items() if name not in changes}
            tree = {name: value for name, value in tree.items() if name.removesuffix(_SINCE) not in changes}
            for name, value in changes.items():
                if value is not None:
                    tree[name] = value.reveal()
                    if not name.startswith(RESERVED):
                        tree[f"{name}{_SINCE}"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
            self._write(opened, tree, now)

    def create(self, recipients: tuple[Recipient, ...], own: Mapping[str, Secret], now: datetime) -> None:
        """A new file that these recipients can open. Raises Refused when there is one already."""
        if not recipients:
            raise UsageError("a file that nobody can open would be of no use: name a recipient")
        with alone(self.file.parent):
            if self.file.exists():
                raise Refused("is there already", where=self.place, next="cattlegrid secrets recipients list")
            tree = {f"{RESERVED}{name}": value.reveal() for name, value in own.items()}
            self._seal(tree, recipients, None, now)

    def recipients(self) -> tuple[Recipient, ...]:
        """Who can open the file. Needs no key, so their names are known only where the file can be opened."""
        if not self.file.is_file():
            return ()
        found = document.parse(self._text(), self.place)
        opened = self._open(found)
        listed = _inside(opened.tree) if opened is not None else None
        return listed or tuple(Recipient(entry["recipient"], "") for entry in found.recipients)

    def add(self, new: Recipient, now: datetime) -> None:
        """Encrypt the file for one more. Raises Refused when they can open it already."""
        with alone(self.file.parent):
            opened = self._expect_open()
            there = _known(opened)
            if new.key in {one.key for one in there}:
                raise Refused(f"{new.key[:40]} can open it already", where=self.place)
            self._seal(opened.tree, (*there, new), opened, now)

    def remove(self, gone: str, now: datetime) -> Recipient:
        """Encrypt the file anew, with a new key, for everybody else. `gone` is a public key or a name."""
        with alone(self.file.parent):
            opened = self._expect_open()
            there = _known(opened)
            leaving = [one for one in there if gone in {one.key, one.name}]
            if len(leaving) != 1:
                known = ", ".join(one.name or one.key[:24] for one in there)
                raise UsageError(
                    f"{gone[:40]!r} names {len(leaving) or 'none'} of the recipients: {known}", where=self.place
                )
            self._seal(opened.tree, tuple(one for one in there if one is not leaving[0]), opened, now)
            return leaving[0]

    def accept(self, now: datetime) -> tuple[Recipient, ...]:
        """Take the recipients that another tool wrote as meant. Those that are new."""
        with alone(self.file.parent):
            found = document.parse(self._text(), self.place)
            opened = self._unlocked(found)
            if opened is None:
                raise MissingCredential(_CLOSED, where=self.place, next=f"{_WHO} --env {self.environment}{self.option}")
            named = {one.key: one for one in _inside(opened.tree) or ()}
            meant = tuple(
                named.get(age.recipient(entry["recipient"]), Recipient(age.recipient(entry["recipient"]), ""))
                for entry in found.recipients
            )
            self._seal(opened.tree, meant, opened, now)
            return tuple(one for one in meant if one.key not in named)

    def opened_text(self, text: str) -> Mapping[str, object] | None:
        """The plain tree of another version of this file; None when it cannot be opened here. Raises StoreError."""
        opened = self._open(document.parse(text, self.place))
        return opened.tree if opened is not None else None

    def write_merged(self, tree: Mapping[str, object], now: datetime) -> None:
        """The whole file anew, for the recipients that the tree names."""
        with alone(self.file.parent):
            self._seal(tree, _inside(tree) or (), None, now)

    def _open(self, found: Document) -> _Open | None:
        opened = self._unlocked(found)
        if opened is not None:
            _refuse_strangers(opened)
        return opened

    def _unlocked(self, found: Document) -> _Open | None:
        key = age.unwrap(found.recipients, self.keyring)
        return _Open(found, key, document.opened(found, key)) if key is not None else None

    def _expect_open(self) -> _Open:
        if not self.file.is_file():
            raise StoreError(
                "there is no such file yet", where=self.place, next=f"cattlegrid secrets init{self.option}"
            )
        found = document.parse(self._text(), self.place)
        opened = self._open(found)
        if opened is None:
            raise MissingCredential(_CLOSED, where=self.place, next=f"{_WHO} --env {self.environment}{self.option}")
        if _inside(opened.tree) is None:
            raise StoreError(
                "cattlegrid did not make it, so nobody has said yet that its recipients are meant",
                where=self.place,
                next=f"{_WHO}, then recipients accept --env {self.environment}{self.option}",
            )
        return opened

    def _seal(
        self, tree: Mapping[str, object], recipients: tuple[Recipient, ...], before: _Open | None, now: datetime
    ) -> None:
        """Write the file with a new data key, so that who had the old one cannot read what comes."""
        if not recipients:
            raise Refused("the last recipient cannot be removed: nobody could open it", where=self.place)
        metadata = dict(before.document.metadata) if before is not None else {}
        foreign = sorted(name for name in metadata if name not in _OURS and metadata[name])
        if foreign:
            raise Refused(
                f"it is encrypted with {', '.join(foreign)} too, which cattlegrid cannot encrypt for",
                where=self.place,
                next=f"sops updatekeys {self.place}",
            )
        listed = "\n".join(f"{one.key}\t{one.name}" for one in recipients)
        key = os.urandom(cipher.KEY_BYTES)
        metadata["age"] = age.wrap(key, [one.key for one in recipients])
        opened = _Open(Document({}, metadata, self.place), key, {})
        self._write(opened, {**tree, RECIPIENTS: listed}, now)

    def _write(self, opened: _Open, tree: Mapping[str, object], now: datetime) -> None:
        """In order of names, so that two people's changes meet in a merge only where they changed the same."""
        ordered = {name: tree[name] for name in sorted(tree)}
        before = opened.document if opened.document.tree else None
        made = document.sealed(ordered, opened.key, opened.document.metadata, now, before=before, shown=self.place)
        replace_file(self.file, document.text(made))

    def _text(self) -> str:
        try:
            return self.file.read_text("utf-8")
        except UnicodeDecodeError as error:
            raise StoreError(f"is not text (byte {error.start})", where=self.place) from error


_OURS: Final = frozenset({"age", "lastmodified", "mac", "unencrypted_suffix", "version"})


def _secrets(tree: Mapping[str, object], place: str) -> dict[str, Secret]:
    values, mistakes = {}, []
    for name, value in tree.items():
        if name.endswith("_unencrypted") or name == RECIPIENTS or value is None:
            continue
        if isinstance(value, (dict, list)) or not _NAME.fullmatch(name):
            mistakes.append(Mistake(place, name, "is not NAME and one text, as a secret is"))
        else:
            values[name] = Secret(cipher.text_of(value))  # type: ignore[arg-type]
    if mistakes:
        raise ConfigError(tuple(mistakes), next=f"sops edit {place}")
    return values


def _dates(found: Document) -> dict[str, datetime]:
    dates = {}
    for name, value in found.tree.items():
        if name.endswith(_SINCE) and isinstance(value, str):
            try:
                dates[name.removesuffix(_SINCE)] = datetime.fromisoformat(value)
            except ValueError as error:
                raise StoreError(f"{name} is not a date", where=found.shown) from error
    return dates


def _inside(tree: Mapping[str, object]) -> tuple[Recipient, ...] | None:
    """The list under the MAC; None in a file that another tool made."""
    listed = tree.get(RECIPIENTS)
    if not isinstance(listed, str):
        return None
    parts = (line.partition("\t") for line in listed.splitlines())
    return tuple(Recipient(key, name) for key, _, name in parts)


def _known(opened: _Open) -> tuple[Recipient, ...]:
    outside = tuple(Recipient(age.recipient(entry["recipient"]), "") for entry in opened.document.recipients)
    return _inside(opened.tree) or outside


def _refuse_strangers(opened: _Open) -> None:
    inside = _inside(opened.tree)
    if inside is None:
        return
    known = {one.key for one in inside}
    outside = {age.recipient(entry["recipient"]) for entry in opened.document.recipients}
    if outside != known:
        strangers = ", ".join(sorted(outside - known)) or "none is new"
        gone = ", ".join(one.name or one.key for one in inside if one.key not in outside) or "none is gone"
        raise StoreError(
            f"its recipients were changed by something else than cattlegrid: new: {strangers}; gone: {gone}",
            where=opened.document.shown,
            next=f"git log -p -- {opened.document.shown}; when it was meant: cattlegrid secrets recipients accept",
        )
