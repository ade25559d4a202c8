"""Deployments: which versions get a Worker's traffic, and how it comes back to an older one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from cattlegrid.local import scripts, tokens
from cattlegrid.local.api import publish, upload
from cattlegrid.local.envelope import ApiError, ok
from cattlegrid.local.routes import Call, route
from cattlegrid.local.scripts import Deployment, Share, Version

DEPLOYMENTS = "/accounts/{account}/workers/scripts/{script}/deployments"
_SHOWN = 10


@route("GET", DEPLOYMENTS, "the latest deployments, the live one first", scope="workers:read")
async def list_deployments(call: Call) -> Response:
    script = publish.existing(call, call.path["script"])
    found = scripts.deployments(call.state.db, script.name)[:_SHOWN]
    return ok({"deployments": [_shown(call, one) for one in found]})


@route("GET", DEPLOYMENTS + "/{deployment}", "one deployment", scope="workers:read")
async def get_deployment(call: Call) -> Response:
    script = publish.existing(call, call.path["script"])
    for one in scripts.deployments(call.state.db, script.name):
        if one.id == call.path["deployment"]:
            return ok(_shown(call, one))
    raise ApiError(404, 10007, f"Deployment {call.path['deployment']} does not exist on this Worker.")


@route("POST", DEPLOYMENTS, "give one or two versions the traffic", scope="workers:write")
async def create(call: Call) -> Response:
    name, said = call.path["script"], await call.object()
    traffic = _traffic(said)
    async with call.control.lock(name):
        publish.existing(call, name)
        targets = [_version(call, name, share) for share in traffic]
        if call.query.get("force") != "true":
            _refuse_changed_secrets(call, name, targets)
        told = {**upload.annotated(said), "workers/triggered_by": "deployment"}
        one = await publish.deploy(call, name, traffic, annotations=told)
    return ok(_shown(call, one))


def _traffic(said: dict[str, Any]) -> list[Share]:
    """Raises ApiError unless there are one or two versions whose percentages add up to 100."""
    if said.get("strategy", "percentage") != "percentage":
        raise ApiError(400, 10021, f"strategy: must be percentage, not {said.get('strategy')!r}")
    listed = said.get("versions")
    if not isinstance(listed, list) or not 1 <= len(listed) <= 2:
        raise ApiError(400, 10021, "versions: one or two versions must be given")
    traffic = [_share(one) for one in listed]
    if len({share.version_id for share in traffic}) != len(traffic):
        raise ApiError(400, 10021, "versions: the same version is given twice")
    if (total := sum(share.percentage for share in traffic)) != 100:
        raise ApiError(400, 10021, f"versions: the percentages must add up to 100, not to {total:g}")
    return traffic


def _share(one: Any) -> Share:
    percentage = one.get("percentage") if isinstance(one, dict) else None
    if isinstance(percentage, bool) or not isinstance(percentage, int | float) or not 0 <= percentage <= 100:
        raise ApiError(400, 10021, f"versions: percentage must be a number from 0 to 100, not {percentage!r}")
    return Share(str(one.get("version_id")), percentage)


def _version(call: Call, name: str, share: Share) -> Version:
    version = scripts.version(call.state.db, name, share.version_id)
    if version is None:
        raise ApiError(404, 10007, f"Version {share.version_id} does not exist on this Worker.")
    return version


def _refuse_changed_secrets(call: Call, name: str, targets: Sequence[Version]) -> None:
    """Going back to a version from before a secret changed brings the old secret back: only with `force`."""
    live = scripts.current(call.state.db, name)
    if live is None:
        return
    active = [one for share in live.traffic if (one := scripts.version(call.state.db, name, share.version_id))]
    newest = max(active, key=lambda one: one.number)
    for target in targets:
        if target.number >= newest.number:
            continue
        before, after = _secrets(target), _secrets(newest)
        changed = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
        if changed:
            message = (
                f"Version {target.id} holds secrets that are not the live ones any more. "
                f"The following secrets have changed: {', '.join(changed)}"
            )
            raise ApiError(400, 10220, message)


def _secrets(version: Version) -> dict[str, str]:
    return {one["name"]: one["text"] for one in version.content.bindings if one["type"] == "secret_text"}


def _shown(call: Call, one: Deployment) -> dict[str, Any]:
    return {
        "id": one.id,
        "source": one.source,
        "strategy": "percentage",
        "author_email": tokens.account(call.state.db).email,
        "created_on": one.created,
        "annotations": dict(one.annotations),
        "versions": [{"version_id": share.version_id, "percentage": share.percentage} for share in one.traffic],
    }
