"""The gate as a whole: what it is judged by, read once, and its conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cattlegrid.cloudflare import deployments, versions
from cattlegrid.cloudflare.client import Client
from cattlegrid.errors import Refused
from cattlegrid.git import repository as git
from cattlegrid.git.history import authors
from cattlegrid.model.check import Check
from cattlegrid.release.gate import judge, records, rules
from cattlegrid.release.gate.judge import Case
from cattlegrid.release.gate.manifest import Grounds, Manifest, Piece, pieces
from cattlegrid.release.gate.records import Records
from cattlegrid.release.gate.rules import Rules
from cattlegrid.release.live import Live
from cattlegrid.release.parallel import each
from cattlegrid.release.promotion import verified


@dataclass(frozen=True)
class Gate:
    """`rules` are in force; `newer`, of the candidate and of what is checked out, can only take keys away."""

    rules: Rules
    newer: tuple[Rules, ...]
    records: Records
    pieces: Mapping[str, Piece]
    bytes: Check
    authors: frozenset[str] | None
    person: str
    now: datetime
    environ: Mapping[str, str]


@dataclass(frozen=True)
class Said:
    """`person` says how one is known to be at work, empty for none. `rules` is the commit whose rules they name for a
    production that runs nothing yet; empty: the candidate's own.
    """

    person: str = ""
    rules: str = ""


def read(grounds: Grounds, running: tuple[str, ...], said: Said, now: datetime, environ: Mapping[str, str]) -> Gate:
    """`running` are the commits that production runs. Raises Refused, ConfigError, ApiError."""
    repository, root, into = grounds.repository, grounds.root, grounds.into
    if said.rules and running:
        what = f"production runs commit {running[0][:12]}: its rules are in force, and no others can be named"
        raise Refused(what, next="cattlegrid promote --dry-run")
    commits = [said.rules] if said.rules else [part.stamp.commit for part in grounds.parts]
    # A candidate of which nothing may go on is refused for that; whose rules say so does not matter.
    commits = commits or [git.head(repository)]
    in_force = rules.in_force(repository, root, running, commits, into)
    found, same = pieces(grounds)
    candidate = rules.tips(repository, [piece.commit for piece in found.values()])
    newer = dict.fromkeys((*candidate, git.head(repository)))
    old = () if in_force.first else in_force.commits
    return Gate(
        rules=in_force,
        newer=tuple(rules.read(repository, root, commit, into) for commit in newer if commit not in in_force.commits),
        records=records.read(repository),
        pieces=found,
        bytes=same,
        authors=None if in_force.self_approval else authors(repository, candidate, old),
        person=said.person,
        now=now,
        environ=environ,
    )


def running(client: Client, production: Mapping[str, Live]) -> tuple[str, ...]:
    """The commits that production runs. Behind a worker that somebody else deployed: the one last verified there."""

    def commit(one: Live) -> str:
        if one.stamp is not None:
            return one.stamp.commit
        good = verified.good(deployments.read(client, one.script)) if one.version is not None else ""
        stamp = versions.read(client, one.script, good).stamp if good else None
        return stamp.commit if stamp is not None else ""

    return tuple(dict.fromkeys(filter(None, each(commit, production.values()))))


def conditions(
    gate: Gate,
    manifest: Manifest,
    staging: Mapping[str, Live],
    production: Mapping[str, Live],
    going: Iterable[str],
) -> tuple[Check, ...]:
    """What people decide, and how long the release has stood. `going` are the workers that would be changed."""
    return (gate.bytes, *judge.soak(gate.rules, staging, going, gate.now), *said(gate, manifest, production))


def said(gate: Gate, manifest: Manifest, production: Mapping[str, Live]) -> tuple[Check, ...]:
    """What people decide, alone: it is asked for again just before production is switched."""
    judged = case(gate, manifest)
    return (judge.rejection(judged), judge.holds(judged, production), *judge.approval(judged))


def case(gate: Gate, manifest: Manifest) -> Case:
    return Case(
        rules=gate.rules,
        newer=gate.newer,
        records=gate.records,
        manifest=manifest,
        authors=gate.authors,
        person=gate.person,
        now=gate.now,
        environ=gate.environ,
    )
