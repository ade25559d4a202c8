"""`approve`: a person signs the candidate, written out in full, so that production's gate opens for exactly it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from cattlegrid.errors import Refused, UsageError
from cattlegrid.git import repository as git
from cattlegrid.git.repository import Repository
from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.release.gate import evaluate, judge, people, records, signing
from cattlegrid.release.gate.difference import Difference
from cattlegrid.release.gate.manifest import Manifest
from cattlegrid.release.gate.records import Kind, Record, Records, Said
from cattlegrid.release.promotion import candidate, decide
from cattlegrid.settings import load
from cattlegrid.verbs.candidate import differs, folder, look, of_staging
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.places import opened


@dataclass(frozen=True)
class Preview:
    """What would be approved. Without production's credential `difference` is None and `missing` says which."""

    manifest: Manifest
    candidate: tuple[Check, ...]
    rules: str
    difference: Difference | None
    missing: str = ""


@dataclass(frozen=True)
class ApproveOptions:
    """`key` is a private key, or the public half of one in an agent; None: the one that git signs with.

    `expires` in seconds.
    """

    key: Path | None = None
    expires: float = 86400.0
    reason: str = ""
    share: bool = True


@dataclass(frozen=True)
class Approval:
    """`shared` is the remote that has it; empty when it is in this clone only."""

    record: Record
    shared: str
    preview: Preview


def approve(
    edge: Edge, options: ApproveOptions, confirm: Callable[[Preview], bool], *, programs: tuple[str, ...]
) -> Approval:
    """Show the candidate to `confirm`; if it says yes, sign and keep the approval. `programs` are the ancestors' names.

    Raises Refused: to an agent, not confirmed, a candidate that cannot go on, a key that production does not know.
    """
    people.refuse_agent("approve", programs, edge.environ)
    fleet = load(edge.cwd)
    repository = git.find(fleet.root, edge.environ)
    key = options.key or configured_key(repository)
    preview, gate = look_at(edge)
    _refuse_unfit(preview)
    if not confirm(preview):
        raise Refused("not confirmed; nothing was signed", next="cattlegrid approve")
    now = gate.now if gate is not None else edge.clock.now()
    said = Said(
        kind=Kind.APPROVE,
        name=preview.manifest.name,
        fleet=fleet.name,
        by=who(repository, edge.environ),
        at=now,
        expires=now + timedelta(seconds=options.expires),
        reason=options.reason,
        release=preview.manifest.document,
    )
    signature = signing.sign(said.document, key, edge.environ)
    if gate is not None:
        _refuse_useless(gate, preview.manifest, said, signature)
    record = records.write(repository, said, signature)
    return Approval(record, records.share(repository, record) if options.share else "", preview)


def look_at(edge: Edge) -> tuple[Preview, evaluate.Gate | None]:
    """What would be approved; and the gate, when production can be read from here. Raises what reading raises."""
    fleet = load(edge.cwd)
    with opened(edge, fleet, Environment.STAGING) as (staging, production, missing), folder() as temporary:
        if production is None:
            found = of_staging(fleet, git.find(fleet.root, edge.environ), staging, temporary)
            return Preview(found.manifest, found.checks, "", None, missing), None
        seen = look(edge, fleet, staging, production, temporary, evaluate.Said())
        shown = (*candidate.check(seen.staging_live), seen.gate.bytes)
        preview = Preview(decide.manifest(seen), shown, seen.gate.rules.described(), differs(seen))
        return preview, seen.gate


def _refuse_unfit(preview: Preview) -> None:
    bad = [check for check in preview.candidate if check.outcome is not Outcome.PASS]
    if bad or not preview.candidate:
        words = "; ".join(f"{check.worker} {check.detail}" for check in bad) or "staging runs nothing"
        raise Refused(f"what staging runs cannot go on: {words}", next="cattlegrid status")


def _refuse_useless(gate: evaluate.Gate, manifest: Manifest, said: Said, signature: bytes) -> None:
    """A signature that the rules in force would not count is not kept."""
    record = Record(
        said.kind, said.name, "", said.by, said.at, said.expires, said.reason, said.fleet, said.release,
        said.document, signature,
    )  # fmt: skip
    alone = replace(gate, records=Records((record,), ""))
    case = evaluate.case(alone, manifest)
    for check in judge.approval(case):
        if check.outcome is not Outcome.PASS and gate.rules.approval == "signature":
            raise Refused(f"this approval would not count: {check.detail}", next="cattlegrid approve --key FILE")


def configured_key(repository: Repository) -> Path:
    """The SSH key that git signs commits with. Raises UsageError when there is none."""
    done = git.git(repository, "config", "--type=path", "user.signingkey")
    path = Path(done.out.strip())
    if done.code != 0 or not done.out.strip() or not path.is_file():
        raise UsageError(
            "there is no key to sign with: git's user.signingkey names no file",
            next="cattlegrid approve --key ~/.ssh/id_ed25519",
        )
    return path


def who(repository: Repository, environ: Mapping[str, str]) -> str:
    """A name for the record; what counts is the signature."""
    done = git.git(repository, "config", "user.name")
    return done.out.strip() or environ.get("USER", "") or "somebody"
