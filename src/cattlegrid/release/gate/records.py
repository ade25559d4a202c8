"""What people said about releases, kept in git: approvals, rejections, holds, and what lifts the last two.

A record is a small JSON document and, where there is one, its SSH signature, under
`refs/cattlegrid/<kind>/<name>/<id>`: `name` is a release or a record that is lifted, `id` begins the digest of the
record. One ref each, so two people never overwrite each other, and every clone and CI can fetch them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from cattlegrid.errors import Failed
from cattlegrid.git import refs
from cattlegrid.git.repository import Repository
from cattlegrid.release.digests import canonical

PREFIX: Final = "refs/cattlegrid"
_DOCUMENT: Final = "record.json"
_SIGNATURE: Final = "record.json.sig"
_ID_DIGITS: Final = 12


class Kind(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    HOLD = "hold"
    LIFT = "lift"


@dataclass(frozen=True)
class Record:
    """`name` is what it is about. `release` is the manifest that is approved, None for the other kinds.

    `problem` says why it cannot be read; a stop that cannot be read still stops.
    """

    kind: Kind
    name: str
    id: str
    by: str = ""
    at: datetime | None = None
    expires: datetime | None = None
    reason: str = ""
    fleet: str = ""
    release: Mapping[str, object] | None = None
    document: bytes = b""
    signature: bytes = b""
    problem: str = ""

    @property
    def ref(self) -> str:
        return f"{PREFIX}/{self.kind}/{self.name}/{self.id}"


@dataclass(frozen=True)
class Records:
    """`unread` says why the team's records could not be fetched; empty when they were, or when there is no remote."""

    records: tuple[Record, ...]
    remote: str
    unread: str = ""

    def of(self, kind: Kind, name: str | None = None) -> tuple[Record, ...]:
        return tuple(one for one in self.records if one.kind is kind and name in (None, one.name))


@dataclass(frozen=True)
class Said:
    """What a person says, before it is signed."""

    kind: Kind
    name: str
    fleet: str
    by: str
    at: datetime
    expires: datetime | None = None
    reason: str = ""
    release: Mapping[str, object] | None = None

    @property
    def document(self) -> bytes:
        fields = {
            "cattlegrid": 1,
            "kind": self.kind.value,
            "name": self.name,
            "fleet": self.fleet,
            "environment": "production",
            "by": self.by,
            "at": self.at.isoformat(timespec="seconds"),
            "expires": self.expires.isoformat(timespec="seconds") if self.expires is not None else None,
            "reason": self.reason,
            "release": self.release,
        }
        return canonical(fields).encode()


def write(repository: Repository, said: Said, signature: bytes) -> Record:
    """Keep it in this clone. Raises ToolFailed."""
    digest = hashlib.sha256(said.document + b"\0" + signature).hexdigest()[:_ID_DIGITS]
    made = _record(f"{PREFIX}/{said.kind}/{said.name}/{digest}", said.document, signature)
    files = {_DOCUMENT: said.document} | ({_SIGNATURE: signature} if signature else {})
    refs.write(repository, made.ref, files, f"{said.kind} {said.name}")
    return made


def share(repository: Repository, record: Record) -> str:
    """Push it to where the team sees it; the remote's name, empty when there is none. Raises Failed."""
    remote = refs.remote(repository)
    if remote:
        refs.push(repository, remote, record.ref)
    return remote


def read(repository: Repository) -> Records:
    """All records, the team's fetched first."""
    remote, unread = refs.remote(repository), ""
    if remote:
        try:
            refs.fetch(repository, remote, PREFIX)
        except Failed as error:
            unread = error.what
    found = refs.read(repository, PREFIX, (_DOCUMENT, _SIGNATURE))
    records = (_record(ref, files.get(_DOCUMENT, b""), files.get(_SIGNATURE, b"")) for ref, files in found.items())
    return Records(tuple(records), remote, unread)


def _record(ref: str, document: bytes, signature: bytes) -> Record:
    kind, name, identity = _parts(ref)
    try:
        read = json.loads(document)
        _refuse_misplaced(read, kind, name)
        at, expires = _moment(read["at"]), _moment(read["expires"]) if read["expires"] else None
        return Record(
            kind=kind,
            name=name,
            id=identity,
            by=str(read["by"]),
            at=at,
            expires=expires,
            reason=str(read["reason"]),
            fleet=str(read["fleet"]),
            release=read["release"],
            document=document,
            signature=signature,
        )
    except (ValueError, KeyError, TypeError) as error:
        return Record(kind, name, identity, problem=f"it cannot be read: {error}")


def _refuse_misplaced(read: Mapping[str, object], kind: Kind, name: str) -> None:
    if (read["kind"], read["name"]) != (kind.value, name):
        raise ValueError("it lies under another name than its own")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} names no time zone")
    return moment


def _parts(ref: str) -> tuple[Kind, str, str]:
    words = ref.removeprefix(f"{PREFIX}/").split("/")
    known = set(Kind)
    if len(words) == 3 and words[0] in known:
        return Kind(words[0]), words[1], words[2]
    # Nobody of ours wrote it. Read as a hold, it stops until a person has looked at it.
    return Kind.HOLD, "unknown", "-".join(words)
