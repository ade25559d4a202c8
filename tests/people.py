"""People with SSH keys of their own, made by the real ssh-keygen, and what they sign."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cattlegrid.model.fleet import Approver
from cattlegrid.release.gate import records, signing
from cattlegrid.release.gate.judge import Case
from cattlegrid.release.gate.manifest import Manifest, Piece
from cattlegrid.release.gate.records import Kind, Record, Records, Said
from cattlegrid.release.gate.rules import Rules

NOW = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)
ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
MANIFEST = Manifest("crane", "production", "0123456789ab", {"context": Piece("c" * 40, "d" * 64, "e" * 64, "f" * 64)})


@dataclass(frozen=True)
class Person:
    name: str
    key: Path

    @property
    def public(self) -> str:
        return self.key.with_suffix(".pub").read_text().strip()

    def approver(self, *emails: str, revoked: tuple[str, ...] = ()) -> Approver:
        return Approver(self.name, (self.public,), emails, revoked)

    def says(self, kind: Kind, name: str, *, signed: bool = True, **more: Any) -> Record:
        said = Said(kind, name, "crane", self.name, more.pop("at", NOW), **more)
        signature = signing.sign(said.document, self.key, ENVIRON) if signed else b""
        return Record(
            kind, name, f"{kind}-{self.name}", said.by, said.at, said.expires, said.reason, said.fleet, said.release,
            said.document, signature,
        )  # fmt: skip

    def approves(self, manifest: Manifest = MANIFEST, **more: Any) -> Record:
        told: dict[str, Any] = {"expires": NOW + timedelta(hours=24), "release": manifest.document}
        return self.says(Kind.APPROVE, MANIFEST.name, **(told | more))


def person(folder: Path, name: str) -> Person:
    key = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key], check=True)
    return Person(name, key)


def rules(*approvers: Approver, **more: Any) -> Rules:
    told: dict[str, Any] = {
        "commits": ("a" * 40,), "first": False, "gate": ("approval",), "soak": 0.0, "approval": "signature",
        "self_approval": True, "approvers": approvers, "signers": (),
    }  # fmt: skip
    return Rules(**(told | more))


def case(in_force: Rules, *said: Record, **more: Any) -> Case:
    told: Mapping[str, Any] = {
        "newer": (), "records": Records(said, "origin"), "manifest": MANIFEST, "authors": None, "person": "",
        "now": NOW, "environ": ENVIRON,
    }  # fmt: skip
    return Case(rules=in_force, **(dict(told) | more))


__all__ = ["ENVIRON", "MANIFEST", "NOW", "Kind", "Person", "case", "person", "records", "rules"]
