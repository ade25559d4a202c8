"""The candidate: what is live in staging, if it is of a kind that may go on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from cattlegrid.model.check import Check, Outcome
from cattlegrid.model.stamp import Stamp
from cattlegrid.release.digests import canonical
from cattlegrid.release.live import Live


@dataclass(frozen=True)
class Part:
    """One worker of the candidate: the version that runs in staging, and its stamp."""

    worker: str
    script: str
    version: str
    stamp: Stamp


def parts(staging: Mapping[str, Live]) -> tuple[Part, ...]:
    """The workers that could go on: deployed by cattlegrid, from a commit, not drifted."""
    return tuple(
        Part(name, one.script, one.version_id, one.stamp)
        for name, one in staging.items()
        if one.stamp is not None and not one.stamp.dirty and one.drift is None
    )


def check(staging: Mapping[str, Live]) -> tuple[Check, ...]:
    """One check for each worker: whether its live version in staging may be promoted at all, and if not, why."""
    return tuple(_one(name, one) for name, one in staging.items())


def _one(name: str, one: Live) -> Check:
    title = "candidate"
    if one.version is None:
        return Check(title, Outcome.NOT_MEASURED, "is not deployed in staging", name)
    if one.drift is not None or one.stamp is None:
        return Check(title, Outcome.FAIL, f"staging drifted: {one.drift}; deploy it with cattlegrid", name)
    if one.stamp.dirty:
        detail = f"staging runs uncommitted files on top of {one.stamp.commit[:12]}; commit them and deploy"
        return Check(title, Outcome.FAIL, detail, name)
    return Check(title, Outcome.PASS, f"version {one.version_id[:8]} from commit {one.stamp.commit[:12]}", name)


def release_name(stamps: Mapping[str, Stamp]) -> str:
    """The content name of a release: digest over each worker's code, production configuration and schema."""
    manifest = {
        worker: [stamp.digests.code, stamp.digests.config, stamp.digests.schema] for worker, stamp in stamps.items()
    }
    return hashlib.sha256(canonical(manifest).encode()).hexdigest()[:12]
