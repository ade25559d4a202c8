"""What is live: asked of Cloudflare, one worker at a time, all of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cattlegrid.cloudflare import deployments, versions
from cattlegrid.cloudflare.client import Client
from cattlegrid.errors import ApiError
from cattlegrid.model.stamp import Stamp
from cattlegrid.model.target import Target
from cattlegrid.model.version import Deployment, Version
from cattlegrid.release.parallel import each
from cattlegrid.secrets import digest

_LOOK_BACK: Final = 20
_CODE_KEPT_BY: Final = "secret"
_SECRET_TYPES: Final = frozenset({"secret_text", "secret_key", "inherit"})


@dataclass(frozen=True)
class Live:
    """One script. All None: nothing of it was ever deployed.

    `stamp` says what the live version is made of; it is None when somebody else made it, and `drift` then says why.
    `waiting` are versions deployed at 0 %: a promotion that did not come to its end.
    """

    script: str
    deployment: Deployment | None = None
    version: Version | None = None
    stamp: Stamp | None = None
    drift: str | None = None
    waiting: tuple[str, ...] = ()

    @property
    def version_id(self) -> str:
        return self.version.id if self.version is not None else ""


def read_live(client: Client, target: Target, names: Iterable[str]) -> dict[str, Live]:
    """These workers of the target, by the fleet's names."""
    wanted = tuple(names)
    return dict(zip(wanted, each(lambda name: read_one(client, target.workers[name].script), wanted), strict=True))


def read_one(client: Client, script: str) -> Live:
    history = deployments.read(client, script)
    if not history:
        return Live(script)
    newest = history[0]
    shares = sorted(newest.traffic, key=lambda share: share[1], reverse=True)
    if not shares:
        raise ApiError("the newest deployment holds no version", where=script)
    version = versions.read(client, script, shares[0][0])
    waiting = tuple(version_id for version_id, percentage in shares if percentage == 0)
    serving = [share for share in shares if share[1] > 0]
    if len(serving) > 1:
        split = ", ".join(f"{version_id[:8]} {percentage:g} %" for version_id, percentage in serving)
        return Live(script, newest, version, None, f"traffic is split between versions: {split}", waiting)
    stamp, drift = _origin(client, script, version)
    return Live(script, newest, version, stamp, drift, waiting)


def _origin(client: Client, script: str, version: Version) -> tuple[Stamp | None, str | None]:
    """The version's stamp, or that of the version whose code it took over when only a secret was changed."""
    if version.stamp is not None:
        return version.stamp, None
    if version.triggered_by != _CODE_KEPT_BY:
        # Even with the same code and bindings: its compatibility date, limits or placement may be other ones.
        return None, f"it was deployed {_by(version)}, not by cattlegrid"
    for older in versions.newest(client, script, at_most=_LOOK_BACK):
        if older.number >= version.number:
            continue
        if older.stamp is None:
            if older.triggered_by != _CODE_KEPT_BY:
                break
            continue
        stamped = versions.read(client, script, older.id)
        if not version.etag or stamped.etag != version.etag:
            break
        if _without_secrets(stamped) != _without_secrets(version):
            return None, f"its bindings were changed {_by(version)}"
        return stamped.stamp, None
    return None, f"it was deployed {_by(version)}, not by cattlegrid"


def _without_secrets(version: Version) -> list[str]:
    return sorted(
        repr(sorted(binding.items()))
        for binding in version.bindings
        if binding.get("type") not in _SECRET_TYPES and binding.get("name") != digest.VARIABLE
    )


def _by(version: Version) -> str:
    who = f"by {version.author}" if version.author else "by somebody"
    how = f" with {version.source}" if version.source else ""
    return f"{who}{how}"
