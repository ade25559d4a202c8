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
from cattlegrid.release.promotion import marks, verified
from cattlegrid.secrets import digest

_LOOK_BACK: Final = 20
_CODE_KEPT_BY: Final = "secret"
_SECRET_TYPES: Final = frozenset({"secret_text", "secret_key", "inherit"})


@dataclass(frozen=True)
class Live:
    """One script. All None: nothing of it was ever deployed.

    `stamp` says what the live version is made of; it is None when somebody else made it, and `drift` then says why.
    `waiting` are versions deployed at 0 %: a promotion that did not come to its end. `good` is the version that a
    promotion verified last, empty when none is known. `replaced` is the deployment before the one that is live.
    """

    script: str
    deployment: Deployment | None = None
    version: Version | None = None
    stamp: Stamp | None = None
    drift: str | None = None
    waiting: tuple[str, ...] = ()
    good: str = ""
    replaced: Deployment | None = None

    @property
    def kept_code(self) -> bool:
        """Whether the version took its code over from a stamped one, when a secret was changed."""
        return self.version is not None and self.version.stamp is None and self.stamp is not None

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
    good = verified.good(history)
    replaced = history[1] if len(history) > 1 else None
    if len(serving) > 1:
        split = ", ".join(f"{version_id[:8]} {percentage:g} %" for version_id, percentage in serving)
        return Live(
            script, newest, version, None, f"traffic is split between versions: {split}", waiting, good, replaced
        )
    stamp, drift = origin(client, script, version)
    if stamp is not None and drift is None and _switched_by_hand(client, script, newest, version):
        stamp, drift = None, f"an older version was made live {_by_deployment(newest)}, not by cattlegrid"
    return Live(script, newest, version, stamp, drift, waiting, good, replaced)


def _switched_by_hand(client: Client, script: str, newest: Deployment, version: Version) -> bool:
    """Whether somebody went back to an older version with wrangler or on the dashboard.

    What cattlegrid deploys carries a stamp or a mark as its message. Without one, a version that is not the newest was
    chosen by hand; the newest may be a first deploy, whose deployment Cloudflare makes by itself, or a secret's.
    """
    if Stamp.read(newest.message) is not None or marks.read(newest.message) is not None:
        return False
    last = versions.newest(client, script, at_most=1)
    return bool(last) and last[0].number > version.number


def origin(client: Client, script: str, version: Version) -> tuple[Stamp | None, str | None]:
    """The version's stamp, or that of the version whose code it took over when only a secret was changed; or what the
    drift is.
    """
    if version.stamp is not None:
        return version.stamp, None
    stamped = _stamped_before(client, script, version, through_secrets_only=version.triggered_by == _CODE_KEPT_BY)
    by = f"it was deployed {_by(version)}, not by cattlegrid"
    if stamped is None:
        return None, by
    same_code = bool(version.etag) and stamped.etag == version.etag
    others = _changed(stamped, version)
    if version.triggered_by == _CODE_KEPT_BY and same_code:
        return (None, f"its bindings were changed {_by(version)}: {others}") if others else (stamped.stamp, None)
    if not same_code:
        return None, f"{by}: other code"
    # The same bytes are drift too: the compatibility date, limits or placement may be other ones.
    return None, f"{by}: the same code, " + (f"with other bindings: {others}" if others else "with the same bindings")


def _stamped_before(client: Client, script: str, version: Version, *, through_secrets_only: bool) -> Version | None:
    """The newest version of ours before this one; through changes of secrets alone, if no other may lie between."""
    for older in versions.newest(client, script, at_most=_LOOK_BACK):
        if older.number >= version.number:
            continue
        if older.stamp is not None:
            return versions.read(client, script, older.id)
        if through_secrets_only and older.triggered_by != _CODE_KEPT_BY:
            return None
    return None


def _changed(old: Version, new: Version) -> str:
    """The names of the bindings that differ, secrets aside."""
    before, after = _without_secrets(old), _without_secrets(new)
    return ", ".join(sorted(name for name in {*before, *after} if before.get(name) != after.get(name)))


def _without_secrets(version: Version) -> dict[str, str]:
    return {
        str(binding.get("name")): repr(sorted(binding.items()))
        for binding in version.bindings
        if binding.get("type") not in _SECRET_TYPES and binding.get("name") != digest.VARIABLE
    }


def _by(version: Version) -> str:
    who = f"by {version.author}" if version.author else "by somebody"
    how = f" with {version.source}" if version.source else ""
    return f"{who}{how}"


def _by_deployment(deployment: Deployment) -> str:
    who = f"by {deployment.author}" if deployment.author else "by somebody"
    return who + (f" with {deployment.source}" if deployment.source else "")
